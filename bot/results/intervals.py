"""How far a share may be off, and how it is smoothed."""

from __future__ import annotations

import math
from typing import Final, NamedTuple

Z95: Final = 1.959963984540054
"""95 per cent of a normal distribution lie this many standard deviations around its mean."""


class Interval(NamedTuple):
    low: float
    high: float


def smoothed(count: int, of: int) -> float:
    """(A+1)/(S+2), the rule of succession: nobody asked gives one half, few people give no extreme figure.

    >>> smoothed(0, 0), smoothed(3, 4)
    (0.5, 0.6666666666666666)
    """
    return (count + 1) / (of + 2)


def wilson(count: int, of: int, z: float = Z95) -> Interval:
    """The interval of Wilson (1927) for a share, 95 per cent unless told otherwise; all there is for nobody asked.

    It stays within 0 and 1 and is right also for few people and for shares near the ends. It says how far chance alone
    may carry the figure; not that those who took part are like those who did not.

    >>> [round(end, 4) for end in wilson(8, 10)]
    [0.4902, 0.9433]
    """
    if of == 0:
        return Interval(0.0, 1.0)
    share = count / of
    middle = (share + z * z / (2 * of)) / (1 + z * z / of)
    half = z / (1 + z * z / of) * math.sqrt(share * (1 - share) / of + z * z / (4 * of * of))
    return Interval(max(0.0, middle - half), min(1.0, middle + half))
