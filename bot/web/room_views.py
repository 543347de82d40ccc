"""Caches the view of a live meeting for one second, so that many screens cost one query."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Final

from aiohttp import web

from bot.results.live_results import LiveResult

SECONDS: Final = 1.0
MOST: Final = 1000
"""The maximum number of cached rooms."""

RoomView = tuple[int, LiveResult]
"""The number of participants in the room, and their published answers."""


class RoomViewCache:
    """The views of the last second, by the state of a room. Concurrent requests share one query."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._found: dict[str, tuple[float, asyncio.Task[RoomView]]] = {}

    async def at(self, key: str, find: Callable[[], Awaitable[RoomView]]) -> RoomView:
        """Returns the result of `find` for this key, at most one second old. Raises its errors."""
        began, task = self._found.get(key, (0.0, None))
        if task is None or self._now() - began >= SECONDS:
            if len(self._found) >= MOST:
                self._found.clear()
            task = asyncio.ensure_future(_awaited(find))
            self._found[key] = self._now(), task
        return await asyncio.shield(task)  # a cancelled request must not cancel the query for the others


async def _awaited(find: Callable[[], Awaitable[RoomView]]) -> RoomView:
    return await find()


ROOM_VIEWS: Final = web.AppKey("looks", RoomViewCache)
