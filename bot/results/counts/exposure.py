"""Counts the people whose answer follows for certain from rows that are published together. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import filterfalse
from typing import NamedTuple

from bot.results.counts.disclosure import LARGE_GROUP, WHOLE, DisclosureRule, FrequencyTable, Groups


class PopulationPart(NamedTuple):
    """People that are counted in the same published rows, so that outsiders cannot distinguish them."""

    column: int
    """The rows, as a number: `4 ** row` for each of them, so that two of these numbers can be added."""
    n: int
    """The number of these people that gave the answer."""
    of: int


def exposed_people(parts: Iterable[PopulationPart], *, is_sensitive: bool = False) -> int:
    """Returns the number of people whose answer follows for certain from the published rows. A part counts 0 if another
    assignment of answers fits the same rows.

    That a person did *not* give an answer counts if the table has the opposite as an answer of its own. A person is
    safe if the same rows also fit other answers. This is trivial if the people of a part answered differently: any of
    them may have given either answer. If all of a part gave the answer, the function searches other assignments: up to
    two people fewer in some parts and two more in others, so that every row keeps its sum. If it finds none, the part
    counts as exposed, although a change of more people might exist. From `LARGE_GROUP` people on, in the part, in a row
    in which all answered alike, or in the difference of two rows, the answer is a result and not an exposure.

    >>> # 9 of 15 people, and 3 of a group of 9 of these: so 6 of 6
    >>> exposed_people([PopulationPart(1, 6, 6), PopulationPart(1 + 4, 3, 9)])
    6
    """
    counts = _counts_by_column(parts)
    alike = [column for column, (n, of) in counts.items() if n == of]
    if not alike:
        return 0
    changes = _Changes(counts)
    small = alike if is_sensitive else [column for column in alike if counts[column][1] < LARGE_GROUP]
    surely = list(filterfalse(changes.may_be_fewer, small))
    if surely and not is_sensitive:
        surely = list(filterfalse(_Results(counts).have, surely))
    return sum(counts[column][1] for column in surely)


def _counts_by_column(parts: Iterable[PopulationPart]) -> dict[int, tuple[int, int]]:
    """Returns the sums of each column that has people."""
    counts: dict[int, tuple[int, int]] = {}
    for part in parts:
        if part.column and part.of:
            n, of = counts.get(part.column, (0, 0))
            counts[part.column] = (n + part.n, of + part.of)
    return counts


class _Results:
    """Finds where `LARGE_GROUP` people or more answered alike: in a published row, or in the difference of two."""

    def __init__(self, counts: Mapping[int, tuple[int, int]]) -> None:
        rows = range((max(counts).bit_length() + 1) // 2)
        self._columns = [{column for column in counts if column // 4**row % 4} for row in rows]
        self._sums = [
            (sum(counts[column][0] for column in of), sum(counts[column][1] for column in of)) for of in self._columns
        ]

    def have(self, column: int) -> bool:
        """Whether these people are among them."""
        inside = [row for row, of in enumerate(self._columns) if column in of]
        outside = [row for row, of in enumerate(self._columns) if column not in of]
        return any(
            self._is_one(self._sums[row], (0, 0))
            or any(
                self._is_one(self._sums[row], self._sums[less]) and self._columns[less] < self._columns[row]
                for less in outside
            )
            for row in inside
        )

    @staticmethod
    def _is_one(row: tuple[int, int], less: tuple[int, int]) -> bool:
        return row[1] - less[1] >= LARGE_GROUP and row[0] - less[0] == row[1] - less[1]


class _Changes:
    """Alternative assignments of answers that leave the sum of every row unchanged.

    0 denotes people in no row: any number of these may have given the answer.
    """

    def __init__(self, counts: Mapping[int, tuple[int, int]]) -> None:
        self._counts = counts
        self._can_fall = [0, *(it for it, (n, _) in counts.items() if n)]
        self._can_rise = dict.fromkeys((0, *(it for it, (n, of) in counts.items() if n < of)))

    def may_be_fewer(self, column: int) -> bool:
        """Whether fewer people of this part may have given the answer."""
        rises = self._can_rise
        for other in self._can_fall:
            if other == column and self._counts[column][0] < 2:
                continue
            both = column + other
            for one in rises:
                two = both - one
                if two not in rises or column in (one, two) or (other and other in (one, two)):
                    continue
                if one != two or not one or self._counts[one][1] - self._counts[one][0] >= 2:
                    return True
        return False


def parts_by_answer(table: FrequencyTable, shown: Sequence[Groups]) -> list[list[PopulationPart]]:
    """Returns the parts of a table for each answer, if the rows of these groups are published. A row has one or several
    groups.
    """
    answers = dict.fromkeys(answer for row in table.values() for answer in row.n)
    return [
        [PopulationPart(_column(groups, shown), row.n.get(answer, 0), row.base) for groups, row in table.items()]
        for answer in answers
    ]


def _column(groups: Groups, shown: Sequence[Groups]) -> int:
    return sum(4**row for row, counted in enumerate(shown) if not counted or not counted.isdisjoint(groups))


def rows_of_groups(groups: Iterable[str]) -> list[Groups]:
    return [frozenset() if it == WHOLE else frozenset({it}) for it in groups]


def exposed_in_all(answers: Iterable[Iterable[PopulationPart]], rule: DisclosureRule) -> int:
    return sum(exposed_people(parts, is_sensitive=rule.is_sensitive) for parts in answers)
