"""A visit's pages: one question a page, and then nothing of it is left. For kiosks and for those who help others."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial, wraps
from typing import Any, Final

from aiohttp import web

from adapters.web.errors import RequestError
from bot.common.i18n.locale import Locale
from bot.web.assisted.device_sessions import (
    ASSIST,
    KIOSK,
    DeviceProfile,
    DeviceSession,
    device_session_of,
    device_sessions_of,
    end_session,
    entry_code_of,
    is_session_form,
    set_session_cookie,
)
from bot.web.assisted.sign_in import require_helper
from bot.web.consultation_cache import PublishedConsultation
from bot.web.context import form_of, site_of
from bot.web.public import forms
from bot.web.public.chat import (
    SLUG,
    answer_language_question,
    conversation_log,
    new_message_id,
    requested_consultation,
    send_message,
)
from bot.web.public.form_model import bot_language, form_step

Page = Callable[[web.Request, DeviceProfile, PublishedConsultation, DeviceSession], Awaitable[web.StreamResponse]]
NOT_KEPT: Final = {"Cache-Control": "no-store"}


def add_device_routes(router: web.UrlDispatcher) -> None:
    for desk in (KIOSK, ASSIST):
        base = f"{desk.base}/{SLUG}"
        router.add_get(f"{base}/ask", partial(_for_visitors(_ask), desk=desk))
        router.add_post(f"{base}/ask", partial(_for_visitors(_answer), desk=desk))
        router.add_post(f"{base}/language", partial(_for_visitors(_switch), desk=desk))
        router.add_get(f"{base}/still", partial(_for_visitors(_still), desk=desk))
        router.add_post(f"{base}/here", partial(_here, desk=desk))
        # Also by GET, for pages without JavaScript that nobody looks at any more: all it can do is to end a visit.
        router.add_get(f"{base}/end", partial(_end, desk=desk), allow_head=False)
        router.add_post(f"{base}/end", partial(_end, desk=desk))


async def helper_id(request: web.Request, desk: DeviceProfile) -> int:
    """The id of the helper at a desk of helpers, 0 at a kiosk. Raises HTTPSeeOther where nobody is signed in."""
    return (await require_helper(request)).id if desk is ASSIST else 0


async def begin_session(
    request: web.Request, desk: DeviceProfile, notice: PublishedConsultation, language: str, place: str
) -> web.Response:
    """Somebody new: whoever was here before is forgotten, the bot asks its first question. Raises RequestError."""
    owner = await helper_id(request, desk)
    if before := device_session_of(request, desk, notice.slug, owner):
        device_sessions_of(request).wipe(before)
    visit = device_sessions_of(request).begin(desk, notice.slug, owner)
    routes, conversation = site_of(request).routes, visit.conversation
    try:
        await routes.begin(
            request, replace(conversation, is_new=True), language_hint=language, mode=desk.mode, entry_code=place
        )
    except RequestError:
        device_sessions_of(request).wipe(visit)
        raise
    await answer_language_question(request, conversation, language)
    response = _to(request, desk, notice.slug, "ask")
    set_session_cookie(request, response, visit)
    return response


def _for_visitors(page: Page) -> Callable[..., Awaitable[web.StreamResponse]]:
    """Shows a page to whoever has a visit, and the beginning to everybody else."""

    @wraps(page)
    async def handler(request: web.Request, desk: DeviceProfile) -> web.StreamResponse:
        await site_of(request).board.look()
        notice = requested_consultation(request)
        owner = await helper_id(request, desk)
        visit = device_session_of(request, desk, notice.slug, owner)
        if visit is None:
            return end_session(request, desk, notice.slug, owner)
        device_sessions_of(request).touch(visit)
        try:
            response = await page(request, desk, notice, visit)
        except RequestError as trouble:
            if trouble.code != "session":
                raise
            return end_session(request, desk, notice.slug, owner)  # everything was deleted
        response.headers.update(NOT_KEPT)
        return response

    return handler


async def _ask(
    request: web.Request, desk: DeviceProfile, notice: PublishedConsultation, visit: DeviceSession
) -> web.StreamResponse:
    entries = await conversation_log(request, visit.conversation)
    step = form_step(entries)
    locale = Locale.of(notice.best(step.language or notice.consultation.main_language))
    values = forms.form_values(notice, locale, entries, step, problem=visit.problem, written=visit.written)
    visit.problem = visit.written = ""
    is_writing = step.kind == "question" and not step.options
    seconds = desk.typing if is_writing else desk.idle
    return _page(request, "visit_ask.html", locale, desk, visit, seconds=seconds, **values)


async def _answer(
    request: web.Request, desk: DeviceProfile, notice: PublishedConsultation, visit: DeviceSession
) -> web.StreamResponse:
    """Takes what the page sent. Always goes on by way of an address, so that going back sends nothing again."""
    data = await form_of(request)
    if not is_session_form(request, visit, data.get("csrf")):
        raise RequestError("form")
    step = form_step(await conversation_log(request, visit.conversation))
    # A page that was left open, or sent twice: its answer belongs to an earlier question.
    if str(data.get("at", "")) == str(step.seq):
        try:
            visit.problem = await forms.submit_form(request, visit.conversation, step, data)
        except RequestError as trouble:
            if trouble.code != "too_long":
                raise
            visit.problem = "web.error.too_long_text"
        visit.written = forms.submitted_text(step, data) if visit.problem else ""
    return _to(request, desk, notice.slug, "ask")


async def _switch(
    request: web.Request, desk: DeviceProfile, notice: PublishedConsultation, visit: DeviceSession
) -> web.StreamResponse:
    """Another language from here on; answers stay."""
    data = await form_of(request)
    if not is_session_form(request, visit, data.get("csrf")):
        raise RequestError("form")
    language = notice.best(str(data.get("lang", "")))
    if bot_language(await conversation_log(request, visit.conversation)) != language:
        await send_message(request, visit.conversation, new_message_id(), text="/language")
        await answer_language_question(request, visit.conversation, language)
    return _to(request, desk, notice.slug, "ask")


async def _still(
    request: web.Request, desk: DeviceProfile, notice: PublishedConsultation, visit: DeviceSession
) -> web.StreamResponse:
    """Asks, without JavaScript, whether somebody is still there; shows nothing of what was said."""
    entries = await conversation_log(request, visit.conversation)
    locale = notice.locale(bot_language(entries) or notice.consultation.main_language)
    return _page(request, "visit_still.html", locale, desk, visit, notice=notice)


async def _here(request: web.Request, desk: DeviceProfile) -> web.StreamResponse:
    """The page says that somebody is there: 204, or 410 where the visit is over."""
    slug = request.match_info["slug"]
    visit = device_session_of(request, desk, slug, await helper_id(request, desk))
    data = await form_of(request)
    if visit is None or not is_session_form(request, visit, data.get("csrf")):
        return web.Response(status=410, headers=NOT_KEPT)
    device_sessions_of(request).touch(visit)
    return web.Response(status=204, headers=NOT_KEPT)


async def _end(request: web.Request, desk: DeviceProfile) -> web.StreamResponse:
    owner = await helper_id(request, desk)
    return end_session(request, desk, request.match_info["slug"], owner)


def _page(
    request: web.Request, template: str, locale: Locale, desk: DeviceProfile, visit: DeviceSession, **values: Any
) -> web.Response:
    place, slug = entry_code_of(request), visit.conversation.slug
    pages = {page: desk.path(slug, page, place) for page in ("ask", "language", "still", "here", "end")}
    return site_of(request).page(
        request,
        template,
        locale,
        desk=desk,
        pages=pages,
        begin=desk.path(slug, place=place) if desk is KIOSK else desk.base,
        csrf=visit.conversation.csrf,
        is_helping=desk is ASSIST,
        limit=site_of(request).routes.limits.text,
        **values,
    )


def _to(request: web.Request, desk: DeviceProfile, slug: str, page: str) -> web.Response:
    return web.Response(status=303, headers={"Location": desk.path(slug, page, entry_code_of(request))} | NOT_KEPT)
