"""The pages of a device session, one question per page, for kiosks and helpers."""

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
    entry_code_from,
    is_session_form,
    set_session_cookie,
)
from bot.web.assisted.sign_in import may_help, require_helper
from bot.web.consultation_cache import PublishedConsultation
from bot.web.context import form_of, site_of
from bot.web.public import form_answers, forms
from bot.web.public.chat import (
    SLUG,
    answer_language_question,
    conversation_log,
    new_message_id,
    requested_consultation,
    send_message,
)
from bot.web.public.form_chat import VisitorFormChat
from bot.web.public.form_model import bot_language, form_step

Page = Callable[[web.Request, DeviceProfile, PublishedConsultation, DeviceSession], Awaitable[web.StreamResponse]]
NOT_KEPT: Final = {"Cache-Control": "no-store"}


def add_device_routes(router: web.UrlDispatcher) -> None:
    for profile in (KIOSK, ASSIST):
        base = f"{profile.base}/{SLUG}"
        router.add_get(f"{base}/ask", partial(_for_visitors(_ask), profile=profile))
        router.add_post(f"{base}/ask", partial(_for_visitors(_answer), profile=profile))
        router.add_post(f"{base}/language", partial(_for_visitors(_switch), profile=profile))
        router.add_get(f"{base}/still", partial(_for_visitors(_still), profile=profile))
        router.add_post(f"{base}/here", partial(_here, profile=profile))
        # Also by GET, for abandoned pages without JavaScript; all it can do is to end a session.
        router.add_get(f"{base}/end", partial(_end, profile=profile), allow_head=False)
        router.add_post(f"{base}/end", partial(_end, profile=profile))


async def helper_id(
    request: web.Request, profile: DeviceProfile, published: PublishedConsultation | None = None
) -> int:
    """Returns the id of the signed-in helper, 0 at a kiosk. Raises HTTPSeeOther to the sign-in page, and RequestError
    (`unknown`) for a consultation in which the member may not help.
    """
    if profile is not ASSIST:
        return 0
    member = await require_helper(request)
    if published is not None and not await may_help(request, member, published):
        raise RequestError("unknown")
    return member.id


async def begin_session(
    request: web.Request, profile: DeviceProfile, published: PublishedConsultation, language: str, place: str
) -> web.Response:
    """Ends the previous session, starts a new one and asks the first question. Raises RequestError."""
    owner = await helper_id(request, profile, published)
    if before := device_session_of(request, profile, published.slug, owner):
        device_sessions_of(request).wipe(before)
    session = device_sessions_of(request).begin(profile, published.slug, owner)
    routes, conversation = site_of(request).routes, session.conversation
    try:
        await routes.begin(
            request,
            replace(conversation, is_new=True),
            language_hint=language,
            mode=profile.mode,
            entry_code=place,
            is_expected=True,
        )
    except RequestError:
        device_sessions_of(request).wipe(session)
        raise
    await answer_language_question(request, conversation, language)
    response = _to(request, profile, published.slug, "ask")
    set_session_cookie(request, response, session)
    return response


def _for_visitors(page: Page) -> Callable[..., Awaitable[web.StreamResponse]]:
    """Wraps a page: without a session it redirects to the first page."""

    @wraps(page)
    async def handler(request: web.Request, profile: DeviceProfile) -> web.StreamResponse:
        await site_of(request).consultations.refresh()
        published = requested_consultation(request)
        owner = await helper_id(request, profile, published)
        session = device_session_of(request, profile, published.slug, owner)
        if session is None:
            return end_session(request, profile, published.slug, owner)
        device_sessions_of(request).touch(session)
        try:
            response = await page(request, profile, published, session)
        except RequestError as error:
            if error.code != "session":
                raise
            return end_session(request, profile, published.slug, owner)  # everything was deleted
        response.headers.update(NOT_KEPT)
        return response

    return handler


async def _ask(
    request: web.Request, profile: DeviceProfile, published: PublishedConsultation, session: DeviceSession
) -> web.StreamResponse:
    entries = await conversation_log(request, session.conversation)
    step = form_step(entries)
    locale = Locale.of(published.best(step.language or published.consultation.main_language))
    values = forms.form_values(published, locale, entries, step, problem=session.problem, written=session.written)
    session.problem = session.written = ""
    is_writing = step.kind == "question" and not step.options
    seconds = profile.typing if is_writing else profile.idle
    return _page(request, "assisted/visit_ask.html", locale, profile, session, seconds=seconds, **values)


async def _answer(
    request: web.Request, profile: DeviceProfile, published: PublishedConsultation, session: DeviceSession
) -> web.StreamResponse:
    """Takes the submitted form and redirects, so that the back button submits nothing again."""
    data = await form_of(request)
    if not is_session_form(request, session, data.get("csrf")):
        raise RequestError("form")
    step = form_step(await conversation_log(request, session.conversation))
    # The page was left open or submitted twice: its answer belongs to an earlier question.
    if str(data.get("at", "")) == str(step.seq):
        try:
            session.problem = await form_answers.submit_form(VisitorFormChat(request, session.conversation), step, data)
        except RequestError as error:
            if error.code != "too_long":
                raise
            session.problem = "web.error.too_long_text"
        session.written = form_answers.submitted_text(step, data) if session.problem else ""
    return _to(request, profile, published.slug, "ask")


async def _switch(
    request: web.Request, profile: DeviceProfile, published: PublishedConsultation, session: DeviceSession
) -> web.StreamResponse:
    """Switches the language; answers stay."""
    data = await form_of(request)
    if not is_session_form(request, session, data.get("csrf")):
        raise RequestError("form")
    language = published.best(str(data.get("lang", "")))
    if bot_language(await conversation_log(request, session.conversation)) != language:
        await send_message(request, session.conversation, new_message_id(), text="/language")
        await answer_language_question(request, session.conversation, language)
    return _to(request, profile, published.slug, "ask")


async def _still(
    request: web.Request, profile: DeviceProfile, published: PublishedConsultation, session: DeviceSession
) -> web.StreamResponse:
    """Asks, without JavaScript, whether the person is still there; shows nothing of the conversation."""
    entries = await conversation_log(request, session.conversation)
    locale = published.locale(bot_language(entries) or published.consultation.main_language)
    return _page(request, "assisted/visit_still.html", locale, profile, session, published=published)


async def _here(request: web.Request, profile: DeviceProfile) -> web.StreamResponse:
    """Extends the session: 204, or 410 if it has ended."""
    slug = request.match_info["slug"]
    session = device_session_of(request, profile, slug, await helper_id(request, profile))
    data = await form_of(request)
    if session is None or not is_session_form(request, session, data.get("csrf")):
        return web.Response(status=410, headers=NOT_KEPT)
    device_sessions_of(request).touch(session)
    return web.Response(status=204, headers=NOT_KEPT)


async def _end(request: web.Request, profile: DeviceProfile) -> web.StreamResponse:
    owner = await helper_id(request, profile)
    return end_session(request, profile, request.match_info["slug"], owner)


def _page(
    request: web.Request, template: str, locale: Locale, profile: DeviceProfile, session: DeviceSession, **values: Any
) -> web.Response:
    place, slug = entry_code_from(request), session.conversation.slug
    pages = {page: profile.path(slug, page, place) for page in ("ask", "language", "still", "here", "end")}
    return site_of(request).page(
        request,
        template,
        locale,
        profile=profile,
        pages=pages,
        begin=profile.path(slug, place=place) if profile is KIOSK else profile.base,
        csrf=session.conversation.csrf,
        is_helping=profile is ASSIST,
        limit=site_of(request).routes.limits.text,
        **values,
    )


def _to(request: web.Request, profile: DeviceProfile, slug: str, page: str) -> web.Response:
    return web.Response(status=303, headers={"Location": profile.path(slug, page, entry_code_from(request))} | NOT_KEPT)
