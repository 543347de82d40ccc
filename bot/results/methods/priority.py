"""The statement to show next to a participant: the routing priority of Polis.

    priority = [(1 − (P+1)/(S+2)) · (E+1) · (A+1)/(S+2) · (1 + 8·2^(−S/5))]²

Statements with few passes, a long projection on the components and high agreement are shown more often; new ones still
more often, until some people have seen them. Source: Polis, `conversation.clj`
(`importance-metric`, `priority-metric`); the next statement is drawn with a probability proportional to it.
"""

from __future__ import annotations

from typing import TypeVar

import numpy as np

from bot.results.methods.arrays import Floats

T = TypeVar("T", float, Floats)


def priority(agrees: T, passes: T, seen: T, extremity: T) -> T:
    """Returns the weight of a statement in the draw: > 0. Works on numbers, and on arrays with a cell per statement.

    `seen` counts all votes on it (agree, disagree or pass); `extremity` is the length of the statement's projection
    (`bot.results.methods.components`), 0 while it is not known.

    >>> priority(0.0, 0.0, 0.0, 0.0)  # no votes: (1/2 · 1 · 1/2 · 9)²
    5.0625
    >>> round(priority(6.0, 1.0, 8.0, 0.5), 4)  # (0.8 · 1.5 · 0.7 · 3.6390)²
    9.3439
    """
    opinion = 1 - (passes + 1) / (seen + 2)
    agreed = (agrees + 1) / (seen + 2)
    novelty = 1 + 8 * 2 ** (-seen / 5)
    return (opinion * (extremity + 1) * agreed * novelty) ** 2


def draw(weights: Floats, number: int, seed: int) -> list[int]:
    """Returns the indices of up to `number` distinct statements, drawn one by one in proportion to their weights.

    By exponential races (Efraimidis and Spirakis, 2006), so the whole draw is one sort. Weights of 0 are never drawn.
    """
    chance = np.random.default_rng(seed)
    with np.errstate(divide="ignore"):
        arrivals = chance.exponential(size=len(weights)) / weights
    order = np.argsort(arrivals)[: min(number, int((weights > 0).sum()))]
    return [int(place) for place in order]
