"""Fetches attachments after their messages are committed, and removes the files of orphaned rows.

All pending work is in the table, so a killed process resumes it at its next start.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Final

import structlog
from sqlalchemy import Connection

from adapters.base import TOO_LARGE, Channel, Delivery, Fetching, Refused, RetryAfter, Unknown
from bot.common.keys import Keys, SecretError
from bot.common.logs import error_place
from bot.delivery.attachments.files import AttachmentFolder, bound_to, suffix_of
from storage.core.errors import StorageError
from storage.core.store import Store
from storage.tables.attachments import (
    AttachmentState,
    FetchDelay,
    FetchOutcome,
    WaitingAttachment,
    delete_orphaned_attachments,
    due_attachments,
    existing_attachments,
    next_fetch_time,
    orphaned_attachments,
    postpone_attachments,
    settle_attachments,
)
from storage.tables.erasures import mark_erased_tables

log = structlog.get_logger()

AT_ONCE: Final = 4
"""Number of parallel downloads; each holds a file of up to 20 MB in memory."""
MOST_TRIES: Final = 30
"""Pauses between attempts, about a day in total; later Telegram and Matrix may have deleted the file."""
FIRST_PAUSE: Final = 30.0
LONGEST_PAUSE: Final = 3600.0
LOOK_SECONDS: Final = 60.0
"""Interval for finding work of other processes and of the hourly jobs."""
FETCH_SECONDS: Final = 180.0


class AttachmentFetcher:
    """Fetches attachments in the background."""

    def __init__(
        self,
        store: Store,
        keys: Keys,
        channels: Mapping[str, Channel],
        folder: AttachmentFolder,
        most_bytes: int,
    ) -> None:
        self._store = store
        self._keys = keys
        self._channels = channels
        self._folder = folder
        self._most_bytes = most_bytes
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """Signals a new or erased attachment."""
        self._woken.set()

    async def run(self) -> None:
        """Works until cancelled. An error is logged and retried."""
        with suppress(OSError):
            await asyncio.to_thread(self._folder.remove_unfinished)
        while True:
            self._woken.clear()
            pause = LOOK_SECONDS
            try:
                pause = await self.work()
            except (StorageError, OSError) as error:
                log.error("attachment_work_failed", **error_place(error))
            with suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._woken.wait()

    async def work(self) -> float:
        """Does all work that is due; returns the seconds until there may be more. Raises OSError and the classes of
        `storage.core.errors`.
        """
        while await self._remove_some():
            pass
        while waiting := await self._store.read(partial(due_attachments, now=datetime.now(UTC), most=AT_ONCE)):
            outcomes = await asyncio.gather(*map(self._fetch, waiting))
            gone = await self._store.write(partial(_note, outcomes=outcomes))
            if gone:  # erased meanwhile
                await asyncio.to_thread(self._remove_files, gone)
        due = await self._store.read(next_fetch_time)
        return LOOK_SECONDS if due is None else min(LOOK_SECONDS, max(0.0, (due - datetime.now(UTC)).total_seconds()))

    async def _remove_some(self) -> bool:
        """Removes files of orphans, then their rows; repeats both after an interruption."""
        found = await self._store.read(partial(orphaned_attachments, most=100))
        if not found:
            return False
        await asyncio.to_thread(self._remove_files, [orphan.file for orphan in found])
        await self._store.write(partial(_remove, ids=[orphan.id for orphan in found]))
        await asyncio.to_thread(self._store.scrub)
        return True

    def _remove_files(self, names: list[str]) -> None:
        for name in names:
            self._folder.remove(name)

    async def _fetch(self, row: WaitingAttachment) -> tuple[WaitingAttachment, FetchOutcome | FetchDelay]:
        got = await self._ask(row)
        tries = row.tries + 1
        if isinstance(got, bytes):
            try:
                return row, await self._keep(row, got, tries)
            except OSError as error:  # the disk is full, for example
                log.error("attachment_not_stored", channel=row.channel, **error_place(error))
                got = Unknown(type(error).__name__)
        match got:
            case Refused(reason):
                log.error("attachment_refused", channel=row.channel, attempts=tries)
                state: AttachmentState = "too_large" if reason == TOO_LARGE else "failed"
                return row, FetchOutcome(id=row.id, state=state, size=None, ending=None, tries=tries)
            case RetryAfter() | Unknown() if tries < MOST_TRIES:
                wanted = got.seconds if isinstance(got, RetryAfter) else 0.0
                pause = max(wanted, min(FIRST_PAUSE * 2 ** (tries - 1), LONGEST_PAUSE))
                return row, FetchDelay(row.id, tries, datetime.now(UTC) + timedelta(seconds=pause))
        log.error("attachment_unavailable", channel=row.channel, attempts=tries)
        return row, FetchOutcome(id=row.id, state="failed", size=None, ending=None, tries=tries)

    async def _ask(self, row: WaitingAttachment) -> bytes | Delivery:
        channel = self._channels.get(row.channel)
        if not isinstance(channel, Fetching):  # the channel is not configured, perhaps temporarily
            return RetryAfter(LONGEST_PAUSE, "no such channel")
        try:
            handle = self._keys.decrypt(row.handle, bound_to(row.id))
            async with asyncio.timeout(FETCH_SECONDS):
                return await channel.fetch(handle)
        except SecretError:
            return Refused("sealed with another key")
        except Exception as error:  # noqa: BLE001 - an error in one channel must not stop the others
            log.error("attachment_fetch_failed", channel=row.channel, **error_place(error))
            return Unknown(type(error).__name__)

    async def _keep(self, row: WaitingAttachment, content: bytes, tries: int) -> FetchOutcome:
        if len(content) > self._most_bytes:
            return FetchOutcome(id=row.id, state="too_large", size=None, ending=None, tries=tries)
        ending = suffix_of(content, row.kind)
        if not ending:
            return FetchOutcome(id=row.id, state="wrong_type", size=None, ending=None, tries=tries)
        await asyncio.to_thread(self._folder.keep, content, row.file)
        return FetchOutcome(id=row.id, state="kept", size=len(content), ending=ending, tries=tries)


def _remove(connection: Connection, ids: list[int]) -> None:
    delete_orphaned_attachments(connection, ids)
    mark_erased_tables(connection, ["attachments"])


def _note(connection: Connection, outcomes: list[tuple[WaitingAttachment, FetchOutcome | FetchDelay]]) -> list[str]:
    """Stores the outcomes; returns the files whose row no longer exists."""
    there = existing_attachments(connection, [row.id for row, _ in outcomes])
    fetched = [outcome for _, outcome in outcomes if isinstance(outcome, FetchOutcome)]
    settle_attachments(connection, fetched)
    postpone_attachments(connection, [outcome for _, outcome in outcomes if isinstance(outcome, FetchDelay)])
    return [row.file for row, _ in outcomes if row.id not in there]
