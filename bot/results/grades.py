"""Majority judgment (Balinski and Laraki, 2007): everybody grades every option; the best median grade wins.

The median is the lower one of an even number. Of options with the same median, one grade like it is taken away from
each, and the medians of the rest compared, until they differ.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import zip_longest
from typing import NamedTuple


class Judged(NamedTuple):
    """An option and its median grade (None where nobody graded it); `tied` with the one before it."""

    option: str
    median: int | None
    grades: tuple[int, ...]
    tied: bool


def majority_judgment(counts: Mapping[str, Sequence[int]]) -> list[Judged]:
    """The options, best first; `counts[option][grade]` says how many gave it this grade, 0 being the worst.

    >>> [it.option for it in majority_judgment({"a": [5, 0, 5], "b": [0, 9, 1]})]
    ['b', 'a']
    """
    values = {option: majority_value(grades) for option, grades in counts.items()}
    order = sorted(values, key=lambda option: values[option], reverse=True)
    return [
        Judged(
            option,
            values[option][0] if values[option] else None,
            tuple(counts[option]),
            place > 0 and values[option] == values[order[place - 1]],
        )
        for place, option in enumerate(order)
    ]


def majority_value(counts: Sequence[int]) -> tuple[int, ...]:
    """The medians, one after another, while they are taken away: comparing these compares the options.

    They walk outwards from the middle, one step down, one step up; of an even number up comes first.

    >>> majority_value([1, 2, 1])
    (1, 1, 0, 2)
    """
    grades = [grade for grade, number in enumerate(counts) for _ in range(number)]
    if not grades:
        return ()
    middle = (len(grades) - 1) // 2
    down, up = grades[:middle][::-1], grades[middle + 1 :]
    first, second = (down, up) if len(grades) % 2 else (up, down)
    walk = (it for pair in zip_longest(first, second) for it in pair if it is not None)
    return (grades[middle], *walk)
