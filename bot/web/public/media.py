"""Serves the recordings and images of published consultations."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Final

from aiohttp import web

from bot.authoring.media import FOLDER, MEDIA_NAME
from bot.web.context import SITE, Site, site_of
from storage.tables.revisions import is_in_any_revision

TYPES: Final = {
    "mp3": "audio/mpeg",
    "ogg": "audio/ogg",
    "opus": "audio/ogg",
    "m4a": "audio/mp4",
    "wav": "audio/wav",
    "png": "image/png",
    "jpg": "image/jpeg",
    "webp": "image/webp",
}
_FOR_GOOD: Final = "public, max-age=31536000, immutable"


class PublishedMedia:
    """The handler with the names that it found in a revision."""

    def __init__(self, site: Site) -> None:
        self._folder: Path = site.services.settings.data / FOLDER
        self._published: set[str] = set()

    async def file(self, request: web.Request) -> web.StreamResponse:
        """`GET /media/NAME`: a recording or an image of a published revision, with range requests."""
        name = request.match_info["name"]
        if not MEDIA_NAME.fullmatch(name) or not (self._folder / name).is_file():
            raise web.HTTPNotFound
        if name not in self._published:
            if not await site_of(request).services.store.read(partial(is_in_any_revision, words=name)):
                raise web.HTTPNotFound
            self._published.add(name)
        headers = {"Content-Type": TYPES[Path(name).suffix.removeprefix(".")], "Cache-Control": _FOR_GOOD}
        return web.FileResponse(self._folder / name, headers=headers)


def add_media_routes(application: web.Application) -> None:
    """Adds the route of the files."""
    application.router.add_get("/media/{name}", PublishedMedia(application[SITE]).file)
