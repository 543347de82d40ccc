"""Weights with which those who took part look like the population in a few margins: raking (Deming, Stephan 1940).

Weights correct what is known and was asked, nothing else. They cost accuracy: the effective sample size says how many
unweighted people the weighted figures are worth. Weighted and unweighted figures belong side by side.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np

from bot.results.arrays import Floats

ROUNDS: Final = 1_000
CLOSE: Final = 1e-9
CAP: Final = 5.0


class Weights(NamedTuple):
    """One weight per person, 1 on average. `farthest` is how far a margin is from its target at most (share of one);
    above 0 where the cap does not let it be met.
    """

    weights: Floats
    effective: float
    """(Σw)²/Σw², the effective sample size (Kish 1965)."""
    capped: int
    farthest: float


def rake(margins: Mapping[str, Sequence[str]], targets: Mapping[str, Mapping[str, float]], cap: float = CAP) -> Weights:
    """Weights for people whose categories `margins` lists, margin by margin, so that shares become the `targets`.

    No weight is above `cap`. Raises ValueError for a category without people or without target.

    >>> rake({"sex": ["f", "f", "f", "m"]}, {"sex": {"f": 0.5, "m": 0.5}}).weights.round(3).tolist()
    [0.667, 0.667, 0.667, 2.0]
    """
    columns = [(np.asarray(margins[name]), target) for name, target in targets.items()]
    _check(columns)
    size = len(columns[0][0]) if columns else 0
    weights = np.ones(size)
    for _ in range(ROUNDS):
        before = weights
        for column, target in columns:
            weights = _fit(weights, column, target)
        weights = np.minimum(weights, cap)
        if np.abs(weights - before).max(initial=0) < CLOSE:
            break
    weights = np.minimum(weights * size / weights.sum(), cap) if size else weights
    farthest = max(
        (
            abs(float(weights[column == category].sum() / weights.sum()) - share)
            for column, target in columns
            for category, share in target.items()
        ),
        default=0.0,
    )
    effective = float(weights.sum() ** 2 / (weights**2).sum()) if size else 0.0
    return Weights(weights, effective, int((weights >= cap).sum()), farthest)


def _fit(weights: Floats, column: np.ndarray[tuple[int], np.dtype[np.str_]], target: Mapping[str, float]) -> Floats:
    fitted = weights.copy()
    for category, share in target.items():
        mine = column == category
        if share:
            fitted[mine] *= share * len(weights) / weights[mine].sum()
        else:
            fitted[mine] = 0.0
    return fitted


def _check(columns: Sequence[tuple[np.ndarray[tuple[int], np.dtype[np.str_]], Mapping[str, float]]]) -> None:
    for column, target in columns:
        there = set(column.tolist())
        if missing := there - target.keys():
            raise ValueError(f"no target for {', '.join(sorted(missing))}")
        if empty := {name for name, share in target.items() if share} - there:
            raise ValueError(
                f"nobody is in {', '.join(sorted(empty))}: weights cannot make up for people who are missing"
            )
        if abs(sum(target.values()) - 1) > 1e-6:
            raise ValueError("the target shares must add up to 1")
