"""Open data: the public export of a consultation at a stable address, rebuilt when figures or texts change.

Files are deleted soon after a request, so that withdrawn ideas do not stay in an old file.
"""

from __future__ import annotations

import asyncio
import os
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import Final

from aiohttp import web

from adapters.web.errors import RequestError
from bot.consultations.visibility import figures_are_public
from bot.exchange.exports import package
from bot.exchange.exports.package import ExportRequest
from bot.results.published import PublishedResults
from bot.web.context import site_of
from bot.web.public.chat import SLUG, requested_consultation
from bot.web.public.results_cache import RESULTS_CACHE
from storage.core.store import Store

SECONDS: Final = 120.0
"""How long a file is stored."""
FOLDER: Final = "open-data"


class OpenDataFiles:
    """The recently requested packages, as files in the data folder."""

    def __init__(self, store: Store, folder: Path, zone: tzinfo) -> None:
        self._store = store
        self._folder = folder
        self._zone = zone
        self._made: dict[str, PublishedResults] = {}
        self._making: dict[str, asyncio.Lock] = {}

    async def package(self, found: PublishedResults) -> Path:
        """Returns the file of these figures; concurrent requests share one build."""
        slug = found.edition.slug
        async with self._making.setdefault(slug, asyncio.Lock()):
            path = self._folder / f"{slug}.zip"
            if self._made.get(slug) is not found or not path.exists():
                await asyncio.to_thread(self._make, found, path)
                self._made[slug] = found
                asyncio.get_running_loop().call_later(SECONDS, self._drop, slug, path, found)
            return path

    def _drop(self, slug: str, path: Path, made: PublishedResults) -> None:
        """Deletes a file unless a newer one has replaced it. Open readers can finish."""
        if self._made.get(slug) is made:
            del self._made[slug]
            path.unlink(missing_ok=True)

    async def clear(self, _: web.Application) -> None:
        """Deletes all files: at shutdown, and those left by a crash."""
        for path in self._folder.glob("*.zip"):
            path.unlink(missing_ok=True)

    def _make(self, found: PublishedResults, path: Path) -> None:
        fresh = path.with_name(f".{path.stem}.{os.getpid()}.zip")
        fresh.unlink(missing_ok=True)
        wish = ExportRequest(found.edition.slug, fresh, "public", self._zone)
        package.write_public(self._store, wish, datetime.now(UTC), found)
        fresh.replace(path)


OPEN_DATA_FILES: Final = web.AppKey("shelf", OpenDataFiles)


def add_opendata_routes(application: web.Application, store: Store, data: Path, zone: tzinfo) -> None:
    """Adds the route. Files are stored in a folder below `data`; weeks and days are those of `zone`."""
    application[OPEN_DATA_FILES] = shelf = OpenDataFiles(store, data / FOLDER, zone)
    application.on_startup.append(shelf.clear)
    application.on_cleanup.append(shelf.clear)
    application.router.add_get(f"/open-data/{SLUG}.zip", _send)


async def _send(request: web.Request) -> web.StreamResponse:
    site = site_of(request)
    await site.consultations.refresh()
    published = requested_consultation(request)
    if not figures_are_public(published.consultation, published.revision, datetime.now(UTC)):
        raise RequestError("unknown")
    found = await request.app[RESULTS_CACHE].of(published.slug)
    if found is None:
        raise RequestError("making")
    path = await request.app[OPEN_DATA_FILES].package(found)
    # Revalidated each time, so that withdrawn texts disappear; unchanged files are not sent again.
    return web.FileResponse(path, headers={"Cache-Control": "no-cache"})
