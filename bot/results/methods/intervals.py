"""Confidence intervals and smoothing of shares."""

from __future__ import annotations

import math
from typing import Final, NamedTuple

Z95: Final = 1.959963984540054
"""95 per cent of a normal distribution lie this many standard deviations around its mean."""


class Interval(NamedTuple):
    low: float
    high: float


def smoothed(count: int, of: int) -> float:
    """(A+1)/(S+2), the rule of succession: no votes give one half, few votes give no extreme figure.

    >>> smoothed(0, 0), smoothed(3, 4)
    (0.5, 0.6666666666666666)
    """
    return (count + 1) / (of + 2)


def around(mean: float, squares: float, of: int, most: float, z: float = Z95) -> Interval:
    """The interval of a mean of `of` numbers between 0 and `most`, by their spread; `squares` is Σ of their squares.

    For few people it is too narrow: the distribution of means is taken for a normal one.

    >>> around(2.0, 28.0, 4, 10.0, z=1.0)
    Interval(low=1.0, high=3.0)
    >>> around(3.0, 9.0, 1, 10.0)
    Interval(low=0.0, high=10.0)
    """
    if of < 2:
        return Interval(0.0, most)
    variance = max(0.0, (squares - of * mean**2) / (of - 1))
    half = z * math.sqrt(variance / of)
    return Interval(max(0.0, mean - half), min(most, mean + half))


def wilson(count: int, of: int, z: float = Z95) -> Interval:
    """Returns the interval of Wilson (1927) for a share, 95 per cent by default; 0 to 1 without votes.

    It stays within 0 and 1 and is also correct for few people and for shares near the ends. It covers chance only; it
    does not claim that participants are representative of other residents.

    >>> [round(end, 4) for end in wilson(8, 10)]
    [0.4902, 0.9433]
    """
    if of == 0:
        return Interval(0.0, 1.0)
    share = count / of
    middle = (share + z * z / (2 * of)) / (1 + z * z / of)
    half = z / (1 + z * z / of) * math.sqrt(share * (1 - share) / of + z * z / (4 * of * of))
    return Interval(max(0.0, middle - half), min(1.0, middle + half))
