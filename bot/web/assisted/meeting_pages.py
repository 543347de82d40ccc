"""The pages of a live meeting: joining by code, one question after another, and the shared screen."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from typing import Any, NamedTuple

from aiohttp import web
from sqlalchemy import Connection

from adapters.web.errors import RequestError
from bot.common.i18n.locale import Locale
from bot.consultations import live_meetings
from bot.proposals import publication
from bot.results.figures import Bar
from bot.results.live_results import LiveResult, MeetingQuestion
from bot.web import code_guess_limit
from bot.web.assisted.paper import PaperQuestion, consultation_language, flow_of_consultation, paper_questions
from bot.web.consultation_cache import PublishedConsultation
from bot.web.context import form_of, language_links, site_of
from bot.web.middleware import error_page
from bot.web.public import form_answers, forms
from bot.web.public.bars import bars, drawing
from bot.web.public.chat import (
    SLUG,
    answer_language_question,
    conversation_log,
    is_unreviewed,
    landing_page,
    own_conversation,
)
from bot.web.public.form_chat import VisitorFormChat
from bot.web.public.form_model import form_step
from bot.web.public.participation import participation_of
from bot.web.public.resume import qr_code
from bot.web.request_locale import locale_of
from bot.web.room_views import ROOM_VIEWS, RoomView
from flows.flow import Flow
from flows.phrase_families import WITHHELD
from flows.understanding.text import clean_text
from storage.tables.rooms import StoredRoom, count_people_in_room, room_by_code

CODE = "{code:[0-9A-Za-z]{1,20}}"
PATH = f"/c/{SLUG}/room/{CODE}"


def add_meeting_routes(router: web.UrlDispatcher) -> None:
    router.add_get("/room", _which)
    router.add_get(f"/room/{CODE}", _short_way)
    router.add_get(f"/room/{CODE}/screen", _screen)
    router.add_get(f"/room/{CODE}/state", _state)
    router.add_get(PATH, _page)
    router.add_post(PATH, _post)
    router.add_post(f"{PATH}/join", _join)


class RoomContext(NamedTuple):
    """A room with its consultation and flow."""

    room: StoredRoom
    published: PublishedConsultation
    flow: Flow

    @property
    def address(self) -> str:
        return f"/c/{self.published.slug}/room/{self.room.code}"

    @property
    def meeting(self) -> MeetingQuestion:
        """The room as it is counted."""
        main = self.published.consultation.main_language
        codes = {it.key: [box.value for box in it.boxes] for it in paper_questions(self.flow, main)}
        return MeetingQuestion(
            self.room, self.published.live.whole(), self.flow, codes, self.published.consultation.smallest_cell
        )

    def question(self, language: str) -> PaperQuestion | None:
        """Returns the open question; None before the first."""
        return next((it for it in paper_questions(self.flow, language) if it.key == self.room.at), None)


async def find_room(request: web.Request, code: str) -> RoomContext | None:
    """Returns the room of this code, or None for an unknown room or a missing consultation."""
    site, plain = site_of(request), live_meetings.parse_room_code(code)
    if not plain:
        return None
    code_guess_limit.check_guess_limit(request)
    room = await site.services.store.read(partial(room_by_code, code=plain))
    if room is None:
        code_guess_limit.count_wrong_code(request)
    await site.consultations.refresh()
    published = site.consultations.by_id(room.consultation_id) if room else None
    return RoomContext(room, published, flow_of_consultation(published)) if room and published else None


async def _which(request: web.Request) -> web.StreamResponse:
    """Asks for the code; with a code it redirects to the room."""
    site, locale = site_of(request), locale_of(request)
    code = clean_text(request.query.get("code", ""))
    found = await find_room(request, code)
    if found:
        return web.Response(status=303, headers={"Location": found.address})
    return site.page(
        request,
        "assisted/room_which.html",
        locale,
        code=code[:20],
        is_wrong=bool(code),
        languages=language_links(request, locale),
    )


async def _short_way(request: web.Request) -> web.StreamResponse:
    """Redirects the short address of the QR code to the room."""
    found = await find_room(request, request.match_info["code"])
    if found is None:
        return web.Response(status=303, headers={"Location": "/room"})
    return web.Response(status=303, headers={"Location": found.address})


async def _here(request: web.Request) -> RoomContext:
    """Returns the room of the path, which must belong to the consultation of the path. Raises RequestError."""
    found = await find_room(request, request.match_info["code"])
    if found is None or found.published.slug != request.match_info["slug"]:
        raise RequestError("unknown")
    return found


async def _page(request: web.Request) -> web.StreamResponse:
    """Shows the open question or what to wait for; a new visitor gets the page to join."""
    found, now = await _here(request), datetime.now(UTC)
    site, published = site_of(request), found.published
    conversation = site.routes.conversation_of(request, published.slug)
    if live_meetings.is_room_over(found.room, now):
        return _over(request, found)
    if published.state(now) != "open":
        return landing_page(request, published, conversation)
    if conversation.is_new:
        return _way_in(request, found)
    step = form_step(await conversation_log(request, conversation))
    locale = Locale.of(published.best(step.language or locale_of(request).tag))
    if step.kind == "question":
        at = (await participation_of(request, published, conversation, locale)).at
        if at not in live_meetings.open_keys(found.flow, found.room):
            return _room_page(request, "assisted/room_wait.html", locale, found)
    return await forms.form_page(request, published, conversation, action=found.address)


def _over(request: web.Request, found: RoomContext) -> web.Response:
    return error_page(site_of(request), request, "room_over", 410, found.published.locale(locale_of(request).tag))


def _way_in(request: web.Request, found: RoomContext) -> web.Response:
    language = consultation_language(request, found.published)
    return _room_page(request, "assisted/room_join.html", Locale.of(language), found)


def _room_page(request: web.Request, template: str, locale: Locale, found: RoomContext, **values: Any) -> web.Response:
    published = found.published
    return site_of(request).page(
        request,
        template,
        locale,
        published=published,
        found=found,
        title=published.text(published.listing.title, locale.tag),
        asks=published.text(published.consultation.asks, locale.tag),
        readers=published.text(published.consultation.readers, locale.tag),
        mark=room_version(found.room),
        is_unreviewed=is_unreviewed(published, locale.tag),
        **values,
    )


async def _join(request: web.Request) -> web.StreamResponse:
    """Starts an ordinary conversation in the chosen language, marked as one of this room."""
    found, site = await _here(request), site_of(request)
    if not site.routes.is_ours(request):
        raise RequestError("origin")
    data = await form_of(request)
    if live_meetings.is_room_over(found.room, datetime.now(UTC)):
        return _over(request, found)
    language = found.published.best(str(data.get("lang", "")))
    conversation = site.routes.conversation_of(request, found.published.slug)
    place = live_meetings.entry_code_of(found.room)
    await site.routes.begin(request, conversation, language_hint=language, entry_code=place, is_expected=True)
    await answer_language_question(request, conversation, language)
    response = web.Response(status=303, headers={"Location": found.address})
    site.routes.set_cookie(request, response, conversation)
    return response


async def _post(request: web.Request) -> web.StreamResponse:
    """Takes an answer like the form, and stays in the room."""
    found = await _here(request)
    data = await form_of(request)
    conversation = own_conversation(request, found.published.slug, data.get("csrf"))
    step = form_step(await conversation_log(request, conversation))
    is_open = not live_meetings.is_room_over(found.room, datetime.now(UTC))
    if is_open and await forms.is_about(request, found.published, conversation, step, data):
        problem = await form_answers.submit_form(VisitorFormChat(request, conversation), step, data)
        if problem:
            written = str(data.get("text", "")).strip()
            return await forms.form_page(
                request, found.published, conversation, problem=problem, written=written, action=found.address
            )
    return web.Response(status=303, headers={"Location": found.address})


async def _screen(request: web.Request) -> web.StreamResponse:
    """Shows the shared screen: how to join, the question, the number of answers, and the result once it is shown."""
    found = await find_room(request, request.match_info["code"])
    if found is None:
        raise RequestError("unknown")
    if live_meetings.is_room_over(found.room, datetime.now(UTC)):
        return _over(request, found)
    site = site_of(request)
    locale = Locale.of(consultation_language(request, found.published))
    people, picture = await room_view(request, found)
    question = found.question(locale.tag)
    rows: list[Bar] = []
    withheld = ""
    if question and found.room.shows_results:
        if picture.reason:
            withheld = locale.text(WITHHELD[picture.reason], n=found.meeting.threshold)
        else:
            rows = bars(picture.values, picture.answered, {box.value: box.label for box in question.boxes})
    link = f"{site.origin(request)}/room/{found.room.code}"
    response = _room_page(
        request,
        "assisted/room_screen.html",
        locale,
        found,
        question=question,
        people=people,
        answers=answer_count_text(found, picture, locale),
        look=picture_version(picture),
        rows=rows,
        withheld=withheld,
        drawing=drawing,
        link=link.partition("://")[2],
        qr=qr_code(link),
        is_free=bool(question) and not question.boxes if question else False,
    )
    response.headers["Cache-Control"] = "no-store"
    return response


async def room_view(request: web.Request, found: RoomContext) -> RoomView:
    """Returns the number of participants and the publishable answers to the open question."""
    store, room, meeting = site_of(request).services.store, found.room, found.meeting

    def look(connection: Connection) -> RoomView:
        people = count_people_in_room(connection, room.consultation_id, live_meetings.entry_code_of(room))
        return people, publication.meeting_picture(connection, meeting)

    async def find() -> RoomView:
        people, picture = await store.read(look)
        if picture.is_due:
            picture = await store.write(partial(publication.refresh_meeting_picture, about=meeting))
        return people, picture

    return await request.app[ROOM_VIEWS].at(f"{room.code} {room_version(room)} {meeting.newest.id}", find)


def answer_count_text(found: RoomContext, picture: LiveResult, locale: Locale) -> str:
    """Returns the number of answers in steps that disclose no single answer, or ""."""
    if picture.at_least is None or not found.room.at:
        return ""
    if picture.at_least < found.meeting.threshold:
        return locale.text("room.fewer", n=found.meeting.threshold)
    return locale.text("room.at_least", n=picture.at_least)


def picture_version(picture: LiveResult) -> str:
    """Returns a value that changes with the shown answers and discloses nothing else."""
    return f"{picture.at_least}.{picture.number}.{picture.reason}"


def room_version(room: StoredRoom) -> str:
    """Returns a value that changes when pages of the room must be reloaded."""
    return f"{room.at}.{int(room.shows_results)}.{int(room.ended_at is not None)}"


async def _state(request: web.Request) -> web.Response:
    """Returns versions and participants for the script of these pages."""
    found = await find_room(request, request.match_info["code"])
    if found is None:
        raise RequestError("unknown")
    people, picture = await room_view(request, found)
    state = {"mark": room_version(found.room), "look": picture_version(picture), "people": people}
    return web.json_response(state, headers={"Cache-Control": "no-store"})
