"""A push that waits for the agreement of a second member: what exactly is sent, agree, and take the request back."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

from aiohttp import web
from sqlalchemy import Connection

from bot.broadcasts import service
from bot.broadcasts.audience import AudienceCount
from bot.broadcasts.samples import BroadcastSample, render_samples
from bot.broadcasts.second_person import request_for
from bot.broadcasts.sending import BroadcastProcessor
from bot.broadcasts.service import HOLD, PushError
from bot.web.console.consultations import own_consultation
from bot.web.console.overview import ConsultationSummary
from bot.web.console.push import PushLine, desk_of, first_message, push_lines
from bot.web.console.push_new import PACE_PHRASES, REFUSALS
from bot.web.console.registry import console_page
from bot.web.console.visit import Visit, id_in
from flows.languages import language_name
from storage.core.errors import Duplicate
from storage.tables.broadcasts import StoredBroadcast, broadcast_by_id, delete_draft_broadcast


class AskedPush(NamedTuple):
    """A request as it stands now. `asked_by` is "" if it is no longer valid."""

    line: PushLine
    asked_by: str
    audience: AudienceCount
    samples: tuple[BroadcastSample, ...]
    first: datetime

    @property
    def is_as_asked(self) -> bool:
        """Whether text and number are still those of the request."""
        return bool(self.asked_by) and not service.has_changed(self.line.push.counted or 0, self.audience.total)


@console_page("GET", "/consultations/{slug}/push/asked/{number}", "push")
async def show_asked_push(visit: Visit) -> web.StreamResponse:
    """Shows audience, time and text of a push that waits for an agreement."""
    return await _page(visit)


@console_page("POST", "/consultations/{slug}/push/asked/{number}/agree", "push")
async def agree_to_push(visit: Visit) -> web.StreamResponse:
    """Counts again, agrees and starts the push, if it is still the one that was asked for."""
    summary = await own_consultation(visit)
    desk_of(visit).processor.forget_groups()
    found = await _load(visit, summary)
    if not found.is_as_asked:
        return await _page(visit, "console.push.problem.stale")

    def work(processor: BroadcastProcessor, connection: Connection) -> None:
        processor.catalogue.refresh(connection)
        push = _asked(visit, connection, summary)
        service.agree_and_start(processor, connection, push, visit.now, visit.actor)

    try:
        await desk_of(visit).write(work)
    except PushError as refused:
        return await _page(visit, REFUSALS[refused.phrase])
    except Duplicate:  # another push was started at the same moment
        return await _page(visit, "console.push.problem.running")
    return visit.see(f"/consultations/{summary.slug}/push/sent/{visit.part('number')}")


@console_page("POST", "/consultations/{slug}/push/asked/{number}/drop", "push")
async def drop_request(visit: Visit) -> web.StreamResponse:
    """Takes a request back: the push is not sent."""
    summary = await own_consultation(visit)

    def work(processor: BroadcastProcessor, connection: Connection) -> None:
        push = _asked(visit, connection, summary)
        if delete_draft_broadcast(connection, push.id):
            visit.note(connection, "push.drop", summary.slug, push.segment)

    await desk_of(visit).write(work)
    return visit.see(f"/consultations/{summary.slug}/push")


def _asked(visit: Visit, connection: Connection, summary: ConsultationSummary) -> StoredBroadcast:
    """Returns the draft of the path. Raises HTTPNotFound, also for those of other consultations."""
    found = broadcast_by_id(connection, id_in(visit.part("number")) or 0)
    if found is None or found.slug != summary.slug or found.state != "draft" or found.counted is None:
        raise web.HTTPNotFound
    return found


async def _load(visit: Visit, summary: ConsultationSummary) -> AskedPush:
    channels = visit.site.services.channels

    def load(processor: BroadcastProcessor, connection: Connection) -> AskedPush:
        processor.catalogue.refresh(connection)
        push = _asked(visit, connection, summary)
        asked = request_for(processor, connection, push, visit.now)
        count = processor.count(connection, push, visit.now)
        return AskedPush(
            push_lines(visit, processor, connection, [push])[0],
            asked_by=asked.actor if asked else "",
            audience=count,
            samples=tuple(render_samples(processor, push, count, channels)),
            first=first_message(visit, push.starts_at),
        )

    return await desk_of(visit).read(load)


async def _page(visit: Visit, problem: str = "") -> web.Response:
    summary = await own_consultation(visit)
    found = await _load(visit, summary)
    values: dict[str, Any] = {
        "line": found.line,
        "found": found,
        "is_mine": found.asked_by == visit.member.name,
        "pace": PACE_PHRASES.get(found.line.push.per_hour, ""),
        "problem": problem or ("" if found.is_as_asked else "console.push.problem.stale"),
        "hold": int(HOLD.total_seconds()),
        "language_name": language_name,
    }
    return visit.page("push_asked.html", status=409 if problem else 200, summary=summary, **values)
