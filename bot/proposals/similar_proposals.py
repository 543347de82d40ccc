"""Similar proposals for moderators: the measure of `bot.proposals.similarity`, over released and waiting proposals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from sqlalchemy import Connection

from bot.proposals.pool import proposal_text
from bot.proposals.similarity import NEAREST, SIMILARITY_THRESHOLD, similarity_scores, similarity_text
from storage.tables.moderation import ModerationState, moderation_queue
from storage.tables.proposals import StoredProposal, proposals_by_id

MOST_COMPARED: Final = 5_000
"""The newest so many of each state: enough for what people say at the same time."""


class SimilarProposal(NamedTuple):
    """A similar proposal with its state and similarity, 0 to 100."""

    proposal: StoredProposal
    state: ModerationState
    likeness: int


def find_similar_proposals(
    connection: Connection, consultation_id: int, about: Sequence[StoredProposal]
) -> dict[int, list[SimilarProposal]]:
    """Returns the most similar released and waiting proposals for each of these, the most similar first."""
    states: dict[int, ModerationState] = {}
    for state in ("released", "waiting"):
        ids = moderation_queue(
            connection, consultation_id, state, limit=MOST_COMPARED, newest=True, only_proposals=True
        )
        states |= dict.fromkeys(ids, state)
    known = proposals_by_id(connection, list(states))
    numbers = list(known)
    scores = similarity_scores(
        [similarity_text(proposal_text(row)) for row in about],
        [similarity_text(proposal_text(row)) for row in known.values()],
    )
    return {
        row.id: [
            SimilarProposal(known[number], states[number], round(float(of_row[place])))
            for place in np.argsort(-of_row, kind="stable")[: NEAREST + 1]
            if of_row[place] >= SIMILARITY_THRESHOLD and (number := numbers[place]) != row.id
        ][:NEAREST]
        for row, of_row in zip(about, scores, strict=True)
    }
