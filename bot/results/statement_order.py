"""The order of rated statements: one for the result page, for the command and for what a wave takes with `take: top`.

From what is told alone, so that anybody can recompute it and the order says nothing that the figures do not:

1. agreed by all sectors (`bot.results.methods.sectors`): by the lower end of the interval of the sector that agrees
   least;
2. all others with enough ratings: by the lower end of the interval of everybody. A sector of which too little is known
   lifts nothing and lowers nothing;
3. few ratings: the same, behind all others. With fewer than 20 the interval is wider than ± 20 points;
4. nothing told.

The lower end of the interval (Wilson 1927, 95 %) instead of the share: few ratings may be all in favour by chance.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from typing import Final, NamedTuple

from bot.results.methods.intervals import wilson
from bot.results.methods.sectors import SectorCell
from bot.results.report import StatementResult

LEAST_RATED: Final = 20


class StatementStanding(IntEnum):
    """What can be said of a statement, the strongest first."""

    ALL_SECTORS = 0
    RATED = 1
    FEW = 2
    UNTOLD = 3


class StatementRank(NamedTuple):
    """Sorts statements: what is agreed with most comes first."""

    standing: StatementStanding
    sectors: float = 0.0
    """Minus the lower end of the sector that agrees least, where all sectors agree."""
    everybody: float = 0.0
    """Minus the lower end of everybody."""

    @property
    def at_least(self) -> float:
        """So many of everybody agree, chance allowed for."""
        return -self.everybody


UNRANKED: Final = StatementRank(StatementStanding.UNTOLD)
"""Of a statement that nobody rated, or of which nothing is told."""


def rank_statement(statement: StatementResult) -> StatementRank:
    """Where a statement belongs, by what is told of it."""
    everybody = lower_end(statement.overall)
    if everybody is None:
        return UNRANKED
    if (statement.overall.seen or 0) < LEAST_RATED:
        return StatementRank(StatementStanding.FEW, 0.0, -everybody)
    if not statement.sectors.is_agreed_by_all:
        return StatementRank(StatementStanding.RATED, 0.0, -everybody)
    least = min(lower_end(cell) or 0.0 for cell in statement.sectors.cells)
    return StatementRank(StatementStanding.ALL_SECTORS, -least, -everybody)


def lower_end(cell: SectorCell) -> float | None:
    """The lower end of the interval of an agreement; where only a range of counts is told, of the smallest one. None
    where nothing is known, or nobody was asked.
    """
    if not cell.seen:
        return None
    if cell.chance is not None:
        return cell.chance.low
    agrees = round(cell.agreement.low * (cell.seen + 2)) - 1
    return wilson(agrees, cell.seen).low if agrees > 0 else None


def ordered_statements(statements: Sequence[StatementResult]) -> list[StatementResult]:
    """The statements, the one most agreed with first; between equals the name decides."""
    return sorted(statements, key=lambda it: (rank_statement(it), it.name))
