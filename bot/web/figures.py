"""What is computed for the page of results, kept for a while: everybody who asks at that time sees the same."""

from __future__ import annotations

import asyncio
import time
from functools import partial
from typing import Final

from aiohttp import web

from bot.results import published
from bot.results.published import Published
from storage.store import Store

SECONDS: Final = 30.0
"""So old may be what the page shows: it is worked out for everybody at once."""
MOST_KEPT: Final = 50


class Figures:
    """Results as they were worked out lately, by slug. Who asks while they are worked out waits for the same ones."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._known: dict[str, tuple[float, Published]] = {}
        self._working: dict[str, asyncio.Lock] = {}

    async def of(self, slug: str) -> Published:
        """The result, at most `SECONDS` old. Raises StorageError, HouseError."""
        async with self._working.setdefault(slug, asyncio.Lock()):
            at, known = self._known.get(slug, (float("-inf"), None))
            if known is None or time.monotonic() - at > SECONDS:
                known = await self._store.read(partial(published.read, slug=slug))
                if len(self._known) >= MOST_KEPT:
                    self._known.clear()
                self._known[slug] = (time.monotonic(), known)
            return known


FIGURES: Final = web.AppKey("figures", Figures)
