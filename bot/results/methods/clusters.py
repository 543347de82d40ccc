"""Weighted k-means with seeded restarts, and measures of separation: the basis of opinion groups."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np

from bot.results.methods.arrays import Floats, Ints

ROUNDS: Final = 100
RESTARTS: Final = 10
SAMPLE: Final = 3_000
"""Up to this number of points are processed directly; of more, a random sample sets the initial centres."""
_AT_ONCE: Final = 4_000_000
"""The maximum number of distances in memory."""


class Clusters(NamedTuple):
    """`labels` has one entry per point; `centres` one row per cluster; `inertia` is Σ weight · distance²."""

    labels: Ints
    centres: Floats
    inertia: float


def k_means(points: Floats, weights: Floats, k: int, seed: int, restarts: int = RESTARTS) -> Clusters:
    """Returns the best of several runs of Lloyd's algorithm, each initialised by k-means++. Clusters are numbered by
    size, the largest (by weight) first; with fewer distinct points than `k`, the last ones are empty.
    """
    return _best(points, weights, _begin(points, weights, k, restarts, np.random.default_rng(seed)))


def _best(points: Floats, weights: Floats, starts: Floats) -> Clusters:
    """Returns the best of the runs with these initial centres (runs × k × dimensions)."""
    labels, centres = _lloyd(points, weights, starts)
    k = starts.shape[1]
    inertia = (weights * np.take_along_axis(_squares(points, centres), labels[:, None, :], axis=1)[:, 0]).sum(axis=1)
    best = int(inertia.argmin())
    sizes = np.bincount(labels[best], weights=weights, minlength=k)
    order = np.argsort(-sizes, kind="stable")
    renamed = np.empty_like(order)
    renamed[order] = np.arange(k)
    return Clusters(renamed[labels[best]], centres[best][order], float(inertia[best]))


class Partition(NamedTuple):
    """The cluster of each point, 0 the largest one, and the mean silhouette."""

    labels: Ints
    silhouette: float


def partitions(points: Floats, numbers: Sequence[int], seed: int, restarts: int = RESTARTS) -> list[Partition]:
    """Returns one partition for each number of clusters. With more than SAMPLE points, a sample determines the
    silhouette and the best start of the last run, which is over all points (Bradley & Fayyad 1998).
    """
    sample = np.arange(len(points))
    if len(points) > SAMPLE:
        sample = np.sort(np.random.default_rng(seed).choice(len(points), SAMPLE, replace=False))
    few = points[sample]
    found = [k_means(few, np.ones(len(few)), k, seed + k, restarts) for k in numbers]
    if len(few) < len(points):
        found = [_best(points, np.ones(len(points)), it.centres[None]) for it in found]
    scores = silhouettes(few, np.ones(len(few)), [it.labels[sample] for it in found])
    return [Partition(it.labels, score) for it, score in zip(found, scores, strict=True)]


def _begin(points: Floats, weights: Floats, k: int, runs: int, chance: np.random.Generator) -> Floats:
    """k-means++ (Arthur and Vassilvitskii, 2007) for all runs at once: each further centre is far from the others."""
    centres = np.empty((runs, k, points.shape[1]))
    nearest = np.ones((runs, len(points)))
    for number in range(k):
        odds = np.cumsum(nearest * weights, axis=1)
        drawn = (odds <= chance.random((runs, 1)) * odds[:, -1:]).sum(axis=1)
        centres[:, number] = points[np.minimum(drawn, len(points) - 1)]
        further = _squares(points, centres[:, number : number + 1])[:, 0]
        nearest = np.minimum(nearest, further) if number else further
    return centres


def _lloyd(points: Floats, weights: Floats, centres: Floats) -> tuple[Ints, Floats]:
    """Returns labels (runs × points) and centres (runs × k × dimensions) at convergence."""
    runs, k, _ = centres.shape
    first = (k * np.arange(runs))[:, None]
    labels = np.full((runs, len(points)), -1)
    for _ in range(ROUNDS):
        before, labels = labels, _squares(points, centres).argmin(axis=1)
        if np.array_equal(before, labels):
            break
        flat = (labels + first).ravel()
        mass = np.bincount(flat, np.tile(weights, runs), minlength=runs * k)
        sums = [np.bincount(flat, np.tile(weights * column, runs), minlength=runs * k) for column in points.T]
        moved = (np.column_stack(sums) / np.maximum(mass, np.finfo(np.float64).tiny)[:, None]).reshape(centres.shape)
        centres = np.where(mass.reshape(runs, k, 1) > 0, moved, centres)  # an empty cluster stays where it is
    return labels, centres


def _squares(points: Floats, centres: Floats) -> Floats:
    """Returns the square of each distance: runs × k × points."""
    found = np.zeros((*centres.shape[:2], len(points)))
    for dimension in range(points.shape[1]):
        found += (points[:, dimension] - centres[:, :, dimension, None]) ** 2
    return found


def silhouette(points: Floats, weights: Floats, labels: Ints) -> float:
    """The mean silhouette (Rousseeuw, 1987), each point with its weight: 1 well apart, 0 none, below 0 wrong.

    A cluster of one point has 0, as the author proposes.
    """
    return silhouettes(points, weights, [labels])[0]


def silhouettes(points: Floats, weights: Floats, partitions: Sequence[Ints]) -> list[float]:
    """The mean silhouette of several partitions of the same points. Takes all distances, a part of them at a time."""
    numbers = [int(labels.max()) + 1 for labels in partitions]
    members = [np.eye(k)[labels] * weights[:, None] for k, labels in zip(numbers, partitions, strict=True)]
    together = np.concatenate(members, axis=1).astype(np.float32)
    sums = np.empty((len(points), together.shape[1]))
    near = points.astype(np.float32)
    step = max(1, _AT_ONCE // len(points))
    for start in range(0, len(points), step):
        gaps = np.zeros((min(step, len(points) - start), len(points)), dtype=np.float32)
        for column in near.T:
            gaps += (column[start : start + step, None] - column[None, :]) ** 2
        sums[start : start + step] = np.sqrt(gaps, out=gaps) @ together
    ends = np.cumsum(numbers)[:-1]
    return [
        _silhouette(of_one, weights, labels)
        for of_one, labels in zip(np.split(sums, ends, axis=1), partitions, strict=True)
    ]


def _silhouette(sums: Floats, weights: Floats, labels: Ints) -> float:
    """`sums` are the weighted distances of each point to all points of each cluster."""
    mass = np.bincount(labels, weights, minlength=sums.shape[1])
    rows = np.arange(len(labels))
    own_mass = mass[labels] - weights
    inside = sums[rows, labels] / np.where(own_mass > 0, own_mass, 1)
    outside = np.where(mass > 0, sums / np.maximum(mass, np.finfo(np.float64).tiny), np.inf)
    outside[rows, labels] = np.inf
    nearest = outside.min(axis=1)
    scores = (nearest - inside) / np.maximum(np.maximum(nearest, inside), np.finfo(np.float64).tiny)
    return float((np.where((own_mass > 0) & np.isfinite(nearest), scores, 0.0) * weights).sum() / weights.sum())


def adjusted_rand(left: Ints, right: Ints) -> float:
    """Returns the similarity of two partitions (Hubert and Arabie, 1985): 1 if equal, about 0 by chance.

    >>> adjusted_rand(np.array([0, 0, 1, 1]), np.array([1, 1, 0, 0]))
    1.0
    """
    table = np.zeros((int(left.max()) + 1, int(right.max()) + 1))
    np.add.at(table, (left, right), 1)
    pairs = [float((it * (it - 1) / 2).sum()) for it in (table, table.sum(axis=1), table.sum(axis=0))]
    everybody = len(left) * (len(left) - 1) / 2
    together, rows, columns = pairs
    by_chance = rows * columns / everybody
    most = (rows + columns) / 2
    return 1.0 if most == by_chance else (together - by_chance) / (most - by_chance)
