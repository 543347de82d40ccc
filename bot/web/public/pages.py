"""Pages that belong to no conversation: the start page, accessibility, privacy."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from aiohttp import web

from bot.consultations.place_codes import place_code
from bot.consultations.visibility import figures_are_public
from bot.web.context import language_links, site_of
from bot.web.request_locale import tongue_of

_HIDDEN: Final = ("/c/", "/kiosk/", "/help-out", "/console", "/p/", "/api/")
_ROBOTS: Final = "".join(("User-agent: *\n", *(f"Disallow: {path}\n" for path in _HIDDEN)))


def add_to(router: web.UrlDispatcher) -> None:
    router.add_get("/", _start)
    router.add_get("/accessibility", _accessibility)
    router.add_get("/privacy", _privacy)
    router.add_get("/robots.txt", _robots)


async def _start(request: web.Request) -> web.Response:
    """Open consultations, each with who asks, how long it takes, until when and in which languages."""
    site, tongue = site_of(request), tongue_of(request)
    zone = site.house.settings.zone()
    cards = []
    for notice in site.board.open_now():
        language = notice.best(tongue.tag)
        closes = notice.closes(zone)
        cards.append(
            {
                "notice": notice,
                "language": language,
                "direction": notice.tongue(tongue.tag).direction,
                "title": notice.text(notice.listing.title, language),
                "asks": notice.text(notice.listing.asks, language),
                "why": notice.text(notice.listing.why, language),
                "until": tongue.day(closes) if closes else "",
            }
        )
    now = datetime.now(UTC)
    results = [
        (notice.slug, notice.text(notice.listing.title, tongue.tag), notice.best(tongue.tag))
        for notice in site.board.everything()
        if notice.state(now) != "not_yet" and figures_are_public(notice.listing, notice.revision, now)
    ]
    place = place_code(request.query.get("at", ""))
    at = f"?at={place}" if place else ""
    languages = language_links(request, tongue)
    return site.page(request, "start.html", tongue, cards=cards, results=results, languages=languages, at=at)


async def _accessibility(request: web.Request) -> web.Response:
    """The accessibility statement."""
    site, tongue = site_of(request), tongue_of(request)
    await site.board.look()
    people = {
        (notice.text(notice.listing.contact.name, tongue.tag), notice.listing.contact.email)
        for notice in site.board.open_now()
    }
    languages = language_links(request, tongue)
    return site.page(request, "accessibility.html", tongue, languages=languages, people=sorted(people))


async def _privacy(request: web.Request) -> web.Response:
    """What is stored, in short."""
    site, tongue = site_of(request), tongue_of(request)
    words = {name: tongue.phrases.words(f"words.{name}")[0] for name in ("mydata", "delete")}
    return site.page(request, "privacy.html", tongue, languages=language_links(request, tongue), words=words)


async def _robots(request: web.Request) -> web.Response:
    """Search engines may find the start page; conversations are nobody's business."""
    return web.Response(text=_ROBOTS)
