"""Styles, scripts and pictures: read and compressed once, cached by browsers until they change."""

from __future__ import annotations

import gzip
import hashlib
from pathlib import Path
from typing import Final, NamedTuple

from aiohttp import web

from bot.common.colours import for_dark_pages, for_light_pages

FOLDER: Final = Path(__file__).parent / "static"
VENDOR: Final = FOLDER / "vendor"
"""Scripts of others."""
_TYPES: Final = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml", ".png": "image/png"}
_FOR_GOOD: Final = "public, max-age=31536000, immutable"
_SOON_AGAIN: Final = "public, max-age=300"


class Asset(NamedTuple):
    """A static file as it is sent. `version` changes with the content."""

    content_type: str
    plain: bytes
    packed: bytes
    version: str


class Assets:
    """The files of `static/`, with the accent colour of this installation prepended to style sheets."""

    def __init__(self, accent: str) -> None:
        self._accent = accent
        colours = _colours(accent)
        files = sorted([*FOLDER.iterdir(), *VENDOR.iterdir()])
        self._assets = {path.name: _asset(path, colours) for path in files if path.suffix in _TYPES}

    def use_accent(self, accent: str) -> None:
        """Changes the accent colour of style sheets; their addresses change with it."""
        if accent == self._accent:
            return
        self._accent, colours = accent, _colours(accent)
        self._assets |= {path.name: _asset(path, colours) for path in sorted(FOLDER.glob("*.css"))}

    def url(self, name: str) -> str:
        """Returns the address of a file; it changes with the content."""
        return f"/static/{name}?v={self._assets[name].version}"

    async def send(self, request: web.Request) -> web.Response:
        """Sends the file named in the path."""
        return self.named(request, request.match_info["name"])

    async def icon(self, request: web.Request) -> web.Response:
        return self.named(request, "icon.svg")

    def named(self, request: web.Request, name: str) -> web.Response:
        asset = self._assets.get(name)
        if asset is None:
            raise web.HTTPNotFound
        is_exact = request.query.get("v") == asset.version
        headers = {
            "Cache-Control": _FOR_GOOD if is_exact else _SOON_AGAIN,
            "Vary": "Accept-Encoding",
            "ETag": f'"{asset.version}"',
        }
        if request.headers.get("If-None-Match") == headers["ETag"]:
            return web.Response(status=304, headers=headers)
        body = asset.plain
        if "gzip" in request.headers.get("Accept-Encoding", ""):
            headers["Content-Encoding"] = "gzip"
            body = asset.packed
        charset = None if asset.content_type == "image/png" else "utf-8"
        return web.Response(body=body, headers=headers, content_type=asset.content_type, charset=charset)


def _colours(accent: str) -> str:
    return f":root{{--accent-light:{for_light_pages(accent)};--accent-dark:{for_dark_pages(accent)}}}\n"


def _asset(path: Path, colours: str) -> Asset:
    content = path.read_bytes()
    plain = colours.encode() + content if path.suffix == ".css" else content
    version = hashlib.sha256(plain).hexdigest()[:12]
    return Asset(_TYPES[path.suffix], plain, gzip.compress(plain, 9, mtime=0), version)
