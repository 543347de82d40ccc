"""Puts inner and public figures side by side. Pure: nothing is counted or suppressed here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from bot.common.i18n.locale import Locale
from bot.results import figures, opinions
from bot.results.figures import Bar
from bot.results.opinions import RatedProposal
from bot.results.published import PublishedResults

MOST_PROPOSALS: Final = 100
"""Rated proposals that the page shows; the exports contain all."""
LONGEST_LABEL: Final = 120
NOTHING: Final = "–"


class FigureCell(NamedTuple):
    """A number and its share as text; a suppressed number is its reason."""

    number: str = NOTHING
    share: str = ""


class FigureRow(NamedTuple):
    """One row; a side without this row has an empty cell."""

    label: str
    inner: FigureCell
    public: FigureCell


class FigureTable(NamedTuple):
    """One question, or one way to count participations. The notes name the base of the shares."""

    title: str
    inner_note: str
    public_note: str
    rows: list[FigureRow]
    is_question: bool


class _Side(NamedTuple):
    """One table of one result."""

    title: str
    note: str
    cells: Mapping[str, FigureCell]
    is_question: bool = False


def figure_tables(inner: PublishedResults | None, public: PublishedResults | None, locale: Locale) -> list[FigureTable]:
    """Returns the tables of both results, matched by question and label."""
    ours, theirs = (dict(_sides(it, locale)) if it else {} for it in (inner, public))
    return [_merged(ours.get(key), theirs.get(key)) for key in dict.fromkeys((*ours, *theirs))]


def _merged(inner: _Side | None, public: _Side | None) -> FigureTable:
    empty = _Side("", "", {})
    left, right = inner or empty, public or empty
    rows = [
        FigureRow(label, left.cells.get(label, FigureCell()), right.cells.get(label, FigureCell()))
        for label in dict.fromkeys((*left.cells, *right.cells))
    ]
    is_question = left.is_question or right.is_question
    return FigureTable(left.title or right.title, left.note, right.note, rows, is_question)


def _sides(found: PublishedResults, locale: Locale) -> Iterator[tuple[str, _Side]]:
    yield "totals", _totals(found, locale)
    for question in figures.question_figures(found, locale):
        if not question.is_free:
            note = " ".join(filter(None, (question.base, *question.notes)))
            cells = _cells(found, [*question.rows, *question.missing], locale)
            yield f"question {question.variable}", _Side(question.title, note, cells, is_question=True)
    for it in figures.outcome_figures(found, locale):
        cells = _cells(found, it.rows, locale)
        yield f"outcome {it.title}", _Side(it.title, " ".join(it.notes), cells, is_question=True)
    if rated := opinions.rated_proposals(found, locale):
        yield "ratings", _ratings(rated, locale)
    for heading, rows in figures.participation_contexts(found, locale):
        yield f"context {heading}", _Side(heading, "", _cells(found, rows, locale))


def _totals(found: PublishedResults, locale: Locale) -> _Side:
    names = {
        "console.list.begun": found.begun,
        "console.list.answered": found.participations,
        "console.list.finished": found.finished,
    }
    fewer = locale.text("results.fewer", n=found.subject.min_cell_size)
    cells = {locale.text(name): FigureCell(fewer if n is None else str(n)) for name, n in names.items()}
    return _Side(locale.text("results.people"), "", cells)


def _cells(found: PublishedResults, bars: Sequence[Bar], locale: Locale) -> dict[str, FigureCell]:
    return {bar.label: _cell(found, bar, locale) for bar in bars}


def _cell(found: PublishedResults, bar: Bar, locale: Locale) -> FigureCell:
    share = "" if bar.percent is None else locale.text("results.percent", n=bar.percent)
    if bar.number is not None:
        return FigureCell(str(bar.number), share)
    if share:  # an order has shares only
        return FigureCell(NOTHING, share)
    return FigureCell(figures.suppression_text(locale, bar.reason, found.subject.min_cell_size), share)


def _ratings(rated: Sequence[RatedProposal], locale: Locale) -> _Side:
    cells = {}
    for idea in rated[:MOST_PROPOSALS]:
        words = " ".join((idea.title or idea.text).split())
        short = words if len(words) <= LONGEST_LABEL else f"{words[: LONGEST_LABEL - 1]}…"
        row = idea.everybody
        seen = NOTHING if row is None else row.untold if row.seen is None else str(row.seen)
        cells[f"{idea.code}: {short}"] = FigureCell(seen, row.share if row else "")
    note = locale.text("console.results.further", n=len(rated) - MOST_PROPOSALS) if rated[MOST_PROPOSALS:] else ""
    return _Side(locale.text("console.results.ratings"), note, cells)
