"""Ranks statements by agreement for the next wave, in the order of the result page."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from bot.results import statement_order
from bot.results.counts.disclosure import Reason
from bot.results.methods.intervals import wilson
from bot.results.methods.matrix import VoteLog, last_votes
from bot.results.report import StatementResult, statement_report
from bot.results.statement_order import StatementRank, StatementStanding


class RankedStatement(NamedTuple):
    """A statement by name, its published figures, and its rank."""

    name: str
    statement: StatementResult | None
    """None if nothing is published."""
    rank: StatementRank
    min_cell_size: int
    """Figures about fewer people are suppressed."""

    @property
    def untold(self) -> Reason:
        """Returns the reason for suppression, "" if the statement has published figures. No votes count as few."""
        if self.rank.standing is not StatementStanding.UNTOLD:
            return ""
        return (self.statement.overall.reason if self.statement else "") or "few"


def ranked_names(
    log: VoteLog, shown: Sequence[str], sectors: Mapping[str, frozenset[str]], min_cell_size: int
) -> list[str]:
    """Returns the names of `shown`, the one most agreed with first (`rank_statements`)."""
    return [it.name for it in rank_statements(log, shown, sectors, min_cell_size)]


def rank_statements(
    log: VoteLog,
    shown: Sequence[str],
    sectors: Mapping[str, frozenset[str]],
    min_cell_size: int,
    kept: Sequence[StatementResult] | None = None,
) -> list[RankedStatement]:
    """Returns all of `shown`, the one most agreed with first, by `bot.results.statement_order`.

    Suppressed statements are ordered by their unprotected figures, since an order is needed; a result page lists these
    last, by name. `kept` contains the stored figures if the votes are deleted.
    """
    if kept is None:
        kept = statement_report(log, shown, sectors, min_cell_size=min_cell_size, least_people=sys.maxsize).statements
    published = {it.name: it for it in kept}
    matrix = last_votes(log)
    agrees, seen = matrix.totals().agrees, matrix.totals().seen
    behind = {name: -wilson(int(agrees[place]), int(seen[place])).low for place, name in enumerate(matrix.statements)}
    found = [
        RankedStatement(
            it,
            published.get(it),
            statement_order.rank_statement(published[it]) if it in published else statement_order.UNRANKED,
            min_cell_size,
        )
        for it in shown
    ]
    return sorted(found, key=lambda it: (it.rank, behind[it.name], it.name))
