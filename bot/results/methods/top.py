"""Which statements are agreed with most: what goes into the next wave, in the order of the result page."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from bot.results import order
from bot.results.counts.disclosure import Reason
from bot.results.methods.intervals import wilson
from bot.results.methods.matrix import Log, last_votes
from bot.results.order import Rank, Standing
from bot.results.report import Statement, report


class Ranked(NamedTuple):
    """A statement by name, what is told of it, and where it stands."""

    name: str
    statement: Statement | None
    """None where nothing is told."""
    rank: Rank
    least: int
    """Of fewer people nothing is told."""

    @property
    def untold(self) -> Reason:
        """Why nothing is told of it, "" where something is. Nobody at all are few as well."""
        if self.rank.standing is not Standing.UNTOLD:
            return ""
        return (self.statement.overall.reason if self.statement else "") or "few"


def ranking(log: Log, shown: Sequence[str], sectors: Mapping[str, frozenset[str]], least: int) -> list[str]:
    """All of `shown` by name, the one most agreed with first (`ranked`)."""
    return [it.name for it in ranked(log, shown, sectors, least)]


def ranked(
    log: Log,
    shown: Sequence[str],
    sectors: Mapping[str, frozenset[str]],
    least: int,
    kept: Sequence[Statement] | None = None,
) -> list[Ranked]:
    """All of `shown`, the one most agreed with first, by `bot.results.order`.

    Among those of which too little may be told the unprotected figures decide, since something must; a result page has
    these last, by their names. `kept` is what was kept of the figures where the votes are deleted.
    """
    if kept is None:
        kept = report(log, shown, sectors, least=least, least_people=sys.maxsize).statements
    told = {it.name: it for it in kept}
    matrix = last_votes(log)
    agrees, seen = matrix.totals().agrees, matrix.totals().seen
    behind = {name: -wilson(int(agrees[place]), int(seen[place])).low for place, name in enumerate(matrix.statements)}
    found = [Ranked(it, told.get(it), order.rank(told[it]) if it in told else order.NOTHING, least) for it in shown]
    return sorted(found, key=lambda it: (it.rank, behind[it.name], it.name))
