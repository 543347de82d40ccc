"""Agreed by all sectors: our own headline. For each statement the smoothed agreement (A+1)/(S+2) of every declared
sector, and the smallest of them: a statement is as much agreed upon as it is where it is agreed upon least.

Anybody can recompute it by hand. No figure that is told lets a small cell be worked out (`bot.counting.suppression`):
where too few voted, or all but a few are on one side, only a range is told, and the same for the cells that would give
those away. The smallest agreement is then a range too.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

import numpy as np

from bot.counting.suppression import LEAST, hidden
from bot.results.arrays import Flags
from bot.results.intervals import Interval, smoothed, wilson
from bot.results.matrix import Matrix

_REST: Final = ""
"""The cell of those who declared no sector; its count follows from the totals, so it needs the same protection."""


class Cell(NamedTuple):
    """One sector and one statement. `seen` is None where too few voted; `agrees` is None where only a range is told."""

    sector: str
    seen: int | None
    agrees: int | None
    agreement: Interval
    """Smoothed; both ends are the same where the counts are told, and 0 to 1 where nothing is."""
    chance: Interval | None
    """How far the share may be off by chance (Wilson, 95 %), where the counts are told."""


class Agreement(NamedTuple):
    """A statement over all sectors. `missing` names the sectors of which too few voted; where all are missing,
    `smallest` is None.
    """

    statement: str
    cells: tuple[Cell, ...]
    smallest: Interval | None
    missing: tuple[str, ...]

    @property
    def is_agreed_by_all(self) -> bool:
        """Whether surely more than half of every sector agree, smoothed, and no sector is missing."""
        return self.smallest is not None and not self.missing and self.smallest.low > 0.5


def agreements(matrix: Matrix, sectors: Mapping[str, Flags], least: int = LEAST) -> list[Agreement]:
    """Every statement over the sectors. `sectors` says for each who declared it; several per person are fine."""
    declared = {name: matrix.totals(people) for name, people in sectors.items()}
    nowhere = np.ones(len(matrix.people), dtype=np.bool_)
    for people in sectors.values():
        nowhere &= ~people
    rest = matrix.totals(nowhere)
    found = []
    for place, name in enumerate(matrix.statements):
        seen = {sector: int(totals.seen[place]) for sector, totals in declared.items()}
        agrees = {sector: int(totals.agrees[place]) for sector, totals in declared.items()}
        seen[_REST], agrees[_REST] = int(rest.seen[place]), int(rest.agrees[place])
        found.append(agreement(name, seen, agrees, least))
    return found


def agreement(statement: str, seen: Mapping[str, int], agrees: Mapping[str, int], least: int = LEAST) -> Agreement:
    """One statement. The two counts have the same sectors; the one called "" holds everybody else and is not shown.

    >>> found = agreement("s1", {"science": 20, "business": 10, "": 0}, {"science": 15, "business": 5, "": 0})
    >>> found.smallest, found.is_agreed_by_all
    (Interval(low=0.5, high=0.5), False)
    """
    others = {sector: seen[sector] - agrees[sector] for sector in seen}
    unseen = hidden(seen, least=least) | {sector for sector, n in seen.items() if n < least}
    vague = unseen | hidden(agrees, least=least) | hidden(others, least=least)
    cells = tuple(_cell(sector, seen, agrees, unseen, vague, least) for sector in seen if sector != _REST)
    return _over(statement, cells)


def _over(statement: str, cells: tuple[Cell, ...]) -> Agreement:
    told = [cell.agreement for cell in cells if cell.seen is not None]
    smallest = Interval(min(it.low for it in told), min(it.high for it in told)) if told else None
    return Agreement(statement, cells, smallest, tuple(cell.sector for cell in cells if cell.seen is None))


def narrowed(found: Agreement, whole: Cell, least: int = LEAST) -> Agreement:
    """The same where nobody stands in two cells and everybody in `whole`: ranges as narrow as those make them anyway.

    Only what is told is used, so nothing more can be worked out afterwards; a range has `least` counts or more.

    >>> cells = (Cell("0", 100, None, Interval(smoothed(5, 100), smoothed(95, 100)), None), _exact("1", 40, 10))
    >>> found = narrowed(Agreement("s1", cells, None, ()), _exact("everybody", 150, 90)).cells[0]
    >>> found.agreement == (smoothed(70, 100), smoothed(80, 100))  # 90 less 10, less up to 10 who are in none
    True
    """
    told = [cell for cell in found.cells if cell.seen is not None]
    if whole.seen is None or whole.agrees is None or not told:
        return found
    counts = {cell.sector: _counts(cell) for cell in told}
    elsewhere = whole.seen - sum(cell.seen or 0 for cell in told)
    lows, highs = sum(low for low, _ in counts.values()), sum(high for _, high in counts.values()) + elsewhere
    cells = []
    for cell in found.cells:
        if cell.seen is None or cell.agrees is not None:
            cells.append(cell)
            continue
        low, high = counts[cell.sector]
        at_least, at_most = max(low, whole.agrees - (highs - high)), min(high, whole.agrees - (lows - low))
        at_least = max(low, min(at_least, at_most - least + 1))
        at_most = min(high, max(at_most, at_least + least - 1))
        cells.append(cell._replace(agreement=Interval(smoothed(at_least, cell.seen), smoothed(at_most, cell.seen))))
    return _over(found.statement, tuple(cells))


def _counts(cell: Cell) -> tuple[int, int]:
    """From how many to how many agree, by what is told of a cell."""
    seen = cell.seen or 0
    low, high = (round(end * (seen + 2)) - 1 for end in cell.agreement)
    return low, high


def _cell(
    sector: str,
    seen: Mapping[str, int],
    agrees: Mapping[str, int],
    unseen: frozenset[str] | set[str],
    vague: frozenset[str] | set[str],
    least: int,
) -> Cell:
    if sector in unseen:
        return Cell(sector, None, None, Interval(0.0, 1.0), None)
    of, n = seen[sector], agrees[sector]
    if sector not in vague:
        return _exact(sector, of, n)
    return Cell(sector, of, None, _range(n, of, least), None)


def _exact(sector: str, of: int, n: int) -> Cell:
    share = smoothed(n, of)
    return Cell(sector, of, n, Interval(share, share), wilson(n, of))


def _range(n: int, of: int, least: int) -> Interval:
    """What may be told of a count that is small, nearly all, or hides such a one: on which side it is, no more."""
    if of < 3 * least - 1:
        # What is neither small nor nearly all would be fewer than `least` counts: then no side is told.
        return Interval(smoothed(0, of), smoothed(of, of))
    if n < least:
        return Interval(smoothed(0, of), smoothed(min(least - 1, of), of))
    if of - n < least:
        return Interval(smoothed(max(of - least + 1, 0), of), smoothed(of, of))
    return Interval(smoothed(least, of), smoothed(of - least, of))
