"""Reading: proposals and open answers that wait or are released, with what resembles them, and the decisions."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from typing import Final, NamedTuple, get_args

from aiohttp import web
from sqlalchemy import Connection

from bot.web.console.consultations import own_consultation
from bot.web.console.labels import OUTCOME_PHRASES
from bot.web.console.messages import waiting_messages
from bot.web.console.overview import ConsultationSummary
from bot.web.console.reading_decisions import MOST_AT_ONCE, Decided, Outcome, decide_all, take_back, wanted
from bot.web.console.reading_list import PAGE_SIZE, SHOWN, ReadingState, ReadingText, reading_ids, reading_texts
from bot.web.console.registry import console_page
from bot.web.console.visit import Visit, id_in
from storage.tables.attachments import has_attachments
from storage.tables.waiting_texts import count_waiting

ALREADY_DONE: Final = 412
"""A decision about a version that is no longer the present one."""

GONE: Final[frozenset[Outcome]] = frozenset({"approve", "hide", "merge", "half", "changed"})
"""Outcomes after which a line stands instead of a text."""
HTMX_CONFIG: Final = json.dumps(
    {
        "allowEval": False,
        "includeIndicatorStyles": False,
        "historyCacheSize": 0,
        "responseHandling": [
            {"code": "[23]..", "swap": True},
            {"code": str(ALREADY_DONE), "swap": True},
            {"code": "[45]..", "swap": False, "error": True},
        ],
    }
)


class _Loaded(NamedTuple):
    texts: list[ReadingText]
    waiting: int
    further: int
    """The last id of the page, if there are more; else 0."""
    has_attachments: bool


@console_page("GET", "/consultations/{slug}/reading", "texts.read")
async def show_reading(visit: Visit) -> web.StreamResponse:
    """Shows the oldest texts that wait, or with `state` the released ones; `after` is the id of the last one seen."""
    summary = await own_consultation(visit)
    state, after = _state(visit), id_in(visit.request.query.get("after", "")) or 0
    loaded = await visit.read(lambda connection: _load(connection, summary, state, after, visit.locale.tag))
    return visit.page(
        "reading.html",
        summary=summary,
        htmx_config=HTMX_CONFIG,
        state=state,
        found=loaded.texts,
        waiting=loaded.waiting,
        messages=await waiting_messages(visit),
        after=after,
        further=loaded.further,
        has_attachments=loaded.has_attachments,
        outcomes=_said(visit),
        undoable=[it for it in visit.request.query.get("undo", "").split(",")[:MOST_AT_ONCE] if it],
    )


@console_page("POST", "/consultations/{slug}/reading", "texts.decide")
async def decide(visit: Visit) -> web.StreamResponse:
    """Decides about one text (`one`), or about all that are ticked (`item`)."""
    summary = await own_consultation(visit)
    kind, choices = wanted(visit)
    if kind is None or not choices:
        return _see(visit, [Decided(0, "refused")])
    decided = await visit.write(
        lambda connection: decide_all(visit, connection, summary.consultation_id, kind, choices)
    )
    return await _line(visit, summary, decided[0]) if _is_swap(visit, decided) else _see(visit, decided)


@console_page("POST", "/consultations/{slug}/reading/undo", "texts.decide")
async def undo(visit: Visit) -> web.StreamResponse:
    """Takes decisions back: the texts wait again."""
    summary = await own_consultation(visit)
    names = visit.form.get("undo", [])[:MOST_AT_ONCE]
    decided = await visit.write(lambda connection: take_back(visit, connection, summary.consultation_id, names))
    return await _line(visit, summary, decided[0]) if _is_swap(visit, decided) else _see(visit, decided)


def _is_swap(visit: Visit, decided: Sequence[Decided]) -> bool:
    """Whether a script asks for the one text that was decided about, instead of the page."""
    return "HX-Request" in visit.request.headers and len(decided) == 1


async def _line(visit: Visit, summary: ConsultationSummary, decided: Decided) -> web.Response:
    """Returns what replaces one text of the page: a line with undo, or the text as it is now."""

    def load(connection: Connection) -> tuple[ReadingText | None, int]:
        texts = reading_texts(connection, summary.consultation_id, [decided.number], visit.locale.tag)
        return texts.get(decided.number), count_waiting(connection).get(summary.consultation_id, 0)

    text, waiting = await visit.read(load)
    told = visit.locale.text(OUTCOME_PHRASES[decided.outcome], n=1)
    is_line = decided.outcome in GONE or text is None
    return visit.page(
        "reading_line.html",
        status=ALREADY_DONE if decided.outcome == "changed" else 200,
        summary=summary,
        state=_state(visit),
        after=id_in(visit.request.query.get("after", "")) or 0,
        it=None if is_line else text,
        number=decided.number,
        code=text.item.proposal.code if text else "",
        undo=decided.undo,
        waiting=waiting,
        told=told,
        note=told if decided.outcome in ("refused", "flagged") else "",
    )


def _load(
    connection: Connection, summary: ConsultationSummary, state: ReadingState, after: int, language: str
) -> _Loaded:
    ids = reading_ids(connection, summary.consultation_id, state, after)
    texts = list(reading_texts(connection, summary.consultation_id, ids[:PAGE_SIZE], language).values())
    waiting = count_waiting(connection).get(summary.consultation_id, 0)
    further = ids[PAGE_SIZE - 1] if len(ids) > PAGE_SIZE else 0
    return _Loaded(texts, waiting, further, has_attachments(connection, summary.consultation_id))


def _see(visit: Visit, decided: Sequence[Decided]) -> web.Response:
    """Redirects to the list, which says what was done and offers to take it back."""
    outcomes = Counter(it.outcome for it in decided)
    query = {
        "state": "" if _state(visit) == "waiting" else _state(visit),
        "after": visit.request.query.get("after", ""),
        "said": ",".join(f"{outcome}:{number}" for outcome, number in outcomes.items()),
        "undo": ",".join(it.undo for it in decided if it.undo),
    }
    return visit.see(f"/consultations/{visit.part('slug')}/reading", **{name: it for name, it in query.items() if it})


def _said(visit: Visit) -> dict[Outcome, int]:
    """Returns what the address says was done."""
    pairs = (part.partition(":") for part in visit.request.query.get("said", "")[:200].split(","))
    numbers = {name: id_in(number) or 0 for name, _, number in pairs}
    known: tuple[Outcome, ...] = get_args(Outcome)
    return {name: numbers[name] for name in known if name in numbers}


def _state(visit: Visit) -> ReadingState:
    return next((it for it in SHOWN if it == visit.request.query.get("state", "")), "waiting")
