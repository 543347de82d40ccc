"""Polls Telegram for updates and confirms them only after the commit."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

import structlog
from telegram.error import Conflict, InvalidToken, TelegramError
from telegram.error import RetryAfter as TooFast

from adapters.telegram.albums import ALBUM_SECONDS, MOST_ROUNDS, album_parts
from adapters.telegram.line import MOST_UPDATES
from adapters.telegram.outcomes import NOT_THERE_OFTEN, describe_error, seconds_of
from adapters.telegram.transport import NotThere, TooLarge

log = structlog.get_logger()

Fetch = Callable[[int, int], Awaitable[Any]]
"""Returns at most this number of raw updates from an offset on; waits for a while if there are none."""
Handle = Callable[[Sequence[Any]], Awaitable[None]]

LONGEST_PAUSE: Final = 60.0
CONFLICT_PAUSE: Final = 15.0
TOKEN_PAUSE: Final = 300.0
OFTEN: Final = 5
"""This number of consecutive "not found" answers is more than a restart of the server."""
SILENCE_SECONDS: Final = 180.0
"""After this time without a successful answer a problem is reported."""
_LARGEST_NUMBER: Final = 2**53
"""The upper bound of update ids; a greater one would confirm all future updates."""
_NUMBER: Final = re.compile(rb'"update_id"\s*:\s*(\d{1,15})\b')


class Poller:
    """The polling loop. It never ends by itself; `trouble` holds its current problem."""

    def __init__(self, fetch: Fetch, handle: Handle, *, name: str = "", pace: float = 1.0) -> None:
        self._name = name
        self._fetch = fetch
        self._handle = handle
        self._pace = pace
        """Shortens all pauses, for tests."""
        self._trouble = ""
        self._failures = 0
        self._good_at = time.monotonic()

    def trouble(self) -> str:
        silent = time.monotonic() - self._good_at
        if self._trouble or silent < SILENCE_SECONDS:
            return self._trouble
        return f"no answer from the Bot API for {silent:.0f} seconds"

    async def run(self) -> None:
        """Polls until it is cancelled.

        The offset confirms committed updates only. After an empty answer no offset is sent, because nothing is left to
        confirm: after a week without updates Telegram restarts its numbering, perhaps below the old offset.
        """
        offset, limit = 0, MOST_UPDATES
        while True:
            try:
                updates = await self._fetch_whole(offset, limit)
                following = _offset_after(updates)
            except TooLarge as error:
                if limit > 1 or not (following := _offset_behind(error.head)):
                    limit = 1
                    await self._rest(error)
                    continue
                log.error("telegram_update_skipped", channel=self._name, update_id=following - 1, exc_info=error)
                updates = []
            except (TelegramError, ValueError) as error:
                await self._rest(error)
                continue
            self._well()
            if updates:
                await self._handle(updates)
            offset, limit = following, MOST_UPDATES

    async def _fetch_whole(self, offset: int, limit: int) -> Any:
        """Fetches updates; if an album is among them, all of it. Nothing is confirmed before."""
        updates = await self._fetch(offset, limit)
        parts = 0
        for _ in range(MOST_ROUNDS):  # others wait meanwhile
            if limit == 1 or not isinstance(updates, list) or album_parts(updates) <= parts:
                break
            parts = album_parts(updates)
            await asyncio.sleep(ALBUM_SECONDS * self._pace)
            updates = await self._fetch(offset, limit)
        return updates

    def _well(self) -> None:
        if self._trouble:
            log.info("telegram_polling_recovered")
        self._trouble, self._failures, self._good_at = "", 0, time.monotonic()

    async def _rest(self, error: Exception) -> None:
        """Logs the problem once and waits: longer each time, and long if only the operator can correct it."""
        words = describe_error(error)
        if isinstance(error, NotThere) and self._failures + 1 >= OFTEN:
            words = NOT_THERE_OFTEN
        if words != self._trouble:
            log.error("telegram_polling_failed", fault=type(error).__name__)
        self._trouble = words
        self._failures += 1
        match error:
            case TooFast():
                pause = seconds_of(error)
            case Conflict():
                pause = CONFLICT_PAUSE
            case InvalidToken():
                pause = TOKEN_PAUSE
            case _:
                pause = min(LONGEST_PAUSE, 2.0 ** min(self._failures - 1, 10))
        await asyncio.sleep(pause * self._pace)


def _offset_after(updates: Any) -> int:
    """Returns the offset that confirms these updates, 0 for none. Raises ValueError for an answer that no offset
    confirms."""
    if not isinstance(updates, list):
        raise ValueError("updates come in a list")
    numbers = [number for update in updates if (number := update_id_of(update)) is not None]
    if updates and not numbers:
        raise ValueError("updates without a number can never be confirmed")
    return max(numbers, default=-1) + 1


def update_id_of(update: Any) -> int | None:
    """Returns the id of an update, None if it has no valid one."""
    number = update.get("update_id") if isinstance(update, dict) else None
    return number if type(number) is int and 0 <= number < _LARGEST_NUMBER else None


def _offset_behind(head: bytes) -> int:
    """Returns the offset that confirms the first update of an answer that is too large to read, 0 if its id is not
    found."""
    found = _NUMBER.search(head)
    return int(found[1]) + 1 if found else 0
