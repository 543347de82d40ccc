"""Opinion groups: people who voted alike. The documented pipeline of Polis (`conversation.clj`, `clusters.clj`).

Places on the plane → up to 100 base clusters → weighted k-means for k = 2 … 5 → the k with the best silhouette. Two
things differ. All is seeded and recomputed from the log, so there is no history that smooths k. And groups nobody
should read anything into are not made: a conversation with few people has none, and no group is small.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from bot.results.arrays import Flags, Floats, Ints
from bot.results.clusters import k_means, silhouette
from bot.results.components import Plane, plane
from bot.results.matrix import Matrix

LEAST_VOTES: Final = 7
FILL_UP_TO: Final = 15
BASE: Final = 100
MOST_GROUPS: Final = 5
LEAST_PEOPLE: Final = 100
"""Below some hundred people the same votes fall into other groups with another seed (docs/results.md)."""
LEAST_IN_GROUP: Final = 10
NOBODY: Final = -1


@dataclass(frozen=True, slots=True)
class Groups:
    """`label` is the group of every person, NOBODY for those who did not vote enough; 0 is the largest group.

    `why_not` says in words why there are none; then `number` is 0.
    """

    label: Ints
    number: int
    silhouette: float
    plane: Plane
    eligible: Flags
    why_not: str = ""

    def members(self, group: int) -> Flags:
        return np.asarray(self.label == group)


def eligible(matrix: Matrix) -> Flags:
    """Who voted enough to be placed: on min(7, statements); if those are fewer than 15, the most active are added."""
    votes = matrix.voted.sum(axis=1)
    enough = votes >= min(LEAST_VOTES, len(matrix.statements))
    if enough.sum() < FILL_UP_TO:
        most_active = np.argsort(-votes, kind="stable")[:FILL_UP_TO]
        enough[most_active] = votes[most_active] > 0
    return np.asarray(enough & (votes > 0))


def opinion_groups(
    matrix: Matrix,
    hidden: Flags,
    seed: int = 0,
    least_people: int = LEAST_PEOPLE,
    least_in_group: int = LEAST_IN_GROUP,
) -> Groups:
    """The groups of a conversation. `hidden` marks statements that were not shown; they count for eligibility only."""
    chosen = eligible(matrix)
    flat = plane(matrix, hidden, seed)
    label = np.full(len(matrix.people), NOBODY)
    if chosen.sum() < least_people:
        why = f"{int(chosen.sum())} people voted on enough statements; groups are formed from {least_people}"
        return Groups(label, 0, 0.0, flat, chosen, why)
    points = flat.people[chosen]
    found = _partition(points, seed, least_in_group)
    if found is None:
        why = f"no partition leaves {least_in_group} people or more in every group"
        return Groups(label, 0, 0.0, flat, chosen, why)
    label[chosen], score = found
    return Groups(label, int(label.max()) + 1, score, flat, chosen)


def _partition(points: Floats, seed: int, least: int) -> tuple[Ints, float] | None:
    """The group of each point and the silhouette of the best number of groups, None where all are too small."""
    base = k_means(points, np.ones(len(points)), min(BASE, len(points)), seed, restarts=1)
    weights = np.bincount(base.labels, minlength=len(base.centres)).astype(np.float64)
    filled = weights > 0
    best: tuple[Ints, float] | None = None
    for k in range(2, min(MOST_GROUPS, 2 + int(filled.sum()) // 12) + 1):
        of_base = np.zeros(len(weights), dtype=np.int64)
        of_base[filled] = k_means(base.centres[filled], weights[filled], k, seed + k).labels
        labels = of_base[base.labels]
        sizes = np.bincount(labels, minlength=k)
        if sizes.min() < least:
            continue
        score = silhouette(base.centres[filled], weights[filled], of_base[filled])
        if best is None or score > best[1]:
            best = labels, score
    return best
