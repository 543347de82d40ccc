"""What is computed for the page of results, kept for a while: everybody who asks at that time sees the same."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from functools import partial
from typing import Final

from aiohttp import web
from markupsafe import Markup

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
        self._drawn: dict[tuple[str, str], tuple[Published, Markup]] = {}

    async def of(self, slug: str) -> Published:
        """The result, at most `SECONDS` old. Raises StorageError, HouseError."""
        async with self._working.setdefault(slug, asyncio.Lock()):
            at, known = self._known.get(slug, (float("-inf"), None))
            if known is None or time.monotonic() - at > SECONDS:
                known = await self._store.read(partial(published.read, slug=slug))
                if len(self._known) >= MOST_KEPT:
                    self._known.clear()
                    self._drawn.clear()
                self._known[slug] = (time.monotonic(), known)
            return known

    def drawn(self, found: Published, language: str, draw: Callable[[], str]) -> Markup:
        """These figures as a part of a page in one language: drawn once, since hundreds of tables take a tenth of a
        second, in which nobody else is answered.
        """
        key = (found.subject.newest.slug, language)
        of, markup = self._drawn.get(key, (None, Markup()))
        if of is not found:
            markup = Markup(draw())  # noqa: S704 - the template has escaped everything
            self._drawn[key] = (found, markup)
        return markup


FIGURES: Final = web.AppKey("figures", Figures)
