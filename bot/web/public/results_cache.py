"""Caches published figures: the newest edition with the current texts, and its rendered page."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from functools import partial
from typing import Final, NamedTuple

from aiohttp import web
from markupsafe import Markup

from bot.proposals import publication
from bot.results.editions.service import EditionService
from bot.results.published import PublishedResults
from storage.core.store import Store

FIRST_SECONDS: Final = 5.0
"""The maximum time a visitor waits for the first edition; most are finished by then."""
MOST_KEPT: Final = 50


class _Seen(NamedTuple):
    """The last result and the time at which its reading began."""

    at: float
    found: PublishedResults | None


class ResultsCache:
    """The newest edition of each consultation. Texts are read per visitor: withdrawn ones disappear at once."""

    def __init__(self, store: Store, editor: EditionService) -> None:
        self._store = store
        self._editor = editor
        self._seen: dict[str, _Seen] = {}
        self._reading: dict[str, asyncio.Lock] = {}
        self._drawn: dict[tuple[str, str], tuple[PublishedResults, Markup]] = {}

    async def of(self, slug: str) -> PublishedResults | None:
        """Returns the figures, or None while the first edition is being made. Raises StorageError, CommandError."""
        found = await self._read(slug)
        if found is None:
            await self._editor.first(FIRST_SECONDS)
            found = await self._read(slug)
        return found

    async def _read(self, slug: str) -> PublishedResults | None:
        """Reads the figures; requests that arrive during a reading share the next one."""
        came = time.monotonic()
        async with self._reading.setdefault(slug, asyncio.Lock()):
            last = self._seen.get(slug)
            if last is None or last.at < came:
                began, known = time.monotonic(), last.found if last else None
                found = await self._store.read(partial(publication.public_figures, slug=slug, known=known))
                if len(self._seen) >= MOST_KEPT:
                    self._seen.clear()
                    self._drawn.clear()
                self._seen[slug] = last = _Seen(began, found)
            return last.found

    def drawn(self, found: PublishedResults, language: str, draw: Callable[[], str]) -> Markup:
        """Returns the rendered figures, rendered once per language: hundreds of tables take a tenth of a second."""
        key = (found.subject.newest.slug, language)
        of, markup = self._drawn.get(key, (None, Markup()))
        if of is not found:
            markup = Markup(draw())  # noqa: S704 - the template has escaped everything
            self._drawn[key] = (found, markup)
        return markup


RESULTS_CACHE: Final = web.AppKey("figures", ResultsCache)
