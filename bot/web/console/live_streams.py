"""Live figures for many viewers: one producer for each consultation that is watched.

A producer counts at most every `SECONDS` and waits `REST` times as long as the last count took, so that counting a
large consultation costs a small share of a processor. Each change is rendered once in each language.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Final, NamedTuple

from aiohttp import web

from bot.results.live_progress import LiveProgress
from storage.core.errors import StorageError

SECONDS: Final = 2.0
REST: Final = 100
LONGEST_PAUSE: Final = 60.0
PATIENCE_SECONDS: Final = 2.0
"""Without a count for this time the figures count as late; a page is shown without waiting longer."""
BEAT_SECONDS: Final = 10.0
"""After this time viewers get the figures again although nothing has changed: the page names their time."""
MOST_VIEWERS: Final = 500
"""Viewers of one consultation."""

Load = Callable[[], Awaitable[LiveProgress]]


class LiveState(NamedTuple):
    """What viewers see. `progress` is None before the first count; `number` rises with each state."""

    number: int = 0
    progress: LiveProgress | None = None
    counted_at: float = 0.0
    """Seconds since the epoch."""
    is_late: bool = False
    """Whether the database has not answered for too long."""


class LiveProducer:
    """Counts one consultation while there are viewers."""

    def __init__(self, load: Load) -> None:
        self.state = LiveState()
        self.viewers = 0
        self.is_closed = False
        self.rendered: dict[str, tuple[int, bytes]] = {}
        """By language: the state that was rendered, and the event."""
        self._load = load
        self._changed = asyncio.Condition()
        self._reading: asyncio.Task[LiveProgress] | None = None
        self._running: asyncio.Task[None] | None = None

    async def look(self) -> LiveState:
        """Returns the present state for a page; counts if there are no viewers. Waits at most `PATIENCE_SECONDS`."""
        if time.time() - self.state.counted_at >= SECONDS:
            await self._count()
        return self.state

    async def watch(self, after: int, seconds: float) -> LiveState:
        """Returns the next state after this number; after these seconds the present one."""
        if self._running is None or self._running.done():
            self._running = asyncio.create_task(self._run())
        async with self._changed:
            try:
                async with asyncio.timeout(seconds):
                    await self._changed.wait_for(lambda: self.is_closed or self.state.number > after)
            except TimeoutError:
                pass
        return self.state

    async def close(self) -> None:
        """Ends the streams."""
        self.is_closed = True
        async with self._changed:
            self._changed.notify_all()
        for task in (self._running, self._reading):
            if task:
                task.cancel()

    async def _run(self) -> None:
        while self.viewers and not self.is_closed:
            began = time.monotonic()
            await self._count()
            took = time.monotonic() - began
            await asyncio.sleep(max(SECONDS - took, min(took * REST, LONGEST_PAUSE)))

    async def _count(self) -> None:
        """Counts once. A count that takes longer than `PATIENCE_SECONDS` continues for the next call."""
        reading = self._reading
        if reading is None:
            reading = self._reading = asyncio.ensure_future(self._load())
        await asyncio.wait([reading], timeout=PATIENCE_SECONDS)
        if not reading.done():
            await self._set(self.state._replace(is_late=True))
            return
        if self._reading is reading:
            self._reading = None
        try:
            progress = reading.result()
        except (StorageError, asyncio.CancelledError):
            await self._set(self.state._replace(is_late=True))
            return
        await self._set(LiveState(self.state.number, progress, time.time()))

    async def _set(self, new: LiveState) -> None:
        old = self.state
        is_same = (new.progress, new.is_late) == (old.progress, old.is_late)
        if is_same and new.counted_at - old.counted_at < BEAT_SECONDS:
            return
        async with self._changed:
            self.state = new._replace(number=old.number + 1)
            self._changed.notify_all()


class LiveStreams:
    """The producers of all consultations that were watched since the start."""

    def __init__(self) -> None:
        self._producers: dict[int, LiveProducer] = {}

    def of(self, consultation_id: int, load: Load) -> LiveProducer:
        """Returns the producer of a consultation."""
        found = self._producers.get(consultation_id)
        if found is None:
            self._producers = {key: it for key, it in self._producers.items() if it.viewers}
            found = self._producers[consultation_id] = LiveProducer(load)
        return found

    async def close(self, _: web.Application) -> None:
        """Ends all streams, so that the server can stop."""
        for producer in self._producers.values():
            await producer.close()


LIVE_STREAMS: Final = web.AppKey("live_streams", LiveStreams)
