"""Open data: the public export of a consultation at a stable address, made anew now and then.

The files do not stay: whoever withdraws an idea must not be found in one that nobody has asked for since.
"""

from __future__ import annotations

import asyncio
import os
import time
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import Final

from aiohttp import web

from adapters.web.trouble import Trouble
from bot.exports import package
from bot.exports.package import Wish
from bot.publicity import figures_are_public
from bot.web.chat import SLUG, notice_of
from bot.web.site import site_of
from storage.store import Store

SECONDS: Final = 60.0
FOLDER: Final = "open-data"


class Shelf:
    """The packages as they were made lately, as files in the data folder."""

    def __init__(self, store: Store, folder: Path, zone: tzinfo) -> None:
        self._store = store
        self._folder = folder
        self._zone = zone
        self._made: dict[str, float] = {}
        self._making: dict[str, asyncio.Lock] = {}

    async def package(self, slug: str) -> Path:
        """The file, at most `SECONDS` old; who asks while it is made waits for the same. Raises HouseError."""
        async with self._making.setdefault(slug, asyncio.Lock()):
            path = self._folder / f"{slug}.zip"
            if time.monotonic() - self._made.get(slug, float("-inf")) > SECONDS or not path.exists():
                await asyncio.to_thread(self._make, slug, path)
                self._made[slug] = made = time.monotonic()
                asyncio.get_running_loop().call_later(2 * SECONDS, self._drop, slug, path, made)
            return path

    def _drop(self, slug: str, path: Path, made: float) -> None:
        """Removes a file unless a newer one has taken its place. Who is just reading it reads on."""
        if self._made.get(slug) == made:
            path.unlink(missing_ok=True)

    async def clear(self, _: web.Application) -> None:
        """Removes all files: at the end, and what a crash left."""
        for path in self._folder.glob("*.zip"):
            path.unlink(missing_ok=True)

    def _make(self, slug: str, path: Path) -> None:
        fresh = path.with_name(f".{slug}.{os.getpid()}.zip")
        fresh.unlink(missing_ok=True)
        wish = Wish(slug, fresh, "public", self._zone)
        package.write(self._store, wish, datetime.now(UTC))
        fresh.replace(path)


SHELF: Final = web.AppKey("shelf", Shelf)


def add_to(application: web.Application, store: Store, data: Path, zone: tzinfo) -> None:
    """Files lie in a folder of their own below `data`; weeks and days are those of `zone`."""
    application[SHELF] = shelf = Shelf(store, data / FOLDER, zone)
    application.on_startup.append(shelf.clear)
    application.on_cleanup.append(shelf.clear)
    application.router.add_get(f"/open-data/{SLUG}.zip", _send)


async def _send(request: web.Request) -> web.StreamResponse:
    site = site_of(request)
    await site.board.look()
    notice = notice_of(request)
    if not figures_are_public(notice.consultation, notice.revision, datetime.now(UTC)):
        raise Trouble("unknown")
    path = await request.app[SHELF].package(notice.slug)
    return web.FileResponse(path, headers={"Cache-Control": f"public, max-age={int(SECONDS)}"})
