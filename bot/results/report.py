"""The result of rated statements: every figure that is told, from the log alone, with small cells left out.

Pure and seeded: the same log, sectors and seed give the same result. What stands here may be shown to anybody who may
see results at all; whoever wants the unprotected counts takes them from `matrix.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import numpy as np

from bot.counting.suppression import LEAST, hidden
from bot.results import consensus
from bot.results.arrays import Flags
from bot.results.consensus import Pick, Representative, Side
from bot.results.groups import LEAST_PEOPLE, Groups, opinion_groups
from bot.results.intervals import Interval
from bot.results.matrix import Log, Matrix, Totals, event_totals, last_votes
from bot.results.sectors import Agreement, Cell, agreement, agreements, narrowed

EVERYBODY: Final = "everybody"


class Counts(NamedTuple):
    """How many voted how; None where the number may not be told."""

    agrees: int | None
    disagrees: int | None
    passes: int | None
    votes: int | None


@dataclass(frozen=True, slots=True)
class Statement:
    """All figures of one statement."""

    name: str
    by_last_vote: Counts
    """Everybody counts once."""
    by_vote_events: Counts
    """Whoever changed a vote counts as often as he or she voted."""
    important: int | None
    overall: Cell
    sectors: Agreement
    groups: Agreement
    group_informed: Interval | None
    """Π (A+1)/(S+2) over the opinion groups; None where there are none."""


class Highlight(NamedTuple):
    """A statement that stands for everybody (`group` None) or for one opinion group, with its cell there."""

    name: str
    side: Side
    cell: Cell
    group: int | None = None
    is_best_agreed: bool = False

    @property
    def stands_for(self) -> Side:
        """What people are told. `side` is where the group differs most from others: of what everybody agrees with, that
        may be the few who do not. But the statement a group agrees with best is there because it agrees.
        """
        return "agree" if self.is_best_agreed else self.side


@dataclass(frozen=True, slots=True)
class Report:
    """The result. Where fewer than `least` people took part, `statements` is empty and nothing else is told."""

    people: int | None
    votes: int | None
    least: int
    seed: int
    statements: tuple[Statement, ...] = ()
    sector_people: Mapping[str, int | None] = field(default_factory=dict)
    group_sizes: tuple[int, ...] = ()
    no_groups_because: str = ""
    highlights: tuple[Highlight, ...] = ()


def report(
    log: Log,
    shown: Sequence[str],
    sectors: Mapping[str, frozenset[str]],
    *,
    least: int = LEAST,
    least_people: int = LEAST_PEOPLE,
    seed: int = 0,
) -> Report:
    """The result of this log. `shown` names the statements that are told; the others count for who is eligible only.
    `sectors` says which people declared each.
    """
    matrix = last_votes(log)
    took_part = int(matrix.voted.any(axis=1).sum())
    if took_part < least:
        return Report(None if took_part else 0, None if took_part else 0, least, seed)
    told = frozenset(shown)
    is_shown = np.array([name in told for name in matrix.statements], dtype=np.bool_)
    flags = {name: np.array([it in people for it in matrix.people]) for name, people in sectors.items()}
    groups = opinion_groups(matrix, ~is_shown, seed, least_people, max(2 * least, 10))
    statements = tuple(_statements(log, matrix, is_shown, flags, groups, least))
    return Report(
        took_part,
        len(log.vote),
        least,
        seed,
        statements,
        _sizes(flags, matrix, least),
        tuple(int(groups.members(group).sum()) for group in range(groups.number)),
        groups.why_not,
        tuple(_highlights(statements, matrix, is_shown, groups)),
    )


def _statements(
    log: Log, matrix: Matrix, is_shown: Flags, sectors: Mapping[str, Flags], groups: Groups, least: int
) -> list[Statement]:
    shown = matrix.only(is_shown)
    last, events = shown.totals(), Totals(*(column[is_shown] for column in event_totals(log)))
    of_groups = {str(group): groups.members(group) for group in range(groups.number)}
    by_sector, by_group = agreements(shown, sectors, least), agreements(shown, of_groups, least)
    importance = shown.importance()
    found = []
    for place, name in enumerate(shown.statements):
        agrees, disagrees, passes = (int(column[place]) for column in last)
        seen = agrees + disagrees + passes
        counts = told((agrees, disagrees, passes), frozenset(), least)
        untold = frozenset(key for key, n in zip(_KEYS, counts, strict=False) if n is None)
        by_events = tuple(int(column[place]) for column in events)
        important = int(importance[place])
        overall = agreement(name, {EVERYBODY: seen}, {EVERYBODY: agrees}, least).cells[0]
        over_groups = narrowed(by_group[place], overall, least)
        found.append(
            Statement(
                name,
                counts,
                told(by_events, untold, least),
                important if is_told(important, seen, least) else None,
                overall,
                by_sector[place],
                over_groups,
                _product(over_groups) if groups.number else None,
            )
        )
    return found


_KEYS: Final = ("agrees", "disagrees", "passes")


def told(n: Sequence[int], untold: frozenset[str], least: int) -> Counts:
    """Agreed, disagreed, passed: with small ones, and those that would give them away, left out; `untold` ones anyway.

    >>> told((20, 2, 9), frozenset(), 5)
    Counts(agrees=20, disagrees=None, passes=None, votes=31)
    """
    cells = dict(zip(_KEYS, n, strict=True))
    out = hidden(cells, untold, least)
    agrees, disagrees, passes = (None if key in out else cells[key] for key in _KEYS)
    return Counts(agrees, disagrees, passes, sum(n) if sum(n) == 0 or sum(n) >= least else None)


def is_told(n: int, of: int, least: int) -> bool:
    """Whether a part of all who voted may be told: neither it nor the rest is a few people."""
    return n == 0 or (n >= least and (of - n == 0 or of - n >= least))


def _product(over: Agreement) -> Interval:
    """Π of the groups' agreements, as exact as they are told."""
    low = high = 1.0
    for cell in over.cells:
        low, high = low * cell.agreement.low, high * cell.agreement.high
    return Interval(low, high)


def _sizes(sectors: Mapping[str, Flags], matrix: Matrix, least: int) -> dict[str, int | None]:
    """How many people of each sector voted, as far as it may be told."""
    active: Flags = np.asarray(matrix.voted.any(axis=1))
    sizes = {name: int((people & active).sum()) for name, people in sectors.items()}
    declared: Flags = np.zeros(len(active), dtype=np.bool_)
    for people in sectors.values():
        declared = declared | people
    out = hidden({**sizes, "": int((active & ~declared).sum())}, least=least)
    return {name: None if name in out else n for name, n in sizes.items()}


def _highlights(statements: Sequence[Statement], matrix: Matrix, is_shown: Flags, groups: Groups) -> list[Highlight]:
    by_name = {it.name: it for it in statements}

    def name(it: Pick | Representative) -> str:
        return matrix.statements[it.statement]

    picks = consensus.picks(matrix.totals(), ~is_shown)
    found = [Highlight(name(it), it.side, by_name[name(it)].overall) for it in picks]
    for group, chosen in enumerate(consensus.representatives(matrix, groups, ~is_shown)):
        for it in chosen:
            cell = by_name[name(it)].groups.cells[group]
            if cell.seen is not None:
                found.append(Highlight(name(it), it.side, cell, group, it.is_best_agreed))
    return found
