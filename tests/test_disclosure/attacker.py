"""An attacker that knows all published figures, and of all people the groups and the time of participation.

People of whom the same is known make a class. What each class answered are the unknowns of a linear programme (HiGHS);
every published figure is a constraint. A class is *determined* where no answers that fit leave out the one that all of
it gave. Fractions of people are allowed, so a class may be safer than it looks here, never less safe.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import NamedTuple

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import coo_matrix

LARGE = 20
"""30 of 30 said yes: that discloses all answers, and is a result."""
SURE, UNKNOWN = 0.95, 0.7
"""From what share on an answer is likely, and below what share of all people that is more than anyone knew."""
FITTED = 60
"""Rounds of fitting."""
_SLACK = 1e-6


class Cell(NamedTuple):
    """How many of a class answered so."""

    who: str
    question: str
    answer: str


class Figure(NamedTuple):
    """A published figure: the sum of these cells, times their weights, lies between the two."""

    cells: Mapping[Cell, float]
    low: float
    high: float


class Attack:
    """The unknowns and what was published about them."""

    def __init__(self, sizes: Mapping[str, int], truth: Mapping[Cell, int], figures: Iterable[Figure]) -> None:
        """`truth` has every cell, 0 included, and tells only where it is worth looking: a class that answered
        differently is not determined, since what is true fits.
        """
        sizes, truth, figures = _merged(sizes, truth, list(figures))
        self._truth = truth
        self._sizes = sizes
        self._place = {cell: number for number, cell in enumerate(truth)}
        rows = [*figures, *_everybody_once(sizes, truth)]
        for row in rows:
            value = sum(weight * truth[cell] for cell, weight in row.cells.items())
            assert row.low - _SLACK <= value <= row.high + _SLACK, "a published figure is wrong"
        equal = [row for row in rows if row.low == row.high]
        apart = [row for row in rows if row.low != row.high]
        self._equal = self._matrix(equal), np.array([row.low for row in equal])
        both = [Figure({cell: -weight for cell, weight in row.cells.items()}, 0, -row.low) for row in apart]
        self._below = self._matrix([*apart, *both]), np.array([row.high for row in [*apart, *both]])
        self._figures = figures
        self._rows = rows

    def determined(self, *, none: Iterable[str] = ("",)) -> list[Cell]:
        """Cells of classes that surely gave this answer, all of them; `none` are answers that say nothing."""
        ignored = set(none)
        return [
            cell
            for cell, n in self._truth.items()
            if n and n == self._sizes[cell.who] and cell.answer not in ignored
            if not self._is_result(cell) and self._least(cell) > n - 1 + _SLACK
        ]

    def likely(self, share: float = SURE, below: float = UNKNOWN) -> list[tuple[Cell, int]]:
        """Cells with so likely an answer, though among all people it is less than `below`, and how many people gave it.

        The likeliest answers, by the published figures, are worked out by iterative proportional fitting from what all
        people together answered: of all that fit, those that say least besides.
        """
        prior = self._shares()
        n = np.array([self._sizes[cell.who] * prior[cell.question, cell.answer] for cell in self._place])
        rows = [row for row in self._rows if all(weight > 0 for weight in row.cells.values())]
        places = [(np.array([self._place[it] for it in row.cells]), row.low, row.high) for row in rows]
        for _ in range(FITTED):
            for where, low, high in places:
                total = n[where].sum()
                if total > 0 and not low <= total <= high:
                    n[where] *= (low if total < low else high) / total
        return [
            (cell, self._truth[cell])
            for cell, place in self._place.items()
            if cell.answer and self._truth[cell] and prior[cell.question, cell.answer] < below
            if n[place] >= share * self._sizes[cell.who] and not self._is_of_many(cell, share)
        ]

    def given(self) -> Counter[str]:
        """How many answers people gave, by question."""
        found = Counter[str]()
        for cell, n in self._truth.items():
            found[cell.question.partition(":")[0]] += n if cell.answer else 0
        return found

    def _shares(self) -> dict[tuple[str, str], float]:
        """Which part of all people gave each answer."""
        found: dict[tuple[str, str], float] = {}
        for cell, n in self._truth.items():
            found[cell.question, cell.answer] = found.get((cell.question, cell.answer), 0.0) + n
        return {name: n / sum(self._sizes.values()) for name, n in found.items()}

    def _is_of_many(self, cell: Cell, share: float) -> bool:
        """Whether so large a part of a large group of which others know who is in it answered so: that is a result."""
        people, gave, _ = self._told_apart_from_none(cell)
        if people >= LARGE and gave >= share * people:
            return True
        for row in self._figures:
            if cell in row.cells and row.low >= share * LARGE:
                people = sum(self._sizes[it.who] for it in row.cells if it.answer == cell.answer)
                gave = sum(self._truth[it] for it in row.cells if it.answer == cell.answer)
                if people >= LARGE and gave >= share * people:
                    return True
        return False

    def _is_result(self, cell: Cell) -> bool:
        """Whether all of a base of `LARGE` people or more gave this answer: of a told row, of what one told row leaves
        of another, or of the people whom no told row of answers tells apart.
        """
        mine = [
            (frozenset(it.who for it in row.cells), row.low, row.high)
            for row in self._figures
            if all((it.question, it.answer) == (cell.question, cell.answer) for it in row.cells)
        ]
        around = [(people, n) for people, n, _ in mine if cell.who in people and n >= LARGE]
        bases = [*around, *((large - less, n - m) for large, n in around for less, _, m in mine if less < large)]
        return any(
            n >= LARGE and cell.who in people and self._is_one_minded(people, cell) for people, n in bases
        ) or self._is_one_minded_part(cell)

    def _is_one_minded(self, people: frozenset[str], cell: Cell) -> bool:
        """Whether all people of these classes with an answer gave this one."""
        others = {it.answer for it in self._truth if it.question == cell.question} - {"", cell.answer}
        return not any(self._truth.get(Cell(who, cell.question, it)) for who in people for it in others)

    def _is_one_minded_part(self, cell: Cell) -> bool:
        """The same for people that no published row distinguishes, if figures disclose the number with this answer."""
        people, gave, alike = self._told_apart_from_none(cell)
        same = [cell._replace(who=it) for it in alike]
        return people >= LARGE and gave == people and self._least(*same) > LARGE - 1 + _SLACK

    def _told_apart_from_none(self, cell: Cell) -> tuple[int, int, frozenset[str]]:
        """How many people answered and stand in the same rows of answers as these, how many of them gave this one, and
        their classes. That some are in a row of which only the number of people is told says nothing of their answers.
        """

        def rows(who: str) -> frozenset[int]:
            mine = [it for it in self._truth if it.who == who and it.question == cell.question and it.answer]
            return frozenset(
                number
                for number, row in enumerate(self._figures)
                if cell._replace(who=who) in row.cells and not all(it in row.cells for it in mine)
            )

        own = rows(cell.who)
        alike = frozenset(who for who in self._sizes if rows(who) == own)
        people = sum(
            n for it, n in self._truth.items() if it.question == cell.question and it.answer and it.who in alike
        )
        return people, sum(self._truth[cell._replace(who=it)] for it in alike), alike

    def _least(self, *cells: Cell) -> float:
        """How few people may have given these answers."""
        cost = np.zeros(len(self._place))
        cost[[self._place[it] for it in cells]] = 1
        below = self._below if self._below[0] is not None else (None, None)
        found = linprog(cost, A_eq=self._equal[0], b_eq=self._equal[1], A_ub=below[0], b_ub=below[1], method="highs")
        assert found.status == 0, found.message
        return float(found.fun)

    def _matrix(self, rows: list[Figure]) -> coo_matrix | None:
        cells = [(at, self._place[cell], weight) for at, row in enumerate(rows) for cell, weight in row.cells.items()]
        if not cells:
            return None
        where, what, weights = zip(*cells, strict=True)
        return coo_matrix((weights, (where, what)), shape=(len(rows), len(self._place)))


def _everybody_once(sizes: Mapping[str, int], truth: Mapping[Cell, int]) -> list[Figure]:
    """Each person gave one answer to each question, "" for none."""
    found: dict[tuple[str, str], dict[Cell, float]] = {}
    for cell in truth:
        found.setdefault((cell.who, cell.question), {})[cell] = 1.0
    return [Figure(cells, sizes[who], sizes[who]) for (who, _), cells in found.items()]


def _merged(
    sizes: Mapping[str, int], truth: Mapping[Cell, int], figures: list[Figure]
) -> tuple[dict[str, int], dict[Cell, int], list[Figure]]:
    """Classes that are counted in the same figures are one: what is known of one of their people is known of all."""
    counted_in: dict[str, list[tuple[int, str, str, float]]] = {who: [] for who in sizes}
    for number, row in enumerate(figures):
        for cell, weight in row.cells.items():
            counted_in[cell.who].append((number, cell.question, cell.answer, weight))
    name_of: dict[tuple[tuple[int, str, str, float], ...], str] = {}
    into = {who: name_of.setdefault(tuple(sorted(places)), who) for who, places in counted_in.items()}
    new_sizes: dict[str, int] = {}
    for who, n in sizes.items():
        new_sizes[into[who]] = new_sizes.get(into[who], 0) + n
    new_truth: dict[Cell, int] = {}
    for cell, n in truth.items():
        one = cell._replace(who=into[cell.who])
        new_truth[one] = new_truth.get(one, 0) + n
    new_figures = [
        Figure({cell._replace(who=into[cell.who]): weight for cell, weight in row.cells.items()}, row.low, row.high)
        for row in figures
    ]
    return new_sizes, new_truth, new_figures
