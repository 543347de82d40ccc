"""Many screens, one count: what is shown of a room is looked up at most once a second."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Final

from aiohttp import web

from bot.results.live_results import LiveResult

SECONDS: Final = 1.0
MOST: Final = 1000
"""More rooms than this are not remembered at once."""

RoomView = tuple[int, LiveResult]
"""How many are in the room, and what everybody may see of their answers."""


class RoomViewCache:
    """What was found in the last second, by the state of a room. Whoever asks meanwhile waits for the same count."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._found: dict[str, tuple[float, asyncio.Task[RoomView]]] = {}

    async def at(self, key: str, find: Callable[[], Awaitable[RoomView]]) -> RoomView:
        """What `find` gives, or gave for this key within the last second. Raises what it raises."""
        began, task = self._found.get(key, (0.0, None))
        if task is None or self._now() - began >= SECONDS:
            if len(self._found) >= MOST:
                self._found.clear()
            task = asyncio.ensure_future(_awaited(find))
            self._found[key] = self._now(), task
        return await asyncio.shield(task)  # who goes away takes nothing from the others


async def _awaited(find: Callable[[], Awaitable[RoomView]]) -> RoomView:
    return await find()


ROOM_VIEWS: Final = web.AppKey("looks", RoomViewCache)
