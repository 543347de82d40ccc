"""Strengths of options from pairwise comparisons, by the model of Bradley and Terry (1952).

The chance that i is preferred to j is sᵢ/(sᵢ+sⱼ). Every option also wins once and loses once against an imagined option
of strength 1, so that the solution exists for an option without wins or losses, and little data gives no extreme
figure. Solved by the MM iteration of Hunter (2004).

Uncertainty comes from the curvature (the observed information) at the solution. Only differences of strengths are
observed: what the options have in common is fixed by the imagined one, however many comparisons there are. So the
interval is that of the contrast of an option to the mean of all, and shrinks with the square root of their number.
"""

from __future__ import annotations

import math
from typing import Final, NamedTuple

import numpy as np

from bot.results.methods.arrays import Floats, Ints
from bot.results.methods.intervals import Z95, Interval

ROUNDS: Final = 10_000
CLOSE: Final = 1e-12


class Strength(NamedTuple):
    """`score` is the probability of preference over an option of average strength, `chance` its 95 % interval."""

    option: int
    score: float
    chance: Interval
    wins: int
    losses: int


def bradley_terry(wins: Ints) -> list[Strength]:
    """Returns the options, strongest first; `wins[i, j]` is the number of times i was preferred to j.

    >>> [round(it.score, 4) for it in bradley_terry(np.array([[0, 0], [0, 0]]))]
    [0.5, 0.5]
    """
    won, lost = wins.sum(axis=1), wins.sum(axis=0)
    met = wins + wins.T
    strength = np.ones(len(wins))
    for _ in range(ROUNDS):
        shares = met / (strength[:, None] + strength[None, :])
        following = (won + 1) / (shares.sum(axis=1) + 2 / (strength + 1))
        settled = np.abs(np.log(following / strength)).max(initial=0) < CLOSE
        strength = following
        if settled:
            break
    spread = _spread(met, strength)
    found = [
        Strength(
            option,
            _chance(math.log(it)),
            Interval(_chance(math.log(it) - Z95 * wide), _chance(math.log(it) + Z95 * wide)),
            int(won[option]),
            int(lost[option]),
        )
        for option, (it, wide) in enumerate(zip(strength, spread, strict=True))
    ]
    return sorted(found, key=lambda it: -it.score)


def _spread(met: Ints, strength: Floats) -> Floats:
    """The standard error of θᵢ − Σ wⱼθⱼ for each option, θ = log strength, wⱼ ∝ sⱼ/(sⱼ+1)² and Σ wⱼ = 1.

    The weights follow from the score (delta method): in every solution the chances of all options against the imagined
    one are ½ on average, so Σ sⱼ/(sⱼ+1)² · dθⱼ = 0. For options of about equal strength this is the plain mean; with
    the plain mean the interval of one that is far ahead would be too narrow (75 % instead of 95 % cover the truth).
    """
    pairs = met * np.outer(strength, strength) / (strength[:, None] + strength[None, :]) ** 2
    slope = strength / (strength + 1) ** 2
    covariance = np.linalg.inv(np.diag(pairs.sum(axis=1) + 2 * slope) - pairs)
    contrast = np.eye(len(strength)) - slope / slope.sum()
    return np.asarray(np.sqrt(np.diag(contrast @ covariance @ contrast.T)))


def _chance(logarithm: float) -> float:
    return 1 / (1 + math.exp(-logarithm))
