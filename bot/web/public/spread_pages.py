"""Pages for those who make a consultation known: a screen for a hall, and what came of one place.

The page of a place has an address that cannot be guessed. Both show numbers only, small ones as "fewer than".
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from hmac import compare_digest
from typing import Final

from aiohttp import web
from sqlalchemy import Connection

from adapters.web.errors import RequestError
from bot.common.i18n.locale import Locale
from bot.common.keys import Keys
from bot.consultations.entry_places import PlaceFigures, places_with_figures
from bot.web.consultation_cache import PublishedConsultation
from bot.web.context import language_links, site_of
from bot.web.public.chat import SLUG, requested_consultation
from bot.web.public.resume import qr_code
from bot.web.request_locale import locale_of
from storage.core.store import Store
from storage.tables.participations import Tally, tally_participations

KEPT_SECONDS: Final = 10.0
"""So long a count is shown to all visitors without counting again."""
MOST_KEPT: Final = 200
TOKEN_BYTES: Final = 16
RENEWED_SECONDS: Final = 20
HTMX_CONFIG: Final = '{"allowEval":false,"includeIndicatorStyles":false,"historyCacheSize":0}'


class RecentTallies:
    """Counts participations at most once in `KEPT_SECONDS` for each consultation."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._found: dict[int, tuple[float, Tally]] = {}
        self._clock = clock

    async def of(self, store: Store, consultation_id: int) -> Tally:
        """Returns the count. Raises the classes of `storage.core.errors`."""
        at, tally = self._found.get(consultation_id, (float("-inf"), None))
        if tally is None or self._clock() - at >= KEPT_SECONDS:
            tally = await store.read(partial(tally_participations, consultation_id=consultation_id))
            if len(self._found) >= MOST_KEPT:
                self._found.clear()
            self._found[consultation_id] = self._clock(), tally
        return tally


TALLIES: Final = web.AppKey("recent-tallies", RecentTallies)


def add_spread_routes(application: web.Application) -> None:
    application[TALLIES] = RecentTallies()
    application.router.add_get(f"/c/{SLUG}/screen", _screen)
    application.router.add_get(f"/c/{SLUG}/place/{{code}}/{{token}}", _place)


def place_token(keys: Keys, consultation_id: int, code: str) -> str:
    """Returns the secret part of the address of a place's page."""
    return keys.audit_mac(f"place {consultation_id} {code}".encode())[:TOKEN_BYTES].hex()


async def _screen(request: web.Request) -> web.Response:
    """Shows a large code to join, and how many take part, for a screen in a hall."""
    site = site_of(request)
    await site.consultations.refresh()
    published = requested_consultation(request)
    tally = await request.app[TALLIES].of(site.services.store, published.revision.consultation_id)
    locale = _locale(request, published)
    link = f"{site.origin(request)}/c/{published.slug}"
    response = site.page(
        request,
        "public/screen.html",
        locale,
        title=published.text(published.listing.title, locale.tag),
        asks=published.text(published.consultation.asks, locale.tag),
        link=link.partition("://")[2],
        path=request.path,
        qr=qr_code(link),
        people=_shown(tally.answered, published, locale),
        seconds=RENEWED_SECONDS,
        htmx_config=HTMX_CONFIG,
    )
    response.headers["Cache-Control"] = "no-store"
    return response


async def _place(request: web.Request) -> web.Response:
    """Shows how many people came by the code of one place, to those who have its address."""
    site = site_of(request)
    await site.consultations.refresh()
    published, code = requested_consultation(request), request.match_info["code"]
    number = published.revision.consultation_id
    token = place_token(site.services.keys, number, code)
    if not compare_digest(token.encode(), request.match_info["token"].encode()):
        raise RequestError("unknown")
    found = await site.services.store.read(partial(_figures, consultation_id=number, code=code))
    if found is None:
        raise RequestError("unknown")
    locale = _locale(request, published)
    response = site.page(
        request,
        "public/place.html",
        locale,
        published=published,
        title=published.text(published.listing.title, locale.tag),
        name=found.place.name,
        begun=_shown(found.begun, published, locale),
        finished=_shown(found.finished, published, locale),
        languages=language_links(request, locale, tuple(published.consultation.languages)),
    )
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Robots-Tag"] = "noindex"
    return response


def _figures(connection: Connection, consultation_id: int, code: str) -> PlaceFigures | None:
    places = places_with_figures(connection, consultation_id)
    return next((it for it in places if it.code == code and it.place.removed_at is None), None)


def _shown(number: int, published: PublishedConsultation, locale: Locale) -> str:
    """Returns a number, or "fewer than" the smallest cell."""
    least = published.consultation.smallest_cell
    return locale.number(number) if number >= least else locale.text("results.fewer", n=least)


def _locale(request: web.Request, published: PublishedConsultation) -> Locale:
    return published.locale(locale_of(request).tag)
