"""Which projects a budget pays for: greedy by votes, and Equal Shares (Peters, Pierczyński and Skowron 2021).

Equal Shares gives every voter the same part of the budget. A project is bought when its supporters can pay for it
together; the one whose buyers pay the smallest share of their satisfaction comes first. With cost utility the
satisfaction from a project is its cost. Since parts stay unspent, every voter's part is raised by one unit at a time
until nothing more fits into the budget, or the next step would exceed the budget; so the budget is used.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np

from bot.results.methods.arrays import Floats, Ints

FINEST: Final = 200
"""A step is one unit, or this fraction of a voter's initial part, if that is more."""
MOST_STEPS: Final = 2_000
"""After these steps every voter has ten times the initial part; the rest goes to the projects with most votes."""
_NEAR: Final = 1e-9
"""Shares nearer than this are equal: then the project with more voters wins, then the cheaper, then the earlier."""


class Spending(NamedTuple):
    """The bought projects in the order of decision. `raised` is the rise of each voter's part, in steps of `step`."""

    method: str
    projects: tuple[str, ...]
    spent: int
    budget: int
    voters: int
    votes: Mapping[str, int]
    raised: int = 0
    step: int = 1


def greedy(costs: Mapping[str, int], ballots: Sequence[frozenset[str]], budget: int) -> Spending:
    """Buys by most votes every project that still fits; between equal votes the cheaper, then the first in `costs`.

    >>> greedy({"a": 60, "b": 50}, [frozenset("a"), frozenset("ab"), frozenset("a")], 100).projects
    ('a',)
    """
    votes = _votes(costs, ballots)
    bought: list[str] = []
    left = budget
    for project in sorted(costs, key=lambda it: (-votes[it], costs[it])):
        if votes[project] and costs[project] <= left:
            bought.append(project)
            left -= costs[project]
    return Spending(
        method="greedy", projects=tuple(bought), spent=budget - left, budget=budget, voters=len(ballots), votes=votes
    )


def _raised_shares(
    costs: Mapping[str, int], voters: Sequence[frozenset[str]], budget: int, step: int
) -> tuple[list[str], int]:
    """Returns the projects that the voters can pay for, and by how much each share was raised for that."""
    names = list(costs)
    supporters = [np.array([place for place, it in enumerate(voters) if name in it]) for name in names]
    prices = np.array(list(costs.values()), dtype=np.float64)
    chosen: list[int] = []
    raised = 0
    for number in range(MOST_STEPS):
        found = _round(prices, supporters, np.full(len(voters), budget / len(voters) + number * step))
        left = budget - prices[found].sum()
        if left < 0:
            break
        chosen, raised = found, number * step
        # Raised further, a project that fits no better could replace one that its supporters paid for.
        if (np.delete(prices, chosen) > left).all():
            break
    return [names[it] for it in chosen], raised


def equal_shares(costs: Mapping[str, int], ballots: Sequence[frozenset[str]], budget: int) -> Spending:
    """Equal Shares with cost utility, raised step by step; the rest goes to the projects with most votes."""
    votes = _votes(costs, ballots)
    names = [it for it in costs if votes[it] and costs[it] <= budget]
    voters = [it for it in ballots if it]
    if not names or not voters:
        return Spending(method="equal shares", projects=(), spent=0, budget=budget, voters=len(ballots), votes=votes)
    step = max(1, budget // (len(voters) * FINEST))
    bought, raised = _raised_shares({it: costs[it] for it in names}, voters, budget, step)
    others = sorted(set(names) - set(bought), key=lambda it: (-votes[it], costs[it], names.index(it)))
    bought, left = _spend_the_rest(bought, others, costs, budget)
    return Spending(
        method="equal shares",
        projects=tuple(bought),
        spent=budget - left,
        budget=budget,
        voters=len(ballots),
        votes=votes,
        raised=raised,
        step=step,
    )


def _spend_the_rest(
    bought: list[str], others: Iterable[str], costs: Mapping[str, int], budget: int
) -> tuple[list[str], int]:
    """Adds of the other projects, in their order, each that can still be paid; returns all, and the rest."""
    chosen, left = list(bought), budget - sum(costs[it] for it in bought)
    for project in others:
        if costs[project] <= left:
            chosen.append(project)
            left -= costs[project]
    return chosen, left


def _votes(costs: Mapping[str, int], ballots: Sequence[frozenset[str]]) -> dict[str, int]:
    return {name: sum(name in ballot for ballot in ballots) for name in costs}


def _round(prices: Floats, supporters: Sequence[Ints], purses: Floats) -> list[int]:
    """Returns the projects bought with these purses. A share only rises, so most projects need no second check."""
    queue = [(0.0, 0, 0.0, project) for project in range(len(prices))]
    bought: list[int] = []
    while queue:
        ready: list[tuple[float, int, float, int]] = []
        # Recompute from the smallest known share on, until none that is unknown can be smaller.
        while queue and (not ready or queue[0][0] <= ready[0][0] * (1 + _NEAR)):
            _, _, _, project = heapq.heappop(queue)
            share = _share(prices[project], purses[supporters[project]])
            if share is not None:
                heapq.heappush(ready, (share, -len(supporters[project]), float(prices[project]), project))
        if not ready:
            break
        best = min((it for it in ready if it[0] <= ready[0][0] * (1 + _NEAR)), key=lambda it: it[1:])
        ready.remove(best)
        queue += ready
        heapq.heapify(queue)
        payers = supporters[best[3]]
        purses[payers] -= np.minimum(purses[payers], best[0] * prices[best[3]])
        bought.append(best[3])
    return bought


def _share(price: float, purses: Floats) -> float | None:
    """Returns the smallest ρ with Σ min(purse, ρ · price) = price, None if the purses do not cover the price."""
    if purses.sum() < price * (1 - _NEAR):
        return None
    ordered = np.sort(purses)
    before = np.concatenate(([0.0], np.cumsum(ordered)[:-1]))
    payment = (price - before) / np.arange(len(ordered), 0, -1)
    enough = np.flatnonzero(payment <= ordered * (1 + _NEAR))
    each = payment[enough[0]] if len(enough) else ordered[-1]
    return float(each / price)
