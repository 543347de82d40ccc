"""Pages for helpers: sign in with a personal code, then enter answers for one person after another."""

from __future__ import annotations

from collections import OrderedDict
from datetime import UTC, datetime
from functools import partial
from typing import Final

from aiohttp import web

from adapters.web.errors import RequestError
from adapters.web.limits import Buckets
from bot.consultations.entry_codes import parse_entry_code
from bot.staff.assignments import assigned_consultations
from bot.staff.policy import may
from bot.web.assisted import kiosk, meeting_moderator, pages, paper, paper_entry, sign_in
from bot.web.assisted.device_sessions import (
    ASSIST,
    DEVICE_SESSIONS,
    DeviceSessions,
    device_sessions_of,
    sweep_idle_sessions,
)
from bot.web.context import SITE, language_links, site_of
from bot.web.public.chat import SLUG, requested_consultation
from bot.web.request_locale import locale_of
from storage.tables.staff import StaffMember

FORMER_BASE: Final = "/help-out"
"""The path of these pages in earlier versions, printed on access codes."""


def add_assisted_routes(application: web.Application) -> None:
    """Adds the pages of kiosks, helpers, moderators and paper forms."""
    application[DEVICE_SESSIONS] = DeviceSessions(application[SITE].routes.hub)
    application[sign_in.BUCKETS] = Buckets(sign_in.TRIES)
    application[paper_entry.SAVED_SHEETS] = OrderedDict()
    application.cleanup_ctx.append(sweep_idle_sessions)
    router = application.router
    router.add_route("*", FORMER_BASE, _moved)
    router.add_route("*", FORMER_BASE + "/{rest:.*}", _moved)
    router.add_get(ASSIST.base, _home)
    router.add_post(f"{ASSIST.base}/sign-in", _sign_in)
    router.add_post(f"{ASSIST.base}/sign-out", _sign_out)
    router.add_post(f"{ASSIST.base}/{SLUG}/start", _start)
    paper.add_paper_routes(router)
    paper_entry.add_paper_entry_routes(router)
    kiosk.add_kiosk_routes(router)
    meeting_moderator.add_moderator_routes(router)
    pages.add_device_routes(router)


async def _moved(request: web.Request) -> web.Response:
    """Redirects a path of an earlier version permanently; method, body and query stay (308), and so does a valid
    ticket, whose cookie was bound to that path.
    """
    path = ASSIST.base + request.rel_url.raw_path.removeprefix(FORMER_BASE)
    query = f"?{request.rel_url.raw_query_string}" if request.rel_url.raw_query_string else ""
    response = web.Response(status=308, headers={"Location": path + query})
    if await sign_in.signed_in_helper(request):
        sign_in.set_ticket(request, response, request.cookies[sign_in.COOKIE])
    return response


async def _home(request: web.Request) -> web.Response:
    """Shows what a helper can do; to visitors who are not signed in the sign-in form."""
    helper = await sign_in.signed_in_helper(request)
    return _sign_in_page(request) if helper is None else await _list(request, helper)


async def _list(request: web.Request, helper: StaffMember) -> web.Response:
    site, locale = site_of(request), locale_of(request)
    await site.consultations.refresh()
    assigned = await site.services.store.read(partial(assigned_consultations, member=helper, now=datetime.now(UTC)))
    cards = [
        {
            "published": published,
            "title": published.text(published.listing.title, published.best(locale.tag)),
            "language": published.best(locale.tag),
            "direction": published.locale(locale.tag).direction,
        }
        for published in site.consultations.open_now()
        if assigned is None or published.revision.consultation_id in assigned
    ]
    response = site.page(
        request,
        "assisted/helping.html",
        locale,
        cards=cards,
        helper=helper.name,
        may_lead=may(helper.role, "rooms.lead"),
        csrf=sign_in.csrf_of(request),
        languages=language_links(request, locale),
    )
    response.headers.update(pages.NOT_KEPT)
    return response


def _sign_in_page(request: web.Request, *, is_wrong: bool = False) -> web.Response:
    site, locale = site_of(request), locale_of(request)
    response = site.page(
        request,
        "assisted/sign_in.html",
        locale,
        status=403 if is_wrong else 200,
        is_wrong=is_wrong,
        languages=language_links(request, locale),
    )
    response.headers.update(pages.NOT_KEPT)
    return response


async def _sign_in(request: web.Request) -> web.Response:
    return await sign_in.sign_in_helper(request) or _sign_in_page(request, is_wrong=True)


async def _sign_out(request: web.Request) -> web.Response:
    """Signs out and deletes the helper's open sessions."""
    helper, _ = await sign_in.checked_form(request)
    device_sessions_of(request).wipe_all_of(helper.id)
    response = web.Response(status=303, headers={"Location": ASSIST.base})
    await sign_in.sign_out_helper(request, helper, response)
    return response


async def _start(request: web.Request) -> web.Response:
    """Starts a new conversation for one person."""
    _, data = await sign_in.checked_form(request)
    await site_of(request).consultations.refresh()
    published = requested_consultation(request)
    if published.state() != "open":
        raise RequestError("closed")
    language = published.best("".join(data.get("lang", [])))
    place = parse_entry_code("".join(data.get("at", [])).strip())
    return await pages.begin_session(request, ASSIST, published, language, place)
