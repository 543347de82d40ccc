"""Statistical disclosure control: which counts may be published, and why others are suppressed.

The one rule for all outputs. Pure: counts in, reasons out. The risk lies in small or like-minded *groups* that others
can name, and in differences between two published figures; a small count among all participants discloses no single
answer (docs/reference/results.md).

* Threshold: a row (the answers of one group to one question) is published from `min_cell_size` people on, and where
  the people outside the row are none or at least as many.
* Group disclosure: below `LARGE_GROUP` people no answer of a row holds more than all but one. The one person would know
  all other answers; an answer that all share is disclosed to every reader. From `LARGE_GROUP` people on, "30 of 30
  said yes" is a result.
* Differencing: rows that are published together, and two editions of them, disclose no single answer
  (`bot.results.counts.exposure`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, NamedTuple

from flows.definition import SMALLEST_CELL

MIN_CELL_SIZE: Final = SMALLEST_CELL
"""Rows of fewer people are suppressed, unless the consultation sets another threshold."""
SENSITIVE_MIN_CELL_SIZE: Final = 10
"""The threshold of sensitive questions and of live meetings."""
LARGE_GROUP: Final = 20
"""From this number of people on, a row in which all answered alike is published."""
ROUNDING_BASE: Final = 5
"""Counts of sensitive questions are rounded to a multiple of this."""
UNPROTECTED: Final = 0
"""As `min_cell_size`: nothing is suppressed, for the core team."""
WHOLE: Final = ""
"""The group of all who answered."""
OTHERS: Final = "other"
"""The group that merges all groups below the threshold."""

Reason = Literal["", "few", "merged", "protected"]
"""Why a count is suppressed: "" it is published; "few" below the threshold; "merged" counted in another cell;
"protected" suppressed to protect other counts.
"""
Groups = frozenset[str]
"""The groups that a part of the people have in common."""


class DisclosureRule(NamedTuple):
    """The thresholds of one question; with `UNPROTECTED` there are none."""

    min_cell_size: int = MIN_CELL_SIZE
    is_sensitive: bool = False

    @property
    def threshold(self) -> int:
        """The threshold: rows of fewer people are suppressed."""
        return (
            max(self.min_cell_size, SENSITIVE_MIN_CELL_SIZE)
            if self.is_sensitive and self.min_cell_size != UNPROTECTED
            else self.min_cell_size
        )

    def is_like_minded(self, n: int, base: int) -> bool:
        """Whether `n` of `base` people is so large a share that it discloses the answer of each of them."""
        return self.min_cell_size != UNPROTECTED and 0 < n > base - 2 and (base < LARGE_GROUP or self.is_sensitive)


class FrequencyRow(NamedTuple):
    """The number of people who answered, and the number per answer. One person may give several answers."""

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
    """Rounds a count of a sensitive question for publication.

    >>> [rounded_count(n) for n in (0, 2, 3, 12, 13)]
    [0, 0, 5, 10, 15]
    """
    return (n + ROUNDING_BASE // 2) // ROUNDING_BASE * ROUNDING_BASE


def suppression_reason(row: FrequencyRow, rule: DisclosureRule) -> Reason:
    """Returns the reason why a row is suppressed, considered alone.

    >>> [suppression_reason(FrequencyRow(yes + no, {"yes": yes, "no": no}), DisclosureRule())
    ...  for yes, no in [(497, 3), (2, 2), (11, 1), (30, 0)]]
    ['', 'few', 'protected', '']
    >>> suppression_reason(FrequencyRow(30, {"yes": 30}), DisclosureRule(is_sensitive=True))
    'protected'
    """
    if 0 < row.base < rule.threshold:
        return "few"
    return "protected" if any(rule.is_like_minded(n, row.base) for n in row.n.values()) else ""
