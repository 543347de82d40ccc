"""Open data: the public export of a consultation at a stable address, made anew now and then."""

from __future__ import annotations

import asyncio
import os
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from aiohttp import web

from adapters.web.trouble import Trouble
from bot.exports import package
from bot.exports.package import Wish
from bot.publicity import figures_are_public
from bot.settings import Settings
from bot.web.chat import SLUG, notice_of
from bot.web.site import site_of
from storage.store import Store

SECONDS: Final = 60.0
FOLDER: Final = "open-data"


class Shelf:
    """The packages as they were made lately, as files in the data folder."""

    def __init__(self, store: Store, settings: Settings) -> None:
        self._store = store
        self._settings = settings
        self._made: dict[str, float] = {}
        self._making: dict[str, asyncio.Lock] = {}

    async def package(self, slug: str) -> Path:
        """The file, at most `SECONDS` old; who asks while it is made waits for the same. Raises HouseError."""
        async with self._making.setdefault(slug, asyncio.Lock()):
            path = self._settings.data / FOLDER / f"{slug}.zip"
            if time.monotonic() - self._made.get(slug, float("-inf")) > SECONDS or not path.exists():
                await asyncio.to_thread(self._make, slug, path)
                self._made[slug] = time.monotonic()
            return path

    def _make(self, slug: str, path: Path) -> None:
        fresh = path.with_name(f".{slug}.{os.getpid()}.zip")
        fresh.unlink(missing_ok=True)
        wish = Wish(slug, fresh, "public", self._settings.zone())
        package.write(self._store, wish, datetime.now(UTC))
        fresh.replace(path)


SHELF: Final = web.AppKey("shelf", Shelf)


def add_to(application: web.Application, store: Store, settings: Settings) -> None:
    application[SHELF] = Shelf(store, settings)
    application.router.add_get(f"/open-data/{SLUG}.zip", _send)


async def _send(request: web.Request) -> web.StreamResponse:
    site = site_of(request)
    await site.board.look()
    notice = notice_of(request)
    if not figures_are_public(notice.consultation, notice.revision, datetime.now(UTC)):
        raise Trouble("unknown")
    path = await request.app[SHELF].package(notice.slug)
    return web.FileResponse(path, headers={"Cache-Control": f"public, max-age={int(SECONDS)}"})
