"""Pages for moderators of a live meeting: open a room, go on question by question, show results, end it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import get_args

from aiohttp import web
from sqlalchemy import Connection

from adapters.web.errors import RequestError
from bot.common import audit
from bot.common.audit import Actor
from bot.consultations import live_meetings
from bot.consultations.live_meetings import RoomMove
from bot.web.assisted.device_sessions import ASSIST
from bot.web.assisted.meeting_pages import CODE, answer_count_text, find_room, picture_version, room_version, room_view
from bot.web.assisted.pages import NOT_KEPT
from bot.web.assisted.paper import paper_questions
from bot.web.assisted.sign_in import checked_form, csrf_of, may_help, require_helper
from bot.web.context import language_links, site_of
from bot.web.public.chat import SLUG, requested_consultation
from bot.web.request_locale import locale_of
from storage.tables.rooms import StoredRoom, insert_rooms, update_rooms


def add_moderator_routes(router: web.UrlDispatcher) -> None:
    router.add_post(f"{ASSIST.base}/{SLUG}/room", _open)
    router.add_get(f"{ASSIST.base}/room/{CODE}", _lead)
    router.add_post(f"{ASSIST.base}/room/{CODE}", _move)


async def _open(request: web.Request) -> web.Response:
    """Opens a new room for this consultation."""
    member, _ = await checked_form(request)
    site = site_of(request)
    await site.consultations.refresh()
    published = requested_consultation(request)
    if not await may_help(request, member, published, "rooms.lead") or published.state() != "open":
        raise RequestError("closed")
    services, code = site.services, live_meetings.new_room_code()
    room = StoredRoom(
        id=services.ids(),
        code=code,
        consultation_id=published.revision.consultation_id,
        at="",
        shows_results=False,
        created_at=datetime.now(UTC),
    )
    entry = Actor(member.name, member.role, "page").did("room.open", f"{published.slug}/{code}", at=room.created_at)

    def work(connection: Connection) -> None:
        insert_rooms(connection, [room])
        audit.record_entry(connection, services.keys, entry)

    await services.store.write(work)
    return web.Response(status=303, headers={"Location": f"{ASSIST.base}/room/{code}"})


async def _lead(request: web.Request) -> web.Response:
    member = await require_helper(request)
    found = await find_room(request, request.match_info["code"])
    if found is None or not await may_help(request, member, found.published, "rooms.lead"):
        raise RequestError("unknown")
    site, locale = site_of(request), locale_of(request)
    language = found.published.best(locale.tag)
    people, picture = await room_view(request, found)
    response = site.page(
        request,
        "assisted/room_lead.html",
        locale,
        found=found,
        title=found.published.text(found.published.listing.title, language),
        language=language,
        people=people,
        answers=answer_count_text(found, picture, locale),
        look=picture_version(picture),
        mark=room_version(found.room),
        steps=paper_questions(found.flow, language),
        is_over=live_meetings.is_room_over(found.room, datetime.now(UTC)),
        csrf=csrf_of(request),
        languages=language_links(request, locale),
    )
    response.headers.update(NOT_KEPT)
    return response


async def _move(request: web.Request) -> web.Response:
    """Applies one button of the moderator."""
    member, data = await checked_form(request)
    found = await find_room(request, request.match_info["code"])
    if found is None or not await may_help(request, member, found.published, "rooms.lead"):
        raise RequestError("unknown")
    now = datetime.now(UTC)
    wanted = "".join(data.get("do", []))
    move: RoomMove | None = next((one for one in get_args(RoomMove) if one == wanted), None)
    # A page that is older than the room does nothing: two taps on "next" are one step.
    if move and "".join(data.get("at", [])) == found.room.at and not live_meetings.is_room_over(found.room, now):
        services, step = site_of(request).services, live_meetings.moved_room(found.flow, found.room, move, now)
        entry = Actor(member.name, member.role, "page").did(
            "room.end", f"{found.published.slug}/{found.room.code}", at=now
        )

        def work(connection: Connection) -> None:
            update_rooms(connection, [step])
            if move == "end":
                audit.record_entry(connection, services.keys, entry)

        await services.store.write(work)
    return web.Response(status=303, headers={"Location": f"{ASSIST.base}/room/{found.room.code}"})
