"""The home page: what waits for this member, and what is live now."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Final, NamedTuple

from aiohttp import web
from sqlalchemy import Connection

from bot.web.console.agreements import waiting_agreements
from bot.web.console.messages import waiting_messages
from bot.web.console.overview import ConsultationSummary, running_pushes, summaries
from bot.web.console.registry import console_page
from bot.web.console.visit import Visit
from storage.tables.broadcasts import StoredBroadcast

SOON: Final = timedelta(days=7)
"""A consultation that closes within this time is listed as closing soon."""


class Task(NamedTuple):
    """One row of what waits: its phrase, the number, the consultation, and where the work is done."""

    phrase: str
    number: int
    summary: ConsultationSummary
    button: str
    target: str


@console_page("GET", "/", "account.own")
async def show_home(visit: Visit) -> web.StreamResponse:
    """Shows the home page."""
    assigned = await visit.assigned()

    def load(connection: Connection) -> tuple[list[ConsultationSummary], list[StoredBroadcast]]:
        found = summaries(connection, assigned, visit.locale.tag, visit.now)
        return found, running_pushes(connection, [it.slug for it in found])

    found, pushes = await visit.read(load) if visit.may("consultations.list") else ([], [])
    own = [it for it in found if not it.is_sample]
    asked = [
        Task(it.phrase, 1, it.summary, "console.home.look", it.target) for it in await waiting_agreements(visit, own)
    ]
    return visit.page(
        "home.html",
        tasks=[*asked, *_tasks(visit, own)],
        messages=await waiting_messages(visit),
        pushes=pushes,
        live=[it for it in own if it.state in ("open", "not_yet", "test")],
        closing=[it for it in own if it.state == "open" and it.closes_at and it.closes_at - visit.now <= SOON],
        has_any=bool(own),
    )


def _tasks(visit: Visit, found: Sequence[ConsultationSummary]) -> Iterator[Task]:
    """Yields what waits, the consultation that closes first at the top."""
    never = visit.now + timedelta(days=36_500)
    for summary in sorted(found, key=lambda it: it.closes_at or never):
        place = f"/consultations/{summary.slug}"
        if summary.waiting.to_read and visit.may("texts.decide"):
            yield Task(
                "console.home.to_read", summary.waiting.to_read, summary, "console.home.read", f"{place}/reading"
            )
        if summary.waiting.to_answer and visit.may("answers.publish"):
            target = f"{place}/answers"
            yield Task("console.home.to_answer", summary.waiting.to_answer, summary, "console.home.answer", target)
        if summary.waiting.drafted and visit.may("answers.publish"):
            target = f"{place}/answers/preview"
            yield Task("console.home.drafted", summary.waiting.drafted, summary, "console.answers.look", target)
