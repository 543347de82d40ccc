"""Leading a live meeting: staff open a room, go on question by question, show results, end it."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from typing import Final, get_args

from aiohttp import web

from adapters.web.trouble import Trouble
from bot import rooms
from bot.rooms import Move
from bot.web.asking import NOT_KEPT
from bot.web.chat import SLUG, notice_of
from bot.web.paper import questions
from bot.web.rooms import CODE, counted, mark_of, seen
from bot.web.site import language_links, site_of
from bot.web.tickets import checked_form, csrf_of, must_help
from bot.web.tongues import tongue_of
from bot.web.visits import HELP
from storage import rooms as table
from storage.rooms import StoredRoom

LEADERS: Final = frozenset({"facilitator", "kernteam", "admin"})


def add_to(router: web.UrlDispatcher) -> None:
    router.add_post(f"{HELP.base}/{SLUG}/room", _open)
    router.add_get(f"{HELP.base}/room/{CODE}", _lead)
    router.add_post(f"{HELP.base}/room/{CODE}", _move)


async def _open(request: web.Request) -> web.Response:
    """A new room for this consultation."""
    member, _ = await checked_form(request)
    site = site_of(request)
    await site.board.look()
    notice = notice_of(request)
    if member.role not in LEADERS or notice.state() != "open":
        raise Trouble("closed")
    house, code = site.house, rooms.new_code()
    room = StoredRoom(house.ids(), code, notice.revision.consultation_id, "", False, datetime.now(UTC))
    await house.store.write(partial(table.insert, rows=[room]))
    return web.Response(status=303, headers={"Location": f"{HELP.base}/room/{code}"})


async def _lead(request: web.Request) -> web.Response:
    member = await must_help(request)
    found = await seen(request, request.match_info["code"])
    if found is None or member.role not in LEADERS:
        raise Trouble("unknown")
    site, tongue = site_of(request), tongue_of(request)
    language = found.notice.best(tongue.tag)
    people, answers = await counted(request, found)
    response = site.page(
        request,
        "room_lead.html",
        tongue,
        found=found,
        title=found.notice.text(found.notice.consultation.title, language),
        language=language,
        people=people,
        given=answers.given,
        mark=mark_of(found.room),
        steps=questions(found.flow, language),
        is_over=rooms.is_over(found.room, datetime.now(UTC)),
        csrf=csrf_of(request),
        languages=language_links(request, tongue),
    )
    response.headers.update(NOT_KEPT)
    return response


async def _move(request: web.Request) -> web.Response:
    """One button of the moderator."""
    member, data = await checked_form(request)
    found = await seen(request, request.match_info["code"])
    if found is None or member.role not in LEADERS:
        raise Trouble("unknown")
    now = datetime.now(UTC)
    wanted = "".join(data.get("do", []))
    move: Move | None = next((one for one in get_args(Move) if one == wanted), None)
    # A page that is older than the room does nothing: two taps on "next" are one step.
    if move and "".join(data.get("at", [])) == found.room.at and not rooms.is_over(found.room, now):
        step = rooms.moved(found.flow, found.room, move, now)
        await site_of(request).house.store.write(partial(table.step, rows=[step]))
    return web.Response(status=303, headers={"Location": f"{HELP.base}/room/{found.room.code}"})
