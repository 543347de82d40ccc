"""Consensus across opinion groups, and the statements that represent all participants or one group.

The definitions are those of Polis (`repness.clj`, `conversation.clj`); A agreed, D disagreed, S voted at all:

* group-informed consensus: Π over groups (A+1)/(S+2);
* consensus pick: p = (n+1)/(S+2) > 0.5 and z = 2·√(S+1)·((n+1)/(S+1) − 0.5) > 1.2816; the five with the largest p·z;
* representative: the share in the group against the share outside, both z > 1.2816; by the product of the ratio of
  shares, its z, the share and its z.

One rule is not from Polis. Its consensus pick suits some tens of statements: among hundreds, five that a handful of
people agree with pass it by chance alone. So the test for "agreed upon by most" is corrected for their number.
"""

from __future__ import annotations

import math
from typing import Final, Literal, NamedTuple

import numpy as np

from bot.results.methods.arrays import Flags, Floats, Ints
from bot.results.methods.groups import Groups
from bot.results.methods.intervals import wilson
from bot.results.methods.matrix import VoteMatrix, VoteTotals

Side = Literal["agree", "disagree"]
Z90: Final = 1.2816
"""One-sided 90 per cent."""
MOST: Final = 5
LEVEL: Final = 0.05
"""The probability that any of the statements published as agreed upon is not."""
LEAST_SHARE: Final = 0.1
"""The minimum share of all raters that must have rated a statement on which “most agree”."""
LEAST_SEEN: Final = 20


class Pick(NamedTuple):
    """A statement (its index) with a majority on one side: `n` of `seen`."""

    statement: int
    side: Side
    n: int
    seen: int
    share: float
    z: float


class Representative(NamedTuple):
    """A statement that distinguishes one group: `n` of `seen` in it; `ratio` of its share to the share outside."""

    statement: int
    side: Side
    n: int
    seen: int
    share: float
    z: float
    ratio: float
    ratio_z: float
    is_best_agreed: bool = False

    @property
    def strength(self) -> float:
        return self.ratio * self.ratio_z * self.share * self.z


class _Side(NamedTuple):
    """One side of every statement in one group."""

    n: Ints
    share: Floats
    z: Floats
    ratio: Floats
    ratio_z: Floats

    def at(self, statement: int, side: Side, seen: Ints, *, best: bool = False) -> Representative:
        share, z, ratio, ratio_z = (float(it[statement]) for it in (self.share, self.z, self.ratio, self.ratio_z))
        n, of = int(self.n[statement]), int(seen[statement])
        return Representative(
            statement=statement,
            side=side,
            n=n,
            seen=of,
            share=share,
            z=z,
            ratio=ratio,
            ratio_z=ratio_z,
            is_best_agreed=best,
        )


def group_informed(matrix: VoteMatrix, groups: Groups) -> Floats:
    """Returns the consensus of every statement over the groups, between 0 and 1. All 1 without groups."""
    found = np.ones(len(matrix.statements))
    for group in range(groups.number):
        totals = matrix.totals(groups.members(group))
        found *= (totals.agrees + 1) / (totals.seen + 2)
    return found


def picks(totals: VoteTotals, hidden: Flags) -> list[Pick]:
    """Returns up to five statements that most agree with, then up to five that most disagree with."""
    found: list[Pick] = []
    sides: tuple[tuple[Side, Ints], ...] = (("agree", totals.agrees), ("disagree", totals.disagrees))
    for side, n in sides:
        share, z = (n + 1) / (totals.seen + 2), _z_of_share(n, totals.seen)
        fit = np.flatnonzero((share > 0.5) & (z > Z90) & ~hidden)
        order = fit[np.argsort(-(share * z)[fit], kind="stable")][:MOST]
        found += [
            Pick(
                statement=int(it),
                side=side,
                n=int(n[it]),
                seen=int(totals.seen[it]),
                share=float(share[it]),
                z=float(z[it]),
            )
            for it in order
        ]
    return found


def agreed_upon(totals: VoteTotals, hidden: Flags, people: int) -> list[Pick]:
    """Returns up to five statements that most agree with, then up to five that most disagree with, beyond chance.

    `people` is the number of raters. A statement is considered if at least a tenth of them and at least twenty rated
    it. It is published if the exact one-sided binomial test against one half holds at 5 % divided by the number of all
    tests, two for each statement (Bonferroni; Dunn 1961), so that the whole list has no false entry in 19 of 20 cases.
    The order is that of the lower end of the interval (`bot.results.statement_order`).
    """
    considered = np.flatnonzero(~hidden & (totals.seen >= max(LEAST_SEEN, LEAST_SHARE * people)))
    level = LEVEL / max(2 * len(considered), 1)
    factorials = _logarithms_of_factorials(int(totals.seen.max(initial=0)))
    found: list[Pick] = []
    sides: tuple[tuple[Side, Ints], ...] = (("agree", totals.agrees), ("disagree", totals.disagrees))
    for side, n in sides:
        z = _z_of_share(n, totals.seen)
        beyond = [
            Pick(
                statement=int(it),
                side=side,
                n=int(n[it]),
                seen=int(totals.seen[it]),
                share=float((n[it] + 1) / (totals.seen[it] + 2)),
                z=float(z[it]),
            )
            for it in considered
            if _tail(int(n[it]), int(totals.seen[it]), factorials) <= level
        ]
        found += sorted(beyond, key=lambda it: -wilson(it.n, it.seen).low)[:MOST]
    return found


def _tail(n: int, of: int, factorials: Floats) -> float:
    """Returns the probability of `n` or more heads in `of` coin tosses."""
    heads = np.arange(n, of + 1)
    return float(np.exp(factorials[of] - factorials[heads] - factorials[of - heads] - of * math.log(2)).sum())


def _logarithms_of_factorials(most: int) -> Floats:
    return np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, most + 1)))])


def representatives(matrix: VoteMatrix, groups: Groups, hidden: Flags) -> list[list[Representative]]:
    """Returns up to five statements per group, agreements before disagreements, the one most agreed with first."""
    found = []
    for group in range(groups.number):
        members = groups.members(group)
        others = groups.eligible & ~members
        found.append(_of_group(matrix.totals(members), matrix.totals(others), hidden))
    return found


def _of_group(inside: VoteTotals, outside: VoteTotals, hidden: Flags) -> list[Representative]:
    agree = _side(inside.agrees, inside.seen, outside.agrees, outside.seen)
    disagree = _side(inside.disagrees, inside.seen, outside.disagrees, outside.seen)
    shown = [int(it) for it in np.flatnonzero(~hidden)]

    def made(statement: int, *, best: bool = False) -> Representative:
        if agree.ratio_z[statement] > disagree.ratio_z[statement]:
            return agree.at(statement, "agree", inside.seen, best=best)
        return disagree.at(statement, "disagree", inside.seen, best=best)

    best = _best_agreed(inside, agree, shown)
    head = [] if best is None else [made(best, best=True)]
    sufficient = [made(it) for it in shown if it != best and (_passes(agree, it) or _passes(disagree, it))]
    if not sufficient:
        return head or [made(max(shown, key=lambda it: max(agree.ratio_z[it], disagree.ratio_z[it])))] if shown else []
    sufficient.sort(key=lambda it: -it.strength)
    chosen = [*head, *sufficient][:MOST]
    return sorted(chosen, key=lambda it: it.side != "agree")


def _best_agreed(inside: VoteTotals, agree: _Side, shown: list[int]) -> int | None:
    """Returns the statement the group agrees with most, preferably one with more agreement than outside the group."""
    best: int | None = None
    general = agree.share * agree.z
    strength = agree.ratio * agree.ratio_z * general
    for it in shown:
        if inside.agrees[it] == 0 and inside.disagrees[it] == 0:
            continue
        if best is None:
            fits = agree.z[it] > Z90 or (agree.ratio[it] > 1 and agree.share[it] > 0.5)
        elif agree.ratio[best] > 1:
            fits = strength[it] > strength[best]
        else:
            fits = general[it] > general[best]
        best = it if fits else best
    return best


def _passes(side: _Side, statement: int) -> bool:
    return bool(side.ratio_z[statement] > Z90 and side.z[statement] > Z90)


def _side(n: Ints, seen: Ints, n_outside: Ints, seen_outside: Ints) -> _Side:
    share = (n + 1) / (seen + 2)
    ratio = share / ((n_outside + 1) / (seen_outside + 2))
    return _Side(n, share, _z_of_share(n, seen), ratio, _z_of_difference(n, seen, n_outside, seen_outside))


def _z_of_share(n: Ints, seen: Ints) -> Floats:
    """Returns the difference of a share and one half, in standard deviations."""
    return np.asarray(2 * np.sqrt(seen + 1) * ((n + 1) / (seen + 1) - 0.5))


def _z_of_difference(n: Ints, seen: Ints, n_outside: Ints, seen_outside: Ints) -> Floats:
    """Returns the difference of two shares, in standard deviations; each count is increased by one, as in Polis."""
    inside, outside = (n + 1) / (seen + 1), (n_outside + 1) / (seen_outside + 1)
    pooled = (n + n_outside + 2) / (seen + seen_outside + 2)
    spread = np.sqrt(pooled * (1 - pooled) * (1 / (seen + 1) + 1 / (seen_outside + 1)))
    return np.asarray(np.where(pooled == 1, 0.0, (inside - outside) / np.where(spread > 0, spread, 1)))
