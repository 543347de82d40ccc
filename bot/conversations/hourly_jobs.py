"""Hourly jobs of the running service: ends participations, renews final editions, deletes expired data."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Final

import structlog

from bot.common import audit_anchor
from bot.common.begin_counter import BeginCounter
from bot.common.clock import Clock
from bot.common.erasure_log import ErasureLog
from bot.common.ids import Ids
from bot.common.keys import Keys
from bot.common.logs import error_place
from bot.consultations.catalogue import Catalogue
from bot.conversations import closing
from bot.privacy.retention import COPIES_KEPT, delete_expired, delete_idle_contacts, find_idle_contacts, list_unreported
from storage import migrate
from storage.core.errors import StorageError
from storage.core.store import Store
from storage.tables.begin_counts import upsert_begin_counts

log = structlog.get_logger()

EVERY: Final = timedelta(hours=1)


async def end_participations(store: Store, keys: Keys, catalogue: Catalogue, ids: Ids) -> None:
    """Ends the participations of closed consultations, page by page."""
    work = partial(closing.end_next_participations, now=datetime.now(UTC), keys=keys, catalogue=catalogue, ids=ids)
    ended = 0
    while portion := await store.write(work):
        ended += portion
        if portion < closing.AT_ONCE:
            break
    if ended:
        log.info("participations_ended", count=ended)


async def write_begin_counts(store: Store, counter: BeginCounter, now: datetime) -> None:
    """Stores the begun participations of each network that are in memory. Raises StorageError: then they stay there."""
    if rows := counter.totals():
        await store.write(partial(upsert_begin_counts, rows=rows))
        counter.written(rows, now)


async def run_hourly_jobs(
    store: Store,
    keys: Keys,
    erasure_log: ErasureLog,
    backup_days: int,
    renew: Callable[[Mapping[str, int]], Awaitable[None]],
    begin_counter: BeginCounter,
) -> None:
    """Runs the jobs every hour until cancelled, unless the clock jumped ahead (`bot.common.clock`). Errors are logged
    and the jobs retried an hour later.

    `backup_days`: the maximum age of backups; older lines of the erasure log are deleted.
    """
    catalogue, ids, clock = Catalogue(), Ids(), Clock(erasure_log.folder.parent)
    while True:
        try:
            if (now := await asyncio.to_thread(clock.believed)) is None:
                log.error("clock_jumped_ahead")
                await asyncio.sleep(EVERY.total_seconds())
                continue
            await end_participations(store, keys, catalogue, ids)
            await renew(await store.read(partial(list_unreported, now=now)))
            await write_begin_counts(store, begin_counter, now)
            tidied = await store.write(partial(delete_expired, now=now))
            gone = tidied.failures + tidied.sessions + tidied.ideas_and_ratings
            if found := await store.read(partial(find_idle_contacts, now=now, keys=keys)):
                gone += await store.write(partial(delete_idle_contacts, numbers=found, now=now, keys=keys))
            if gone:
                await asyncio.to_thread(store.scrub)
                log.info("retention_applied", count=gone)
            await asyncio.to_thread(migrate.forget_copies, store, now - COPIES_KEPT)
            await asyncio.to_thread(erasure_log.forget_before, (now - timedelta(days=backup_days)).date())
            await store.read(partial(audit_anchor.advance, keys=keys, data=erasure_log.folder.parent))
        except (StorageError, OSError) as error:
            log.error("hourly_jobs_failed", **error_place(error))
        await asyncio.sleep(EVERY.total_seconds())
