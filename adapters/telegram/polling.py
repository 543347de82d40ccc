"""Asks Telegram for what people wrote, and says only after the commit that it was read."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

import structlog
from telegram.error import Conflict, InvalidToken, TelegramError
from telegram.error import RetryAfter as TooFast

from adapters.telegram.outcomes import in_words, seconds_of

log = structlog.get_logger()

Fetch = Callable[[int], Awaitable[Any]]
"""Gives the raw updates from an offset on; waits a while where there are none."""
Handle = Callable[[Sequence[Any]], Awaitable[None]]

LONGEST_PAUSE: Final = 60.0
CONFLICT_PAUSE: Final = 15.0
TOKEN_PAUSE: Final = 300.0
SILENCE_SECONDS: Final = 180.0
"""After so long without a good answer something is wrong, whatever it is."""


class Poller:
    """The loop. It never ends by itself; what is wrong with it at the moment stands in `trouble`."""

    def __init__(self, fetch: Fetch, handle: Handle, *, pace: float = 1.0) -> None:
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

        The offset only confirms what is committed. An empty answer means that nothing is left to confirm, and then none
        is given: after a week of silence Telegram begins to number anew, perhaps below the old offset.
        """
        offset = 0
        while True:
            try:
                updates = await self._fetch(offset)
                following = _offset_after(updates)
            except TelegramError as fault:
                await self._rest(fault)
                continue
            except (TypeError, ValueError) as fault:
                await self._rest(fault)
                continue
            self._well()
            if updates:
                await self._handle(updates)
            offset = following

    def _well(self) -> None:
        if self._trouble:
            log.info("telegram answers again")
        self._trouble, self._failures, self._good_at = "", 0, time.monotonic()

    async def _rest(self, fault: Exception) -> None:
        """Says what is wrong, once, and waits: longer each time, and long where only a person can help."""
        words = in_words(fault)
        if words != self._trouble:
            log.error("telegram cannot be asked", fault=type(fault).__name__)
        self._trouble = words
        self._failures += 1
        match fault:
            case TooFast():
                pause = seconds_of(fault)
            case Conflict():
                pause = CONFLICT_PAUSE
            case InvalidToken():
                pause = TOKEN_PAUSE
            case _:
                pause = min(LONGEST_PAUSE, 2.0 ** min(self._failures - 1, 10))
        await asyncio.sleep(pause * self._pace)


def _offset_after(updates: Any) -> int:
    """What confirms these updates, 0 for none. Raises ValueError for an answer that would be given for ever."""
    if not isinstance(updates, list):
        raise ValueError("updates come in a list")
    numbers = [update["update_id"] for update in updates if isinstance(update, dict) and "update_id" in update]
    if updates and not numbers:
        raise ValueError("updates without a number can never be confirmed")
    return max(map(int, numbers), default=-1) + 1
