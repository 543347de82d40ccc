"""The imprint of the city, and its logo."""

from __future__ import annotations

import re
from functools import partial
from typing import Final

from aiohttp import web

from bot.web.context import language_links, site_of
from bot.web.request_locale import locale_of
from storage.tables.page_settings import logo_by_digest

_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
_FOR_GOOD: Final = "public, max-age=31536000, immutable"


def add_imprint_routes(router: web.UrlDispatcher) -> None:
    router.add_get("/imprint", _imprint)
    router.add_get("/logo/{digest}", _logo)


async def _imprint(request: web.Request) -> web.Response:
    """Shows who provides these pages."""
    site, locale = site_of(request), locale_of(request)
    lines = [line for line in site.options.imprint.splitlines() if line.strip()]
    return site.page(request, "public/imprint.html", locale, lines=lines, languages=language_links(request, locale))


async def _logo(request: web.Request) -> web.Response:
    """Sends an image that was a logo; the address changes with the content."""
    digest = request.match_info["digest"]
    if not _DIGEST.fullmatch(digest):
        raise web.HTTPNotFound
    site = site_of(request)
    found = site.page_settings.logo
    if found is None or found.digest.hex() != digest:
        found = await site.services.store.read(partial(logo_by_digest, digest=bytes.fromhex(digest)))
    if found is None:
        raise web.HTTPNotFound
    return web.Response(body=found.content, content_type=found.content_type, headers={"Cache-Control": _FOR_GOOD})
