"""Describes what a wave would take from an earlier one with `take: top`, for the command line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from bot.authoring.change_texts import shortened
from bot.proposals.waves import RankedProposal, TopList
from bot.results.methods.top import RankedStatement
from bot.results.statement_order import LEAST_RATED, StatementStanding

QUESTION: Final = "Take these over from {slug}?"


def describe_top_list(found: TopList) -> Iterator[str]:
    """Yields the proposals that would be taken, one line each, and a note on few ratings."""
    yield f"Of {found.slug}, {len(found.listed)} of {found.of} proposals, in the order of its result page:"
    yield from describe_order(found.listed)
    few = sum(it.ranked.rank.standing >= StatementStanding.FEW for it in found.listed)
    if few:
        have = "has" if few == 1 else "have"
        rest = len(found.listed) - few
        way = f"; `count: {rest}` leaves {'it' if few == 1 else 'them'} out" if rest else ""
        yield f"{few} of them {have} fewer than {LEAST_RATED} ratings{way}."


def describe_order(listed: Sequence[RankedProposal]) -> Iterator[str]:
    """Yields proposals in their order with their figures."""
    for place, it in enumerate(listed, 1):
        yield f"{place:>4}. {it.code} “{shortened(it.text)}”: {_told(it.ranked)}"


def _told(ranked: RankedStatement) -> str:
    statement, rank = ranked.statement, ranked.rank
    if statement is None or ranked.untold:
        return (
            "left out to protect others"
            if ranked.untold == "protected"
            else f"fewer than {ranked.min_cell_size} ratings"
        )
    seen, agrees = statement.overall.seen, statement.overall.agrees
    share = f"{agrees} of {seen} agree" if agrees is not None else f"{seen} ratings"
    surely = f"{share}, {round(100 * rank.at_least)} % or more allowing for chance"
    missing = len(statement.sectors.missing)
    if rank.standing is StatementStanding.ALL_SECTORS:
        return f"{surely}; agreed by all sectors"
    return f"{surely}; {missing} of {statement.sectors.number} sectors unknown" if missing else surely
