"""Decides what an edition may publish after the previous one. Pure.

A figure that changed too little keeps its published value.

The difference of two editions must not disclose what single people answered. While the consultation is open, the counts
of all questions are updated together, once the change of each may be published. A statement is updated once the change
of all who rated it may be published, and with it the sectors whose change may be published. After closing, every figure
that may be published is updated; the others keep their last published value. Opinion groups are published once
(`bot.results.group_release`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

from bot.results import comparison_basis
from bot.results.ballots import BudgetOutcome, PairwiseOutcome, RankingOutcome
from bot.results.comparison_basis import ComparisonBasis
from bot.results.counts import moments, one_way
from bot.results.counts.counts import CONTEXTS
from bot.results.counts.moments import ALL_ANSWERED, Moment, PublishedRow
from bot.results.counts.one_way import ASKED
from bot.results.counts.rows import TOTALS, CountRow
from bot.results.edition import EditionDocument, ResultsEdition, outcomes_of_kind
from bot.results.group_release import with_groups_of
from bot.results.methods.intervals import Interval
from bot.results.methods.sectors import Agreement, SectorCell, agreement_over, published_row_of
from bot.results.report import StatementResult, VoteCounts

_VOTES: Final = "votes:"
_EVENTS: Final = "events:"


@dataclass(frozen=True, slots=True)
class _Held:
    """The figures that keep their last published value."""

    tables: frozenset[str]
    """Counts of questions, by name of the table."""
    statements: frozenset[str]
    """Statements of which all figures keep their published values."""
    events: frozenset[str]
    """Statements whose number of all votes ever cast is not published."""


def settle_edition(previous: ResultsEdition, new: ResultsEdition, *, is_closed: bool) -> ResultsEdition | None:
    """Returns the publishable version of the new edition; None if the previous edition stays."""
    before, after = previous.compared, new.compared
    if before is None or after is None or new.is_last:
        return new
    found, published = _held(before, after, new.apart, is_closed=is_closed)
    basis = _basis(before, after, found, published)
    document = _document(previous.document, new.document, found, published)
    has_new_groups = document.report.group_sizes != previous.document.report.group_sizes
    if basis == before and not _is_same(before, after) and not has_new_groups:
        return None
    basis = _remembered(before, basis)
    return new._replace(
        rows=_rows(previous, new, found.tables, with_contexts=not is_closed),
        document=document,
        compared=basis,
    )


def _tables_of(apart: Iterable[str], basis: ComparisonBasis) -> set[str]:
    """Returns the tables of the questions that are not published beside those of rooms."""
    return {name for id_ in apart for name in (id_, f"{ASKED}{id_}", f"ballots:{id_}") if name in basis.tables}


def _without_statements(names: Iterable[str]) -> frozenset[str]:
    return frozenset(it for it in names if not it.startswith((_VOTES, _EVENTS)))


def _held(
    before: ComparisonBasis, after: ComparisonBasis, apart: frozenset[str], *, is_closed: bool
) -> tuple[_Held, dict[str, tuple[Moment, ...]]]:
    """Returns the figures that keep their values, and the moments of all statements."""
    names = comparison_basis.unpublishable_changes(before, after) | _tables_of(apart, after)
    statements, published = set[str](), dict[str, tuple[Moment, ...]]()
    for name, (newest,) in after.moments.items():
        past = before.moments.get(name, ())
        rule = after.rule(name)
        found = None if _VOTES + name in names else moments.next_moments(past, newest, rule, is_last=is_closed)
        if found is None:
            statements.add(name)
            found = past
        published[name] = found
    tables = _without_statements(names)
    if tables and not is_closed:
        tables = _without_statements(after.tables)
    events = frozenset(it.removeprefix(_EVENTS) for it in names if it.startswith(_EVENTS))
    return _Held(tables, frozenset(statements), events - statements), published


def _is_same(before: ComparisonBasis, after: ComparisonBasis) -> bool:
    """Whether no count has changed. Texts and statuses of contributions may have changed."""
    newest = {name: published[-1].table for name, published in before.moments.items()}
    return before.tables == after.tables and newest == {name: it.table for name, (it,) in after.moments.items()}


def _basis(
    before: ComparisonBasis, after: ComparisonBasis, held: _Held, published: Mapping[str, tuple[Moment, ...]]
) -> ComparisonBasis:
    """Returns the comparison basis of the next edition; held figures have their tables as last published."""
    kept = {*held.tables, *(_EVENTS + it for it in held.events)}
    kept |= {kind + it for it in held.statements for kind in (_VOTES, _EVENTS)}
    tables = {
        name: before.tables[name] if name in kept and name in before.tables else table
        for name, table in after.tables.items()
    }
    return replace(after, tables=tables, moments=published)


def _remembered(before: ComparisonBasis, basis: ComparisonBasis) -> ComparisonBasis:
    """Adds tables that were published earlier and are not published now: readers may have stored them, and can compare
    them with later figures.
    """
    published = {name: it for name, it in before.tables.items() if comparison_basis.is_publishable(before, name)}
    untold = {name for name in basis.tables if not comparison_basis.is_publishable(basis, name)}
    once = {
        name: it
        for name, it in published.items()
        if name in untold or (name.startswith(ASKED) and name not in basis.tables)
    }
    return replace(basis, tables={**basis.tables, **once})


def _rows(
    previous: ResultsEdition, new: ResultsEdition, held: frozenset[str], *, with_contexts: bool
) -> tuple[CountRow, ...]:
    """Returns the cells of the new edition; cells of held tables keep their published values."""

    def is_held(row: CountRow) -> bool:
        if row.table in CONTEXTS or row.table in TOTALS[1:]:
            return with_contexts and one_way.PARTICIPATIONS in held
        return not {row.question_key or row.table, f"{ASKED}{row.question_key}"}.isdisjoint(held)

    return (
        *(row for row in previous.rows if is_held(row)),
        *(row for row in new.rows if not is_held(row)),
    )


def _statements(
    old: EditionDocument, new: EditionDocument, held: _Held, published: Mapping[str, tuple[Moment, ...]]
) -> Iterator[StatementResult]:
    earlier = {it.name: it for it in old.report.statements}
    for it in new.report.statements:
        before = earlier.get(it.name)
        yield _statement(before, it, held, published.get(it.name, ())) if before else it


def _document(
    old: EditionDocument, new: EditionDocument, held: _Held, published: Mapping[str, tuple[Moment, ...]]
) -> EditionDocument:
    outcomes = {id_: it for id_, it in new.outcomes.items() if f"ballots:{id_}" not in held.tables}
    outcomes |= {id_: it for id_, it in old.outcomes.items() if f"ballots:{id_}" in held.tables}
    report = replace(
        new.report,
        people=old.report.people if "people" in held.tables else new.report.people,
        statements=tuple(_statements(old, new, held, published)),
        highlights=tuple(it for it in new.report.highlights if it.name not in held.statements),
    )
    return replace(
        new,
        report=with_groups_of(old.report, report) if old.report.group_sizes else report,
        orders=outcomes_of_kind(outcomes, RankingOutcome),
        spreads=outcomes_of_kind(outcomes, BudgetOutcome),
        comparisons=outcomes_of_kind(outcomes, PairwiseOutcome),
    )


def _statement(
    old: StatementResult, new: StatementResult, held: _Held, published: tuple[Moment, ...]
) -> StatementResult:
    if new.name in held.statements:
        groups = agreement_over(new.name, tuple(_nothing(it) for it in new.groups.cells))
        return replace(old, groups=groups, group_informed=None)
    by_events = VoteCounts(None, None, None, None) if new.name in held.events else new.by_vote_events
    return replace(new, by_vote_events=by_events, sectors=_sectors(old.sectors, new.sectors, published))


def _sectors(old: Agreement, new: Agreement, published: tuple[Moment, ...]) -> Agreement:
    """Returns the current sectors. Held sectors keep their last published values; a held sector that was never
    published stays empty.
    """
    anew = published[-1].lines if published else frozenset[PublishedRow]()
    known = {line for it in published for line in it.lines} - {ALL_ANSWERED}
    earlier = {published_row_of(it, old): it for it in old.cells if it.agrees is not None}

    def cell(now: SectorCell) -> SectorCell:
        line = published_row_of(now, new)
        if now.agrees is None or line in anew:
            return now
        return earlier[line] if line in known and line in earlier else _nothing(now)

    return agreement_over(new.statement, tuple(cell(it) for it in new.cells))


def _nothing(cell: SectorCell) -> SectorCell:
    return SectorCell(
        sector=cell.sector, seen=None, agrees=None, agreement=Interval(0.0, 1.0), chance=None, reason="protected"
    )
