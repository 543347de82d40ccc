"""Kiosk mode for a shared device: each visitor starts a new session, and no data of the previous one remains.

No link leads out of it, because another page would stay on the screen for the next person.
"""

from __future__ import annotations

from aiohttp import web

from adapters.web.errors import RequestError
from bot.common.i18n.locale import Locale
from bot.web.assisted import pages
from bot.web.assisted.device_sessions import (
    KIOSK,
    clear_cookies,
    device_session_of,
    device_sessions_of,
    entry_code_from,
)
from bot.web.consultation_cache import PublishedConsultation
from bot.web.context import form_of, site_of
from bot.web.middleware import error_page
from bot.web.public.chat import SLUG, requested_consultation


def add_kiosk_routes(router: web.UrlDispatcher) -> None:
    router.add_get(f"{KIOSK.base}/{SLUG}", _begin)
    router.add_post(f"{KIOSK.base}/{SLUG}/start", _start)


async def _begin(request: web.Request) -> web.StreamResponse:
    """Shows the first page; every visit of it starts a new session, also by the back button."""
    site = site_of(request)
    await site.consultations.refresh()
    published = requested_consultation(request)
    before = device_session_of(request, KIOSK, published.slug)
    if before:
        device_sessions_of(request).wipe(before)
    texts, language = published.consultation, published.consultation.main_language
    locale = published.locale(language)
    state = published.state()
    if state != "open":
        day = published.opens(site.services.settings.zone())
        values = {"date": locale.day(day)} if state == "not_yet" and day else {}
        return error_page(site, request, state, 410 if state == "closed" else 404, locale, **values)
    response = site.page(
        request,
        "assisted/kiosk.html",
        locale,
        published=published,
        title=published.text(texts.title, language),
        asks=published.text(texts.asks, language),
        why=published.text(texts.why, language),
        readers=published.text(texts.readers, language),
        start=KIOSK.path(published.slug, "start", entry_code_from(request)),
        begins=_begins(published),
    )
    response.headers.update(pages.NOT_KEPT)
    clear_cookies(response, KIOSK, published.slug)
    return response


def _begins(published: PublishedConsultation) -> dict[str, str]:
    """Returns the label of the start button in each offered language."""
    return {offer.tag: Locale.of(offer.tag).text("web.door.start") for offer in published.offers}


async def _start(request: web.Request) -> web.StreamResponse:
    """Starts a conversation in the chosen language."""
    site = site_of(request)
    await site.consultations.refresh()
    data = await form_of(request)
    published = requested_consultation(request)
    if not site.routes.is_ours(request):
        raise RequestError("origin")
    language = published.best(str(data.get("lang", "")))
    return await pages.begin_session(request, KIOSK, published, language, entry_code_from(request))
