"""The two principal components of opinions, and the positions of participants and statements on them.

Principal components by power iteration as in Polis (`pca.clj`): gaps are filled with the mean of their column, hidden
columns are 0 in every row; a participant's position is the sum over their own votes only, scaled by √(statements / own
votes), so that few votes do not pull the position to the middle. Unlike in Polis the start is seeded: the same votes
give the same figures.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from bot.results.methods.arrays import Flags, Floats
from bot.results.methods.matrix import AGREE, VoteMatrix

ROUNDS: Final = 100
COMPONENTS: Final = 2


@dataclass(frozen=True, slots=True)
class Plane:
    """`people` × 2 positions, `statements` × 2 loadings, and the mean of every statement."""

    people: Floats
    loadings: Floats
    means: Floats

    @property
    def extremity(self) -> Floats:
        """Returns the length of each statement's projection: the position of a participant that only agreed with it."""
        stretch = np.sqrt(len(self.means))
        length = np.asarray(np.linalg.norm(self.loadings, axis=1))
        return np.asarray(np.abs(AGREE - self.means) * length * stretch)


def plane(matrix: VoteMatrix, hidden: Flags, seed: int = 0) -> Plane:
    """Projects participants and statements on the two components. `hidden` marks the statements that were not shown."""
    return next(planes(matrix, hidden, [seed]))


def planes(matrix: VoteMatrix, hidden: Flags, seeds: Sequence[int]) -> Iterator[Plane]:
    """Yields the plane for several seeds; these differ if two components are about equal. Makes the products once."""
    voted = matrix.voted & ~hidden
    votes = np.where(voted, matrix.votes, 0).astype(np.float32)
    counts = voted.sum(axis=0)
    means = votes.sum(axis=0, dtype=np.float64) / np.maximum(counts, 1)
    centred = np.where(voted, votes - means.astype(np.float32), np.float32(0))
    # A hidden column is 0 in every row, and so counts as voted on by all: without it in this sum, the groups of a real
    # conversation differ from the published ones (adjusted Rand index 0.80 instead of 0.95 to 1).
    own = np.maximum(voted.sum(axis=1) + hidden.sum(), 1)
    stretch = np.sqrt(len(matrix.statements) / own)[:, None]
    products = (centred.T @ centred).astype(np.float64)
    for seed in seeds:
        loadings = _loadings(products, min(COMPONENTS, *centred.shape), seed)
        people = (centred @ loadings.astype(np.float32)).astype(np.float64) * stretch
        yield Plane(people, loadings, means)


def _loadings(products: Floats, number: int, seed: int) -> Floats:
    """Returns up to two first eigenvectors of CᵀC, as columns. The products are made once, so each round is cheap."""
    size = len(products)
    chance = np.random.default_rng(seed)
    found = np.zeros((size, COMPONENTS))
    for column in range(number):
        vector = _power_iteration(products, chance.random(size))
        found[:, column] = vector
        products = products - vector @ products @ vector * np.outer(vector, vector)
    return found


def _power_iteration(products: Floats, start: Floats) -> Floats:
    """Returns the leading eigenvector, of length 1 (or 0 without variance), its largest entry positive."""
    vector = start
    for _ in range(ROUNDS):
        following = products @ vector
        length = np.linalg.norm(following)
        if length <= np.finfo(np.float64).eps * len(start):
            return np.zeros_like(start)
        vector = following / length
    return np.asarray(vector * np.sign(vector[np.argmax(np.abs(vector))]))
