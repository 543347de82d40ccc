"""Weighted k-means with seeded restarts, and how well a partition separates: what opinion groups are made of."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from bot.results.arrays import Floats, Ints

ROUNDS: Final = 100
RESTARTS: Final = 10


class Clusters(NamedTuple):
    """`labels` has one entry per point; `centres` one row per cluster; `inertia` is Σ weight · distance²."""

    labels: Ints
    centres: Floats
    inertia: float


def k_means(points: Floats, weights: Floats, k: int, seed: int, restarts: int = RESTARTS) -> Clusters:
    """The best of some runs of Lloyd's algorithm, each begun with k-means++. Clusters are numbered by size, the largest
    (by weight) first.
    """
    chance = np.random.default_rng(seed)
    runs = [_lloyd(points, weights, _begin(points, weights, k, chance)) for _ in range(restarts)]
    best = min(runs, key=lambda run: run.inertia)
    sizes = np.bincount(best.labels, weights=weights, minlength=len(best.centres))
    order = np.argsort(-sizes, kind="stable")
    renamed = np.empty_like(order)
    renamed[order] = np.arange(len(order))
    return Clusters(renamed[best.labels], best.centres[order], best.inertia)


def _begin(points: Floats, weights: Floats, k: int, chance: np.random.Generator) -> Floats:
    """k-means++ (Arthur and Vassilvitskii, 2007): each further centre far from those there are."""
    chosen = [int(chance.choice(len(points), p=weights / weights.sum()))]
    nearest = ((points - points[chosen[0]]) ** 2).sum(axis=1)
    while len(chosen) < k:
        odds = nearest * weights
        if odds.sum() <= 0:
            break  # fewer different points than clusters
        chosen.append(int(chance.choice(len(points), p=odds / odds.sum())))
        nearest = np.minimum(nearest, ((points - points[chosen[-1]]) ** 2).sum(axis=1))
    return points[chosen]


def _lloyd(points: Floats, weights: Floats, centres: Floats) -> Clusters:
    labels = np.full(len(points), -1)
    for _ in range(ROUNDS):
        before, labels = labels, _nearest(points, centres)
        if np.array_equal(before, labels):
            break
        mass = np.bincount(labels, weights=weights, minlength=len(centres))
        sums = [np.bincount(labels, weights=weights * column, minlength=len(centres)) for column in points.T]
        moved = np.column_stack(sums) / np.maximum(mass, np.finfo(np.float64).tiny)[:, None]
        centres = np.where(mass[:, None] > 0, moved, centres)  # an empty cluster stays where it is
    inertia = float((weights * ((points - centres[labels]) ** 2).sum(axis=1)).sum())
    return Clusters(labels, centres, inertia)


def _nearest(points: Floats, centres: Floats) -> Ints:
    products = points @ centres.T
    return np.asarray(np.argmin((centres**2).sum(axis=1)[None, :] - 2 * products, axis=1))


def silhouette(points: Floats, weights: Floats, labels: Ints) -> float:
    """The mean silhouette (Rousseeuw, 1987), each point with its weight: 1 well apart, 0 none, below 0 wrong.

    A cluster of one point has 0, as the author proposes. For some hundred points at most: all distances are taken.
    """
    gaps = points[:, None, :] - points[None, :, :]
    distances = np.sqrt((gaps**2).sum(axis=2))
    k = int(labels.max()) + 1
    member = np.eye(k)[labels] * weights[:, None]
    sums = distances @ member
    mass = member.sum(axis=0)
    rows = np.arange(len(points))
    own_mass = mass[labels] - weights
    inside = sums[rows, labels] / np.where(own_mass > 0, own_mass, 1)
    outside = sums / np.maximum(mass, np.finfo(np.float64).tiny)
    outside[rows, labels] = np.inf
    nearest = outside.min(axis=1)
    scores = (nearest - inside) / np.maximum(np.maximum(nearest, inside), np.finfo(np.float64).tiny)
    return float((np.where(own_mass > 0, scores, 0.0) * weights).sum() / weights.sum())


def adjusted_rand(left: Ints, right: Ints) -> float:
    """How alike two partitions are (Hubert and Arabie, 1985): 1 the same, about 0 by chance.

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
