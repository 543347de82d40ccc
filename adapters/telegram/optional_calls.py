"""Calls beside the queue of messages, whose failure does no harm. They wait as long as Telegram demands."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final

import structlog
from telegram.error import RetryAfter, TelegramError

from adapters.telegram.outcomes import seconds_of

log = structlog.get_logger()

MOST_WAITING: Final = 1_000
"""Calls that wait at once; further ones are left out."""
LONGEST_WAIT: Final = 60.0
"""Seconds; a call that Telegram puts off for longer is left out."""

Call = Callable[[], Awaitable[Any]]


class OptionalCalls:
    """Runs calls in the background. After "too fast" none is sent until the time that Telegram named is over."""

    def __init__(self, pace: float = 1.0) -> None:
        self._pace = pace
        self._tasks: set[asyncio.Task[None]] = set()
        self._quiet_until = 0.0

    def run(self, call: Call, *, can_wait: bool = True) -> None:
        """Starts a call. One that cannot wait is left out while Telegram wants no calls."""
        if len(self._tasks) >= MOST_WAITING or (not can_wait and self._left() > 0):
            return
        task = asyncio.create_task(self._harmless(call, can_wait))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Ends all calls."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    def _left(self) -> float:
        """Returns the seconds until calls may be sent again."""
        return max(0.0, self._quiet_until - time.monotonic())

    async def _harmless(self, call: Call, can_wait: bool) -> None:
        try:
            await asyncio.sleep(self._left())
            await call()
        except RetryAfter as error:
            seconds = seconds_of(error)
            self._quiet_until = max(self._quiet_until, time.monotonic() + min(seconds, LONGEST_WAIT) * self._pace)
            if can_wait and seconds <= LONGEST_WAIT:
                await self._harmless(call, can_wait)
        except TelegramError as error:
            log.debug("telegram_optional_call_failed", fault=type(error).__name__)
