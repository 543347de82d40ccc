"""The null model of opinion groups: the apparent separation of votes without groups.

The votes on each statement are shuffled among its voters. This preserves the statements each participant voted on and
the popularity of each statement; it removes any association between statements, which alone makes groups. k-means also
divides such data, with a convincing silhouette. So a partition of real participants is published only if it separates
better than all of these (Horn 1965 and Buja & Eyuboglu 1992 judge components that way, Tibshirani, Walther & Hastie
2001 the number of clusters).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from bot.results.methods.arrays import Flags, Floats, Ints
from bot.results.methods.clusters import partitions
from bot.results.methods.matrix import VoteMatrix

SHUFFLES: Final = 20
MAX_PEOPLE: Final = 3_000
"""The size of the random sample that is shuffled. Fewer people separate better by chance, so this errs towards none."""
RESTARTS: Final = 3
_WIDTH: Final = 8
_ROUNDS: Final = 6


def shuffled_silhouettes(
    matrix: VoteMatrix, hidden: Flags, chosen: Flags, numbers: Sequence[int], seed: int, times: int = SHUFFLES
) -> Floats:
    """Returns the silhouettes of shuffled votes: `times` × the numbers of groups.

    `hidden` marks statements that were not shown, `chosen` the participants that are placed; no others are shuffled.
    """
    chance = np.random.default_rng(seed)
    people = np.flatnonzero(chosen)
    if len(people) > MAX_PEOPLE:
        people = chance.choice(people, MAX_PEOPLE, replace=False)
    voted = matrix.voted[people] & ~hidden
    statement, person = np.nonzero(voted.T)
    votes = matrix.votes[people][person, statement].astype(np.float32)
    means = np.bincount(statement, votes, len(hidden)) / np.maximum(np.bincount(statement, minlength=len(hidden)), 1)
    votes -= means[statement].astype(np.float32)
    stretch = np.sqrt(len(hidden) / np.maximum(voted.sum(axis=1) + hidden.sum(), 1))[:, None]
    table = np.zeros(voted.shape, dtype=np.float32)
    found = []
    for _ in range(times):
        table[person, statement] = shuffle_votes(votes, statement, chance)
        points = (table @ _main_lines(table, chance)).astype(np.float64) * stretch
        found.append([it.silhouette for it in partitions(points, numbers, int(chance.integers(2**32)), RESTARTS)])
    return np.array(found)


def shuffle_votes(
    votes: npt.NDArray[np.float32], statement: Ints, chance: np.random.Generator
) -> npt.NDArray[np.float32]:
    """Permutes the votes on each statement. `statement` is the statement of each vote, in ascending order.

    >>> shuffle_votes(np.array([1, 2, 3], dtype=np.float32), np.array([0, 0, 7]), np.random.default_rng(0)).tolist()
    [2.0, 1.0, 3.0]
    """
    return np.asarray(votes[np.argsort(statement + chance.random(len(statement)))])


def _main_lines(table: npt.NDArray[np.float32], chance: np.random.Generator) -> npt.NDArray[np.float32]:
    """Returns the first two right singular vectors by subspace iteration (Halko, Martinsson & Tropp 2011), as columns.
    The approximation suffices for noise, whose singular values are close together.
    """
    size = table.shape[1]
    basis = np.linalg.qr(chance.standard_normal((size, min(_WIDTH, size))))[0].astype(np.float32)
    for _ in range(_ROUNDS):
        basis = np.linalg.qr(table.T @ (table @ basis))[0]
    _, _, directions = np.linalg.svd(table @ basis, full_matrices=False)
    return np.asarray(basis @ directions[:2].T)
