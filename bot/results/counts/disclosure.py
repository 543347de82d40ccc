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

LEAST: Final = SMALLEST_CELL
"""Fewer people than this make no published row, if a consultation says nothing else."""
SENSITIVE_LEAST: Final = 10
"""The same for sensitive questions and for rooms."""
LARGE: Final = 20
"""From so many people on all may have answered alike."""
STEP: Final = 5
"""Counts of sensitive questions are rounded to a multiple of this."""
ALL: Final = 0
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


class Rule(NamedTuple):
    """The bounds for one question; with `ALL` there are none."""

    least: int = LEAST
    is_sensitive: bool = False

    @property
    def bound(self) -> int:
        """Fewer people than this make no row."""
        return max(self.least, SENSITIVE_LEAST) if self.is_sensitive and self.least != ALL else self.least

    def is_like_minded(self, n: int, base: int) -> bool:
        """Whether an answer of `n` among `base` people tells too much of each of them."""
        return self.least != ALL and 0 < n > base - 2 and (base < LARGE or self.is_sensitive)


class Row(NamedTuple):
    """How many people answered, and how many of them gave each answer; several answers a person are fine."""

    base: int
    n: Mapping[str, int]


Table = Mapping[Groups, Row]
"""The answers to one question. People with the same groups make one row of counts; `frozenset()` has none."""


def whole(base: int, n: Mapping[str, int]) -> Table:
    """A table without groups."""
    return {frozenset(): Row(base, n)}


def of_group(table: Table, group: str) -> Row:
    """The row of a group, or of all who answered (`WHOLE`)."""
    rows = [row for groups, row in table.items() if group == WHOLE or group in groups]
    answers = dict.fromkeys(answer for row in rows for answer in row.n)
    return Row(sum(row.base for row in rows), {it: sum(row.n.get(it, 0) for row in rows) for it in answers})


def rounded(n: int) -> int:
    """A count of a sensitive question as it is told.

    >>> [rounded(n) for n in (0, 2, 3, 12, 13)]
    [0, 0, 5, 10, 15]
    """
    return (n + STEP // 2) // STEP * STEP


def reason(row: Row, rule: Rule) -> Reason:
    """Why a row is not told, looked at alone.

    >>> reason(Row(500, {"yes": 497, "no": 3}), Rule()), reason(Row(4, {"yes": 2, "no": 2}), Rule())
    ('', 'few')
    >>> reason(Row(12, {"yes": 11, "no": 1}), Rule()), reason(Row(30, {"yes": 30}), Rule())
    ('protected', '')
    >>> reason(Row(30, {"yes": 30}), Rule(is_sensitive=True))
    'protected'
    """
    if 0 < row.base < rule.bound:
        return "few"
    return "protected" if any(rule.is_like_minded(n, row.base) for n in row.n.values()) else ""
