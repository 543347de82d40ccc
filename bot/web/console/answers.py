"""Official answers: proposals and drafts in a list, what people will read, sent together, and taken back.

Answers that were sent are held back for a minute (`bot.proposals.answer_drafts`); until then they can be taken back.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal, NamedTuple, get_args

from aiohttp import web
from sqlalchemy import Connection

from bot.proposals import answer_drafts
from bot.proposals.answer_drafts import Sending
from bot.web.console.answer_views import (
    MOST_AT_ONCE,
    DraftRow,
    answer_rows,
    draft_keys,
    own_rows,
    preview_answers,
)
from bot.web.console.consultations import own_consultation
from bot.web.console.registry import console_page
from bot.web.console.visit import Visit, id_in
from flows.languages import language_name
from storage.tables.answer_drafts import HeldSending, count_answer_drafts, held_sendings, list_answer_drafts
from storage.tables.owed_answers import count_by_answer, proposals_by_answer

PAGE_SIZE: Final = 25

Shown = Literal["owed", "drafts", "answered", "all"]
"""The lists of the page; "owed": without a final official answer."""
AnswerOutcome = Literal["saved", "dropped", "changed", "refused", "held", "undone", "late"]


class _AnswerList(NamedTuple):
    """One page of a list."""

    rows: list[DraftRow]
    further: int
    """The id after which the next page begins; 0 on the last page."""
    counts: Mapping[str, int]
    held: list[HeldSending]


@console_page("GET", "/consultations/{slug}/answers", "answers.publish")
async def list_answers(visit: Visit) -> web.StreamResponse:
    """Lists public proposals by their official answer; `after` in the address is the id of the last one seen."""
    summary = await own_consultation(visit)
    shown = _shown(visit)
    after = id_in(visit.request.query.get("after", "")) or 0

    def load(connection: Connection) -> _AnswerList:
        return _load_list(visit, connection, summary.consultation_id, shown, after)

    found = await visit.read(load)
    return visit.page(
        "answers.html",
        summary=summary,
        rows=found.rows,
        further=found.further,
        counts=found.counts,
        held=found.held,
        shown=shown,
        after=after,
        outcomes=answer_outcomes(visit),
    )


@console_page("GET", "/consultations/{slug}/answers/preview", "answers.publish")
async def preview(visit: Visit) -> web.StreamResponse:
    """Shows what people will read of the chosen drafts (`item`: codes), else of all that are not sent."""
    summary = await own_consultation(visit)
    codes = visit.request.query.getall("item", [])

    def load(connection: Connection) -> dict[str, Any]:
        if codes:
            rows = own_rows(visit, connection, summary.consultation_id, codes)
        else:
            drafts = list_answer_drafts(connection, summary.consultation_id, limit=MOST_AT_ONCE, is_held=False)
            rows = answer_rows(visit, connection, [it.proposal_id for it in drafts])
        rows = [row for row in rows if not row.is_held]
        previews, everyone = preview_answers(visit, connection, rows)
        return {
            "previews": previews,
            "everyone": everyone,
            "total": count_answer_drafts(connection, summary.consultation_id),
        }

    values = await visit.read(load)
    ready = sum(it.row.problem is None for it in values["previews"])
    return visit.page("answer_preview.html", summary=summary, ready=ready, language_name=language_name, **values)


@console_page("POST", "/consultations/{slug}/answers/send", "answers.publish")
async def send(visit: Visit) -> web.StreamResponse:
    """Sends the drafts of the form together; drafts that changed since they were shown stay drafts."""
    summary = await own_consultation(visit)
    chosen = draft_keys(visit.form.get("item", []))

    def work(connection: Connection) -> Sending:
        return answer_drafts.hold_drafts(visit.moderation(connection), summary.consultation_id, chosen)

    done = await visit.write(work)
    changed = sum(reason == "changed" for reason in done.refused.values())
    said: dict[AnswerOutcome, int] = {"changed": changed, "refused": len(done.refused) - changed}
    return see_answers(visit, "drafts" if done.refused else "owed", said)


@console_page("POST", "/consultations/{slug}/answers/undo", "answers.publish")
async def undo(visit: Visit) -> web.StreamResponse:
    """Takes back what was sent together, within its minute."""
    summary = await own_consultation(visit)
    sending = id_in(visit.field("sending")) or 0

    def work(connection: Connection) -> int:
        return answer_drafts.take_back(visit.moderation(connection), summary.consultation_id, sending)

    number = await visit.write(work)
    return see_answers(visit, "drafts", {"undone": number} if number else {"late": 1})


def see_answers(visit: Visit, shown: Shown, outcomes: Mapping[AnswerOutcome, int]) -> web.Response:
    """Redirects to a list, which says what was done."""
    said = ",".join(f"{outcome}:{number}" for outcome, number in outcomes.items() if number)
    return visit.see(f"/consultations/{visit.part('slug')}/answers", show=shown, **({"said": said} if said else {}))


def answer_outcomes(visit: Visit) -> dict[AnswerOutcome, int]:
    """Returns what the address says was done."""
    pairs = (part.partition(":") for part in visit.request.query.get("said", "")[:200].split(","))
    numbers = {name: id_in(number) or 0 for name, _, number in pairs}
    known: tuple[AnswerOutcome, ...] = get_args(AnswerOutcome)
    return {name: numbers[name] for name in known if name in numbers}


def _shown(visit: Visit) -> Shown:
    known: tuple[Shown, ...] = get_args(Shown)
    return next((name for name in known if name == visit.request.query.get("show")), "owed")


def _load_list(visit: Visit, connection: Connection, consultation_id: int, shown: Shown, after: int) -> _AnswerList:
    if shown == "drafts":
        drafts = list_answer_drafts(connection, consultation_id, after_id=after, limit=PAGE_SIZE + 1)
        numbers = [it.proposal_id for it in drafts]
    else:
        numbers = proposals_by_answer(connection, consultation_id, shown, after_id=after, limit=PAGE_SIZE + 1)
    counts = {
        "owed": count_by_answer(connection, consultation_id, "owed"),
        "drafts": count_answer_drafts(connection, consultation_id),
        "answered": count_by_answer(connection, consultation_id, "answered"),
    }
    return _AnswerList(
        rows=answer_rows(visit, connection, numbers[:PAGE_SIZE]),
        further=numbers[PAGE_SIZE - 1] if len(numbers) > PAGE_SIZE else 0,
        counts=counts,
        held=held_sendings(connection, consultation_id),
    )
