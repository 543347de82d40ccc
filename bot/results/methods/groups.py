"""Opinion groups: participants with similar votes, by the documented pipeline of Polis (`conversation.clj`,
`clusters.clj`). Groups are published only if they are distinct.

Positions on the plane → k-means for k = 2 … 5 → the k with the best silhouette. Three things differ from Polis. k-means
takes all people instead of up to 100 base clusters, which made the groups depend on the seed. Everything is seeded and
recomputed from the log, so no history smooths k. And k = 1, no groups, is a possible result: if shuffled votes
(`bot.results.null_model`) separate about as well, if another seed finds other groups, if few participants voted, or if
a group would be small.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, combinations
from typing import Final, NamedTuple

import numpy as np

from bot.results.methods.arrays import Flags, Floats, Ints
from bot.results.methods.clusters import Partition, adjusted_rand, partitions
from bot.results.methods.components import Plane, planes
from bot.results.methods.matrix import VoteMatrix
from bot.results.null_model import shuffled_silhouettes

LEAST_VOTES: Final = 7
FILL_UP_TO: Final = 15
NUMBERS: Final = (2, 3, 4, 5)
LEAST_PEOPLE: Final = 100
LEAST_IN_GROUP: Final = 10
SEEDS: Final = 5
LIKENESS: Final = 0.95
"""The adjusted Rand index which the groups of any two seeds must reach."""
BEYOND_NOISE: Final = 5.0
"""A silhouette must exceed the mean of those of shuffled votes by this many standard deviations, and each of them."""
NOBODY: Final = -1


@dataclass(frozen=True, slots=True)
class Groups:
    """`label` is the group of every participant, `NOBODY` for those with too few votes; 0 is the largest group.

    `why_not` is the reason if there are no groups; then `number` is 0.
    """

    label: Ints
    number: int
    silhouette: float
    plane: Plane
    eligible: Flags
    why_not: str = ""

    def members(self, group: int) -> Flags:
        return np.asarray(self.label == group)


def eligible(matrix: VoteMatrix) -> Flags:
    """Marks participants with enough votes: min(7, statements); if fewer than 15, the most active are added."""
    votes = matrix.voted.sum(axis=1)
    enough = votes >= min(LEAST_VOTES, len(matrix.statements))
    if enough.sum() < FILL_UP_TO:
        most_active = np.argsort(-votes, kind="stable")[:FILL_UP_TO]
        enough[most_active] = votes[most_active] > 0
    return np.asarray(enough & (votes > 0))


def opinion_groups(
    matrix: VoteMatrix,
    hidden: Flags,
    seed: int = 0,
    least_people: int = LEAST_PEOPLE,
    least_in_group: int = LEAST_IN_GROUP,
) -> Groups:
    """Finds the groups of a conversation. `hidden` marks statements not shown; they count for eligibility only."""
    chosen = eligible(matrix)
    seeds = range(SEEDS * seed, SEEDS * (seed + 1))
    flats = planes(matrix, hidden, seeds)
    flat = next(flats)

    def none(why: str) -> Groups:
        return Groups(
            label=np.full(len(matrix.people), NOBODY),
            number=0,
            silhouette=0.0,
            plane=flat,
            eligible=chosen,
            why_not=why,
        )

    if chosen.sum() < least_people:
        return none(f"{int(chosen.sum())} people voted on enough statements; groups are formed from {least_people}")
    tried = [
        _Tried(it, partitions(it.people[chosen], NUMBERS, number))
        for number, it in zip(seeds, chain([flat], flats), strict=True)
    ]
    large = [_are_large(one.partitions, least_in_group) for one in tried]
    if not np.any(large):
        return none(f"no partition leaves {least_in_group} people or more in every group")
    bar = _bar(shuffled_silhouettes(matrix, hidden, chosen, NUMBERS, seed))
    found = [_best(one, fits, bar) for one, fits in zip(tried, large, strict=True)]
    best = [it for it in found if it is not None]
    if not best:
        return none("shuffled votes separate about as well")
    if len(best) < len(found) or not _are_alike([it.partition.labels for it in best]):
        return none("another seed finds other groups")
    chosen_one = max(best, key=lambda it: it.partition.silhouette)
    label = np.full(len(matrix.people), NOBODY)
    label[chosen] = chosen_one.partition.labels
    return Groups(label, int(label.max()) + 1, chosen_one.partition.silhouette, chosen_one.plane, chosen)


class _Tried(NamedTuple):
    """The result of one seed: a partition for each number of groups."""

    plane: Plane
    partitions: list[Partition]


class _Found(NamedTuple):
    plane: Plane
    partition: Partition


def _are_large(found: Sequence[Partition], least: int) -> list[bool]:
    """Whether every group of each partition has at least `least` people."""
    sizes = (np.bincount(it.labels, minlength=k) for k, it in zip(NUMBERS, found, strict=True))
    return [bool(it.min() >= least) for it in sizes]


def _bar(shuffled: Floats) -> Floats:
    """Returns the threshold of the silhouette for each number of groups."""
    above: Floats = shuffled.mean(axis=0) + BEYOND_NOISE * shuffled.std(axis=0, ddof=1)
    return np.asarray(np.maximum(above, shuffled.max(axis=0)))


def _best(tried: _Tried, is_large: Sequence[bool], bar: Floats) -> _Found | None:
    """Returns the partition with the best silhouette above the noise threshold; None if there is none."""
    fit = [
        it for it, large, least in zip(tried.partitions, is_large, bar, strict=True) if large and it.silhouette > least
    ]
    return _Found(tried.plane, max(fit, key=lambda it: it.silhouette)) if fit else None


def _are_alike(labels: Sequence[Ints]) -> bool:
    return all(adjusted_rand(one, other) >= LIKENESS for one, other in combinations(labels, 2))
