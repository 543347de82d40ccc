"""The order of rated statements: one for the result page, for the command and for what a wave takes with `take: top`.

Uses published figures only, so that every reader can recompute the order, and it discloses nothing beyond the figures:

1. agreed by all sectors (`bot.results.methods.sectors`): by the lower end of the interval of the sector that agrees
   least;
2. all others with enough ratings: by the lower end of the overall interval. A sector with too little published data has
   no influence;
3. few ratings: by the same value, after all others. With fewer than 20 the interval is wider than ± 20 points;
4. nothing published.

The order uses the lower end of the interval (Wilson 1927, 95 %) instead of the share, because a few ratings may all be
in favour by chance.
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
    """The category of a statement, the strongest first."""

    ALL_SECTORS = 0
    RATED = 1
    FEW = 2
    UNTOLD = 3


class StatementRank(NamedTuple):
    """Sort key of statements: the highest agreement comes first."""

    standing: StatementStanding
    sectors: float = 0.0
    """Minus the lower end of the sector that agrees least, where all sectors agree."""
    everybody: float = 0.0
    """Minus the lower end of the overall interval."""

    @property
    def at_least(self) -> float:
        """Returns the overall agreement at the lower end of its interval."""
        return -self.everybody


UNRANKED: Final = StatementRank(StatementStanding.UNTOLD)
"""The rank of a statement without ratings or without published figures."""


def rank_statement(statement: StatementResult) -> StatementRank:
    """Returns the rank of a statement by its published figures."""
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
    """Returns the lower end of the interval of an agreement; if only a range of counts is published, of the smallest
    one. None if nothing is published, or there are no votes.
    """
    if not cell.seen:
        return None
    if cell.chance is not None:
        return cell.chance.low
    agrees = round(cell.agreement.low * (cell.seen + 2)) - 1
    return wilson(agrees, cell.seen).low if agrees > 0 else None


def ordered_statements(statements: Sequence[StatementResult]) -> list[StatementResult]:
    """Returns the statements by descending agreement; equal ones by name."""
    return sorted(statements, key=lambda it: (rank_statement(it), it.name))
