"""Orders of options: Borda, and Kemeny's order, which agrees with as many pairwise preferences of people as possible.

A ballot lists options, the best first; unlisted options rank behind, all equal. Kemeny (1959) is computed exactly up to
14 options (subsets: Held and Karp, 1962). The number of subsets doubles with each option, so beyond 14 the result is
Borda, marked as such.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np

from bot.results.methods.arrays import Floats, Ints

MOST: Final = 14


class Ranking(NamedTuple):
    """`order` is one best order; `agreements` of `comparisons` preferences fit it; `equally_good` orders fit as many.

    Where there are too many options, `method` is "borda" and `equally_good` 0: unknown.
    """

    method: str
    order: tuple[int, ...]
    agreements: int
    comparisons: int
    equally_good: int
    points: tuple[float, ...]
    ballots: int


def rank_options(ballots: Sequence[Sequence[int]], options: int) -> Ranking:
    """Returns the common order of `options` options, named 0, 1, …

    >>> rank_options([[0, 1, 2], [0, 1, 2], [2, 1, 0]], 3).order
    (0, 1, 2)
    """
    preferred = preferences(ballots, options)
    points = borda(ballots, options)
    comparisons = int(preferred.sum())
    if options > MOST:
        order = tuple(int(it) for it in np.argsort(-points, kind="stable"))
        return Ranking(
            method="borda",
            order=order,
            agreements=count_agreements(order, preferred),
            comparisons=comparisons,
            equally_good=0,
            points=tuple(points),
            ballots=len(ballots),
        )
    order, number = _kemeny(preferred, points)
    return Ranking(
        method="kemeny",
        order=order,
        agreements=count_agreements(order, preferred),
        comparisons=comparisons,
        equally_good=number,
        points=tuple(points),
        ballots=len(ballots),
    )


def preferences(ballots: Sequence[Sequence[int]], options: int) -> Ints:
    """Returns the number of ballots that prefer i to j."""
    found = np.zeros((options, options), dtype=np.int64)
    for ballot in ballots:
        behind = np.ones(options, dtype=np.bool_)
        for option in ballot:
            behind[option] = False
            found[option, behind] += 1
    return found


def borda(ballots: Sequence[Sequence[int]], options: int) -> Floats:
    """Returns Borda points: per ballot the number of options ranked behind, and half a point for each equal one."""
    points = np.zeros(options)
    for ballot in ballots:
        unlisted = options - len(set(ballot))
        listed = np.zeros(options, dtype=np.bool_)
        for place, option in enumerate(ballot):
            points[option] += options - 1 - place
            listed[option] = True
        points[~listed] += (unlisted - 1) / 2
    return points


def count_agreements(order: Sequence[int], preferred: Ints) -> int:
    """Returns the number of preferences that agree with an order."""
    return sum(int(preferred[order[place], list(order[place + 1 :])].sum()) for place in range(len(order)))


def _kemeny(preferred: Ints, points: Floats) -> tuple[tuple[int, ...], int]:
    """Returns a best order (of equal ones that with more Borda points earlier) and the number of best orders."""
    options = len(preferred)
    by_points = [int(it) for it in np.argsort(-points, kind="stable")]
    everything = (1 << options) - 1
    # For each set of leading options: the maximum number of agreeing preferences, and the number of ways to reach it.
    best, ways = [0] * (everything + 1), [0] * (everything + 1)
    ways[0] = 1
    inside = _sums(preferred)
    total = [int(it) for it in preferred.sum(axis=1)]

    def score(front: int, last: int) -> int:
        """Returns the agreeing preferences of a best order of these leading options that ends with `last`."""
        return best[front ^ (1 << last)] + total[last] - inside[last][front]

    for front in range(1, everything + 1):
        scores = {it: score(front, it) for it in range(options) if front >> it & 1}
        best[front] = max(scores.values())
        ways[front] = sum(ways[front ^ (1 << it)] for it, reached in scores.items() if reached == best[front])

    def ends(front: int, it: int) -> bool:
        """Whether a best order of these leading options ends with this one."""
        return bool(front >> it & 1) and score(front, it) == best[front]

    backwards: list[int] = []
    front = everything
    while front:
        last = next(it for it in reversed(by_points) if ends(front, it))
        backwards.append(last)
        front ^= 1 << last
    return tuple(reversed(backwards)), ways[everything]


def _sums(preferred: Ints) -> list[list[int]]:
    """Returns for each option and each set the number of preferences for the option over members of the set."""
    options = len(preferred)
    found = np.zeros((options, 1 << options), dtype=np.int64)
    for it in range(options):
        found[:, 1 << it : 1 << (it + 1)] = found[:, : 1 << it] + preferred[:, it : it + 1]
    return [[int(cell) for cell in row] for row in found]
