"""Computes the published figures of rated statements from the log of votes, without suppressed cells.

Pure and seeded: the same log, sectors and seed give the same result. All figures here may be shown to every reader of
the results; the unprotected counts are in `bot.results.methods.matrix`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import numpy as np

from bot.results.counts import disclosure
from bot.results.counts.disclosure import (
    MIN_CELL_SIZE,
    DisclosureRule,
    FrequencyRow,
    FrequencyTable,
    Reason,
    ungrouped_table,
)
from bot.results.methods import consensus
from bot.results.methods.arrays import Flags
from bot.results.methods.consensus import Pick, Representative, Side
from bot.results.methods.groups import LEAST_PEOPLE, Groups, opinion_groups
from bot.results.methods.intervals import Interval
from bot.results.methods.matrix import VoteLog, VoteMatrix, VoteTotals, event_totals, last_votes
from bot.results.methods.sectors import (
    AGREES,
    OTHERS,
    Agreement,
    SectorCell,
    overall_cell,
    sector_agreements,
    sector_tables,
    suppress_beside,
)

EVERYBODY: Final = "everybody"


class VoteCounts(NamedTuple):
    """The votes on a statement by kind; None where the number is suppressed."""

    agrees: int | None
    disagrees: int | None
    passes: int | None
    votes: int | None


@dataclass(frozen=True, slots=True)
class StatementResult:
    """All figures of one statement."""

    name: str
    by_last_vote: VoteCounts
    """Each participant counts once."""
    by_vote_events: VoteCounts
    """A participant counts once per vote event, so a changed vote counts again."""
    important: int | None
    overall: SectorCell
    sectors: Agreement
    groups: Agreement
    group_informed: Interval | None
    """Π (A+1)/(S+2) over the opinion groups; None where there are none."""
    reason: Reason = ""
    """Why the counts by last vote are suppressed."""


class Highlight(NamedTuple):
    """A statement that represents all participants (`group` None) or one opinion group, with its cell there."""

    name: str
    side: Side
    cell: SectorCell
    group: int | None = None
    is_best_agreed: bool = False

    @property
    def stands_for(self) -> Side:
        """The published side. `side` is where the group differs most from the others: if nearly all participants agree,
        that may be the few disagreements. The statement a group agrees with most is always published as agreement.
        """
        return "agree" if self.is_best_agreed else self.side


@dataclass(frozen=True, slots=True)
class StatementReport:
    """The result. Where fewer than `least` people took part, `statements` is empty and nothing else is published.

    `least` is the minimum cell size; the name is a key of stored editions.
    """

    people: int | None
    votes: int | None
    least: int
    seed: int
    statements: tuple[StatementResult, ...] = ()
    sector_people: Mapping[str, int | None] = field(default_factory=dict)
    group_sizes: tuple[int, ...] = ()
    no_groups_because: str = ""
    highlights: tuple[Highlight, ...] = ()


def statement_report(
    log: VoteLog,
    shown: Sequence[str],
    sectors: Mapping[str, frozenset[str]],
    *,
    min_cell_size: int = MIN_CELL_SIZE,
    least_people: int = LEAST_PEOPLE,
    seed: int = 0,
) -> StatementReport:
    """Computes the result of this log. `shown` names the published statements; the others count for eligibility only.
    `sectors` marks for each sector the participants that declared it.
    """
    matrix = last_votes(log)
    took_part = int(matrix.voted.any(axis=1).sum())
    if took_part < min_cell_size:
        return StatementReport(None if took_part else 0, None if took_part else 0, min_cell_size, seed)
    published = frozenset(shown)
    is_shown = np.array([name in published for name in matrix.statements], dtype=np.bool_)
    flags = {name: np.array([it in people for it in matrix.people], dtype=np.bool_) for name, people in sectors.items()}
    groups = opinion_groups(matrix, ~is_shown, seed, least_people, max(2 * min_cell_size, 10))
    statements = tuple(
        _statements(
            log=log, matrix=matrix, is_shown=is_shown, sectors=flags, groups=groups, min_cell_size=min_cell_size
        )
    )
    return StatementReport(
        people=took_part,
        votes=len(log.vote),
        least=min_cell_size,
        seed=seed,
        statements=statements,
        sector_people=_sizes(flags, matrix, min_cell_size),
        group_sizes=tuple(int(groups.members(group).sum()) for group in range(groups.number)),
        no_groups_because=groups.why_not,
        highlights=tuple(_highlights(statements, matrix, is_shown, groups)),
    )


def _statements(
    log: VoteLog, matrix: VoteMatrix, is_shown: Flags, sectors: Mapping[str, Flags], groups: Groups, min_cell_size: int
) -> list[StatementResult]:
    shown = matrix.only(is_shown)
    last, events = shown.totals(), VoteTotals(*(column[is_shown] for column in event_totals(log)))
    of_groups = {str(group): groups.members(group) for group in range(groups.number)}
    by_sector, by_group = (
        sector_agreements(shown, sectors, min_cell_size),
        sector_agreements(shown, of_groups, min_cell_size, merges=False),
    )
    if groups.number:
        by_group = suppress_beside(
            matrix=shown,
            sectors=sectors,
            published=by_sector,
            groups=of_groups,
            found=by_group,
            min_cell_size=min_cell_size,
        )
    importance = shown.importance()
    found = []
    for place, name in enumerate(shown.statements):
        now, ever = (_counted(totals, place) for totals in (last, events))
        counts, by_events, important, why = published_votes(now, ever, int(importance[place]), min_cell_size)
        found.append(
            StatementResult(
                name=name,
                by_last_vote=counts,
                by_vote_events=by_events,
                important=important,
                overall=overall_cell(now.base, now.n[_KEYS[0]], EVERYBODY, min_cell_size),
                sectors=by_sector[place],
                groups=by_group[place],
                group_informed=_product(by_group[place]) if groups.number else None,
                reason=why,
            )
        )
    return found


_KEYS: Final = ("agrees", "disagrees", "passes")


def _counted(totals: VoteTotals, place: int) -> FrequencyRow:
    n = dict(zip(_KEYS, (int(column[place]) for column in totals), strict=True))
    return FrequencyRow(sum(n.values()), n)


def statement_tables(
    log: VoteLog, shown: Sequence[str], sectors: Mapping[str, frozenset[str]]
) -> dict[str, FrequencyTable]:
    """Returns the published tables of each statement, for comparison with the previous edition: `agreement:` by
    sectors, `votes:` and `events:` of all participants that rated it.
    """
    whole_matrix = last_votes(log)
    told_of = frozenset(shown)
    is_shown = np.array([name in told_of for name in whole_matrix.statements], dtype=np.bool_)
    matrix = whole_matrix.only(is_shown)
    last, events = matrix.totals(), VoteTotals(*(column[is_shown] for column in event_totals(log)))
    flags = {name: np.array([it in people for it in matrix.people]) for name, people in sectors.items()}
    importance = matrix.importance()
    people = int(whole_matrix.voted.any(axis=1).sum())
    found: dict[str, FrequencyTable] = {"people": ungrouped_table(people, {})}
    for place, (name, table) in enumerate(zip(matrix.statements, sector_tables(matrix, flags), strict=True)):
        now, ever = _counted(last, place), _counted(events, place)
        found[f"agreement:{name}"] = table
        found[f"votes:{name}"] = ungrouped_table(now.base, {**now.n, "important": int(importance[place])})
        found[f"events:{name}"] = ungrouped_table(ever.base - now.base, {it: n - now.n[it] for it, n in ever.n.items()})
    return found


def _counts(row: FrequencyRow) -> VoteCounts:
    return VoteCounts(row.n["agrees"], row.n["disagrees"], row.n["passes"], row.base)


class PublishedVotes(NamedTuple):
    """The counts of one statement as far as they may be published."""

    by_last_vote: VoteCounts
    by_vote_events: VoteCounts
    important: int | None
    reason: Reason
    """Why the counts by last vote are suppressed."""


def published_votes(now: FrequencyRow, ever: FrequencyRow, important: int, min_cell_size: int) -> PublishedVotes:
    """Returns the publishable counts of a statement: by last votes, by all votes, and of important marks.

    Replaced votes are published if there are none, or enough of them and not all alike. Otherwise a reader with the
    knowledge that a participant changed a vote could conclude the earlier vote.

    >>> now = FrequencyRow(31, {"agrees": 20, "disagrees": 2, "passes": 9})
    >>> published_votes(now, now, 3, 5)[:3]
    (VoteCounts(agrees=20, disagrees=2, passes=9, votes=31), VoteCounts(agrees=20, disagrees=2, passes=9, votes=31), 3)
    """
    rule = DisclosureRule(min_cell_size)
    replaced = FrequencyRow(ever.base - now.base, {name: n - now.n[name] for name, n in ever.n.items()})
    two = {AGREES: now.n["agrees"], OTHERS: now.base - now.n["agrees"]}
    why = disclosure.suppression_reason(FrequencyRow(now.base, two), rule)
    nothing = VoteCounts(None, None, None, None)
    people = None if why == "few" else now.base
    return PublishedVotes(
        nothing._replace(votes=people) if why else _counts(now),
        nothing if why or disclosure.suppression_reason(replaced, rule) else _counts(ever),
        None
        if why or disclosure.suppression_reason(FrequencyRow(now.base, {"important": important}), rule)
        else important,
        why,
    )


def _product(over: Agreement) -> Interval:
    """Returns Π of the groups' agreements, as exact as they are published."""
    low = high = 1.0
    for cell in over.cells:
        low, high = low * cell.agreement.low, high * cell.agreement.high
    return Interval(low, high)


def _sizes(sectors: Mapping[str, Flags], matrix: VoteMatrix, min_cell_size: int) -> dict[str, int | None]:
    """Returns the number of voters of each sector, as far as it may be published."""
    active: Flags = np.asarray(matrix.voted.any(axis=1))
    sizes = {name: int((people & active).sum()) for name, people in sectors.items()}
    rests = {name: int(active.sum()) - n for name, n in sizes.items()}
    return {
        name: n if n == 0 or (n >= min_cell_size and (rests[name] == 0 or rests[name] >= min_cell_size)) else None
        for name, n in sizes.items()
    }


def _highlights(
    statements: Sequence[StatementResult], matrix: VoteMatrix, is_shown: Flags, groups: Groups
) -> list[Highlight]:
    by_name = {it.name: it for it in statements}

    def name(it: Pick | Representative) -> str:
        return matrix.statements[it.statement]

    people = int(matrix.voted.any(axis=1).sum())
    picks = consensus.agreed_upon(matrix.totals(), ~is_shown, people)
    cells = [(it, by_name[name(it)].overall) for it in picks]
    found = [Highlight(name(it), it.side, cell) for it, cell in cells if cell.agrees is not None]
    for group, chosen in enumerate(consensus.representatives(matrix, groups, ~is_shown)):
        for it in chosen:
            cell = by_name[name(it)].groups.cells[group]
            if cell.agrees is not None:
                found.append(Highlight(name(it), it.side, cell, group, it.is_best_agreed))
    return found
