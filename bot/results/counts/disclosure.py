"""Statistical disclosure control: which counts may be published, and why others may not. The one rule for all outputs.

Pure: counts in, reasons out. The risk lies in small or like-minded *groups* that others can name, and in differences
between two published figures; a small count among all participants tells nobody's answer (docs/results.md).

* A row (the answers of one group to one question) is told from `least` people on, and where the people who are not in
  it are none or `least` as well.
* Below `LARGE` people no answer of a row holds more than all but one: the one would know all others, and from all
  alike everybody knows. From `LARGE` people on "30 of 30 said yes" is a result.
* Rows that are told together, and two editions of them, give no one's answer away (`exposed`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, NamedTuple

from flows.definition import SMALLEST_CELL

MIN_CELL_SIZE: Final = SMALLEST_CELL
"""Fewer people than this make no published row, if a consultation says nothing else."""
SENSITIVE_MIN_CELL_SIZE: Final = 10
"""The same for sensitive questions and for rooms."""
LARGE_GROUP: Final = 20
"""From so many people on all may have answered alike."""
ROUNDING_BASE: Final = 5
"""Counts of sensitive questions are rounded to a multiple of this."""
UNPROTECTED: Final = 0
"""In place of the least number of people: everything is told, to the core team."""
WHOLE: Final = ""
"""The group of all who answered."""
OTHERS: Final = "other"
"""The group of all who are in one that is too small."""

Reason = Literal["", "few", "merged", "protected"]
"""Why a count is not told: "" it is told; fewer people than the bound; counted in another cell; left out to protect
others.
"""
Groups = frozenset[str]
"""The groups that some people have in common."""


class DisclosureRule(NamedTuple):
    """The bounds for one question; with `ALL` there are none."""

    least: int = MIN_CELL_SIZE
    is_sensitive: bool = False

    @property
    def bound(self) -> int:
        """Fewer people than this make no row."""
        return (
            max(self.least, SENSITIVE_MIN_CELL_SIZE) if self.is_sensitive and self.least != UNPROTECTED else self.least
        )

    def is_like_minded(self, n: int, base: int) -> bool:
        """Whether an answer of `n` among `base` people tells too much of each of them."""
        return self.least != UNPROTECTED and 0 < n > base - 2 and (base < LARGE_GROUP or self.is_sensitive)


class FrequencyRow(NamedTuple):
    """How many people answered, and how many of them gave each answer; several answers a person are fine."""

    base: int
    n: Mapping[str, int]


FrequencyTable = Mapping[Groups, FrequencyRow]
"""The answers to one question. People with the same groups make one row of counts; `frozenset()` has none."""


def ungrouped_table(base: int, n: Mapping[str, int]) -> FrequencyTable:
    """A table without groups."""
    return {frozenset(): FrequencyRow(base, n)}


def group_row(table: FrequencyTable, group: str) -> FrequencyRow:
    """The row of a group, or of all who answered (`WHOLE`)."""
    rows = [row for groups, row in table.items() if group == WHOLE or group in groups]
    answers = dict.fromkeys(answer for row in rows for answer in row.n)
    return FrequencyRow(sum(row.base for row in rows), {it: sum(row.n.get(it, 0) for row in rows) for it in answers})


def rounded_count(n: int) -> int:
    """A count of a sensitive question as it is told.

    >>> [rounded_count(n) for n in (0, 2, 3, 12, 13)]
    [0, 0, 5, 10, 15]
    """
    return (n + ROUNDING_BASE // 2) // ROUNDING_BASE * ROUNDING_BASE


def suppression_reason(row: FrequencyRow, rule: DisclosureRule) -> Reason:
    """Why a row is not told, looked at alone.

    >>> [suppression_reason(FrequencyRow(yes + no, {"yes": yes, "no": no}), DisclosureRule())
    ...  for yes, no in [(497, 3), (2, 2), (11, 1), (30, 0)]]
    ['', 'few', 'protected', '']
    >>> suppression_reason(FrequencyRow(30, {"yes": 30}), DisclosureRule(is_sensitive=True))
    'protected'
    """
    if 0 < row.base < rule.bound:
        return "few"
    return "protected" if any(rule.is_like_minded(n, row.base) for n in row.n.values()) else ""
