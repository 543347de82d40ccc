"""Pushes of one consultation: the list with their states, and each one with its ledger and the steps it allows."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any, Final, NamedTuple

from aiohttp import web
from sqlalchemy import Connection

from bot.broadcasts import service
from bot.broadcasts.second_person import REQUEST_HOLDS, request_for
from bot.broadcasts.sending import BroadcastProcessor
from bot.broadcasts.sending_times import SendingTimes
from bot.broadcasts.service import TRANSITIONS, Ledger
from bot.common.i18n.locale import Locale
from bot.staff.assignments import assigned_consultations
from bot.web.console.consultations import own_consultation
from bot.web.console.overview import ConsultationSummary
from bot.web.console.push_desk import PUSH_DESK, PushDesk
from bot.web.console.push_form import segment_in_words
from bot.web.console.reading import HTMX_CONFIG
from bot.web.console.registry import console_page
from bot.web.console.visit import Visit, id_in
from flows.definition import SMALLEST_CELL
from flows.languages import language_name
from flows.phrase_families import PUSH_STATES
from storage.tables.broadcasts import (
    BroadcastState,
    StoredBroadcast,
    broadcast_by_id,
    draft_broadcasts,
    newest_broadcasts,
)
from storage.tables.participations import Tally
from storage.tables.staff import staff_names

MOST: Final = 30
"""Pushes that the list shows, the newest ones."""
REASON_PHRASES: Final = {
    "cap": "push.reason.cap",
    "had_it": "push.reason.had_it",
    "unreachable": "push.reason.unreachable",
    "withdrawn": "push.reason.withdrawn",
    "closed": "push.reason.closed",
    "expired": "push.reason.expired",
    "refused": "push.reason.refused",
    "unknown": "push.reason.unknown",
}
"""Why people get no message."""
STEP_PHRASES: Final = {
    "pause": "console.push.pause",
    "resume": "console.push.resume",
    "recall": "console.push.recall",
}
NOT_FINISHED: Final[frozenset[BroadcastState]] = frozenset({"planning", "sending", "paused"})


class PushLine(NamedTuple):
    """One push of a list."""

    push: StoredBroadcast
    words: str
    """Whom it is for."""
    by: str
    """Who started it; "" for the command line."""
    ledger: Ledger

    @property
    def total(self) -> int:
        """All recipients; of one that is still being planned as many as were counted."""
        planned = sum(self.ledger.states.values())
        return max(planned, self.push.counted or 0) if self.push.state == "planning" else planned

    @property
    def has_begun(self) -> bool:
        """Whether a message has left or is about to."""
        return any(self.ledger.states[state] for state in ("queued", "sent", "failed"))

    @property
    def waits(self) -> int:
        """How many messages wait, those included that are not planned yet."""
        return self.total - sum(n for state, n in self.ledger.states.items() if state != "planned")


@console_page("GET", "/consultations/{slug}/push", "push")
async def list_pushes(visit: Visit) -> web.StreamResponse:
    """Lists the pushes of the consultation, the newest first."""
    summary = await own_consultation(visit)

    def load(processor: BroadcastProcessor, connection: Connection) -> list[PushLine]:
        processor.catalogue.refresh(connection)
        drafts = draft_broadcasts(connection, [summary.slug], visit.now - REQUEST_HOLDS)
        asked = [it for it in drafts if request_for(processor, connection, it, visit.now)]
        return push_lines(visit, processor, connection, asked + newest_broadcasts(connection, MOST, [summary.slug]))

    found = await desk_of(visit).read(load)
    return visit.page("push.html", summary=summary, found=found, push_states=PUSH_STATES)


@console_page("GET", "/consultations/{slug}/push/sent/{number}", "push")
async def show_push(visit: Visit) -> web.StreamResponse:
    """Shows one push: state, ledger, and the steps it allows."""
    return await _page(visit)


@console_page("POST", "/consultations/{slug}/push/sent/{number}/{step}", "push")
async def change_push(visit: Visit) -> web.StreamResponse:
    """Pauses, continues or recalls a push."""
    summary, step = await own_consultation(visit), visit.part("step")
    if step not in TRANSITIONS:
        raise web.HTTPNotFound

    def work(processor: BroadcastProcessor, connection: Connection) -> bool:
        push = _push(visit, connection, summary)
        return service.change_state(processor, connection, push, step, visit.actor)

    if not await desk_of(visit).write(work):
        return await _page(visit, problem="console.push.problem.stale")
    return visit.see(f"/consultations/{summary.slug}/push/sent/{visit.part('number')}")


def desk_of(visit: Visit) -> PushDesk:
    return visit.request.app[PUSH_DESK]


def own_slugs(visit: Visit, processor: BroadcastProcessor, connection: Connection) -> list[str]:
    """Returns the published consultations that exist for the member."""
    assigned = assigned_consultations(connection, visit.member, visit.now)
    catalogue = processor.catalogue
    return [it for it in catalogue.known_slugs() if assigned is None or catalogue.consultation_id(it) in assigned]


def titles_of(processor: BroadcastProcessor, slugs: Collection[str], locale: Locale) -> dict[str, str]:
    """Returns the titles of these consultations, by slug."""
    return {it: processor.catalogue.title(it, locale.tag) for it in slugs}


def first_message(visit: Visit, starts_at: datetime) -> datetime:
    """Returns when the first message leaves, in the city's time."""
    times = SendingTimes.of(visit.site.services.settings)
    return times.next_open(max(starts_at, visit.now)).astimezone(times.zone)


def _push(visit: Visit, connection: Connection, summary: ConsultationSummary) -> StoredBroadcast:
    """Returns the push of the path. Raises HTTPNotFound, also for those of other consultations and for drafts."""
    found = broadcast_by_id(connection, id_in(visit.part("number")) or 0)
    if found is None or found.slug != summary.slug or found.state == "draft":
        raise web.HTTPNotFound
    return found


def push_lines(
    visit: Visit, processor: BroadcastProcessor, connection: Connection, pushes: list[StoredBroadcast]
) -> list[PushLine]:
    """Returns pushes with what a page says of them. Runs where the processor may be used."""
    names = staff_names(connection, sorted({it.member_id for it in pushes if it.member_id}))
    titles = titles_of(processor, processor.catalogue.known_slugs(), visit.locale)
    return [
        PushLine(
            push,
            words=segment_in_words(push.segment, visit.locale, titles),
            by=names.get(push.member_id or 0, ""),
            ledger=service.count_ledger(connection, push.id),
        )
        for push in pushes
    ]


async def _page(visit: Visit, problem: str = "") -> web.Response:
    summary, desk = await own_consultation(visit), desk_of(visit)

    def load(processor: BroadcastProcessor, connection: Connection) -> tuple[PushLine, Tally | None, int]:
        processor.catalogue.refresh(connection)
        line = push_lines(visit, processor, connection, [_push(visit, connection, summary)])[0]
        published = processor.catalogue.newest(summary.slug)
        least = published.flow.consultation.smallest_cell if published else 0
        is_counted = line.ledger.states["sent"] and processor.catalogue.is_known(summary.slug)
        return line, desk.tally(connection, line.push, visit.now) if is_counted else None, least

    line, tally, least = await desk.read(load)
    push = line.push
    first = first_message(visit, push.starts_at)
    values: dict[str, Any] = {
        "line": line,
        "tally": tally,
        "least": least or SMALLEST_CELL,
        "steps": [step for step, (before, _, _) in TRANSITIONS.items() if push.state in before],
        "is_held": push.state in ("planning", "sending") and first > visit.now and not line.has_begun,
        "is_running": push.state in NOT_FINISHED or (push.state == "recalled" and push.finished_at is None),
        "first": first,
    }
    return visit.page(
        "push_one.html",
        status=409 if problem else 200,
        summary=summary,
        problem=problem,
        htmx_config=HTMX_CONFIG,
        push_states=PUSH_STATES,
        push_steps=STEP_PHRASES,
        reason_phrases=REASON_PHRASES,
        language_name=language_name,
        **values,
    )
