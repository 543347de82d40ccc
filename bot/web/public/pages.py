"""Pages without a conversation: start page, accessibility, privacy."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from aiohttp import web

from bot.consultations.entry_codes import parse_entry_code
from bot.consultations.visibility import figures_are_public
from bot.web.context import language_links, site_of
from bot.web.request_locale import locale_of

_HIDDEN: Final = ("/c/", "/kiosk/", "/assist", "/help-out", "/console", "/p/", "/api/")
VALID_FOR: Final = timedelta(days=180)
_ROBOTS: Final = "".join(("User-agent: *\n", *(f"Disallow: {path}\n" for path in _HIDDEN)))


def add_page_routes(router: web.UrlDispatcher) -> None:
    router.add_get("/", _start)
    router.add_get("/accessibility", _accessibility)
    router.add_get("/privacy", _privacy)
    router.add_get("/robots.txt", _robots)
    router.add_get("/.well-known/security.txt", _security)


async def _start(request: web.Request) -> web.Response:
    """Shows the open consultations with sender, duration, end and languages."""
    site, locale = site_of(request), locale_of(request)
    zone = site.services.settings.zone()
    cards = []
    for published in site.consultations.open_now():
        language = published.best(locale.tag)
        closes = published.closes(zone)
        cards.append(
            {
                "published": published,
                "language": language,
                "direction": published.locale(locale.tag).direction,
                "title": published.text(published.listing.title, language),
                "asks": published.text(published.listing.asks, language),
                "why": published.text(published.listing.why, language),
                "until": locale.day(closes) if closes else "",
            }
        )
    now = datetime.now(UTC)
    results = [
        (published.slug, published.text(published.listing.title, locale.tag), published.best(locale.tag))
        for published in site.consultations.all_listed()
        if published.state(now) != "not_yet" and figures_are_public(published.listing, published.revision, now)
    ]
    place = parse_entry_code(request.query.get("at", ""))
    at = f"?at={place}" if place else ""
    languages = language_links(request, locale)
    return site.page(request, "public/start.html", locale, cards=cards, results=results, languages=languages, at=at)


async def _accessibility(request: web.Request) -> web.Response:
    """Shows the accessibility statement."""
    site, locale = site_of(request), locale_of(request)
    await site.consultations.refresh()
    people = {
        (published.text(published.listing.contact.name, locale.tag), published.listing.contact.email)
        for published in site.consultations.open_now()
    }
    languages = language_links(request, locale)
    return site.page(request, "public/accessibility.html", locale, languages=languages, people=sorted(people))


async def _privacy(request: web.Request) -> web.Response:
    """Shows what is stored, in short."""
    site, locale = site_of(request), locale_of(request)
    words = {name: locale.phrases.words(f"words.{name}")[0] for name in ("mydata", "delete")}
    return site.page(request, "public/privacy.html", locale, languages=language_links(request, locale), words=words)


async def _robots(request: web.Request) -> web.Response:
    """Lets search engines index the start page, but no conversations."""
    return web.Response(text=_ROBOTS)


async def _security(request: web.Request) -> web.Response:
    """Says where weaknesses are reported (RFC 9116), if the settings name a contact."""
    site = site_of(request)
    if not site.options.security_contact:
        raise web.HTTPNotFound
    return web.Response(text=security_text(site.options.security_contact, site.options.public_url, datetime.now(UTC)))


def security_text(contact: str, public_url: str, now: datetime) -> str:
    """Returns the content of `security.txt` (RFC 9116). It expires after half a year, so that it is fetched again."""
    address = contact if "://" in contact else f"mailto:{contact}"
    expires = now.replace(hour=0, minute=0, second=0, microsecond=0) + VALID_FOR
    lines = [f"Contact: {address}", f"Expires: {expires:%Y-%m-%dT%H:%M:%SZ}", "Preferred-Languages: de, en"]
    if public_url:
        lines.append(f"Canonical: {public_url}/.well-known/security.txt")
    return "\n".join([*lines, ""])
