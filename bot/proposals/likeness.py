"""Proposals that say nearly the same, for whoever decides whether they are one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from rapidfuzz import fuzz, process
from sqlalchemy import Connection

from flows.text import fold
from storage import moderation, proposals
from storage.moderation import State
from storage.proposals import StoredProposal

MOST_COMPARED: Final = 5_000
"""The newest so many of each state: enough for what people say at the same time."""
LEAST_LIKENESS: Final = 60
SHOWN: Final = 3


class Similar(NamedTuple):
    """One that says nearly the same: how much, 0 to 100."""

    proposal: StoredProposal
    state: State
    likeness: int


def similar(connection: Connection, consultation_id: int, about: Sequence[StoredProposal]) -> dict[int, list[Similar]]:
    """The most similar proposals to each of these, released and waiting ones, the most similar first."""
    states: dict[int, State] = {}
    for state in ("released", "waiting"):
        ids = moderation.queue(connection, consultation_id, state, limit=MOST_COMPARED, newest=True)
        states |= dict.fromkeys(ids, state)
    known = proposals.by_ids(connection, list(states))
    folded = {number: fold(said(row)) for number, row in known.items()}
    return {
        row.id: [
            Similar(known[number], states[number], round(score))
            for _, score, number in process.extract(
                fold(said(row)),
                folded,
                scorer=fuzz.token_set_ratio,
                score_cutoff=LEAST_LIKENESS,
                limit=SHOWN + 1,
            )
            if number != row.id
        ][:SHOWN]
        for row in about
    }


def said(row: StoredProposal) -> str:
    """Title and text as one."""
    return f"{row.title} {row.text}" if row.title else row.text
