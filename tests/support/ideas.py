"""A consultation with ideas of residents and people who read them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from bot.proposals import open_answer_review
from bot.proposals.codes import new_proposal_code
from bot.proposals.moderation_decisions import ModerationContext, approve_text
from flows.session import Session
from storage.core.store import Store
from storage.tables import moderation
from storage.tables.answers import upsert_answers
from storage.tables.moderation import NewModeration, insert_moderations
from storage.tables.open_answers import moderated_answers_of_sessions
from storage.tables.proposals import (
    NewProposal,
    StoredProposal,
    insert_proposals,
    list_released_proposals,
    proposals_by_id,
)
from storage.tables.ratings import NewRatingEvent, ratings_of_proposals, store_votes
from storage.tables.revisions import find_live_revision, live_revision_of
from tests.support.app import KEYS, consultation, publish
from tests.support.rows import answer, new_id, proposal, pseudonym, stored_session

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
AYLIN, BORA = 1, 2
"""Two people who read."""


def open_consultation(store: Store, slug: str = "park", **more: Any) -> int:
    """Publishes a small consultation; gives its id."""
    publish(store, consultation(slug, **more))
    with store.reading() as connection:
        revision = find_live_revision(connection, slug)
    assert revision
    return revision.consultation_id


def chair(connection: Connection, staff_id: int | None = AYLIN, later: int = 0) -> ModerationContext:
    """A person who decides, this number of minutes after noon."""
    return ModerationContext(connection, KEYS, new_id, NOW + timedelta(minutes=later), staff_id, f"staff {staff_id}")


def submit(connection: Connection, consultation_id: int, number: int, text: str = "", **more: Any) -> NewProposal:
    """An idea of person `number`, as it comes in."""
    made = proposal(consultation_id, number, new_proposal_code(), created_at=NOW - timedelta(days=3))
    made = made._replace(text=text or f"Idea {number}: more benches", **more)
    insert_proposals(connection, [made])
    insert_moderations(connection, [NewModeration(made.id, "waiting", [], None, None, NOW)])
    return made


def open_answer(connection: Connection, consultation_id: int, number: int, words: str, language: str = "de") -> str:
    """What person `number` answered to the open question, as it comes in; gives the code by which the team knows it."""
    revision = live_revision_of(connection, consultation_id)
    assert revision
    state = Session("code", language, "R", answers={"wish": words}, status="completed", submitted=True).to_json()
    done = {"state": state, "waiting_key": None, "status": "completed", "ended_at": NOW}
    mine = stored_session(connection, revision, number, **done)
    said = answer(mine, "wish", json.dumps(words), free_text=True, language=language)
    to_read = open_answer_review.compare_answers(connection, [said])
    upsert_answers(connection, [said])
    open_answer_review.queue_for_review(connection, to_read, new_id, NOW)
    return moderated_answers_of_sessions(connection, [mine.id])[mine.id, "wish"].code


def released(connection: Connection, consultation_id: int, number: int, **more: Any) -> NewProposal:
    """One that was let out."""
    made = submit(connection, consultation_id, number, **more)
    approve_text(chair(connection), made.id)
    return made


def rate(connection: Connection, proposal_id: int, votes: dict[int, int], at: datetime = NOW) -> None:
    """What these people (by number) think."""
    rows = [
        NewRatingEvent(new_id(), proposal_id, pseudonym(number), vote, False, at)  # type: ignore[arg-type]
        for number, vote in votes.items()
    ]
    store_votes(connection, rows)


def votes(connection: Connection, proposal_id: int) -> dict[int, int]:
    """What people think now, by their number."""
    found = ratings_of_proposals(connection, [proposal_id])[proposal_id]
    return {int(name, 16): row.vote for name, row in found.items()}


def visible(connection: Connection, consultation_id: int) -> list[str]:
    """The public texts."""
    return [row.text for row in list_released_proposals(connection, consultation_id)]


def one(connection: Connection, proposal_id: int) -> StoredProposal:
    return proposals_by_id(connection, [proposal_id])[proposal_id]


def kinds(connection: Connection, ids: Iterable[int]) -> list[tuple[str, int | None, str | None]]:
    """What was decided: kind, who, why."""
    return [(row.kind, row.staff_id, row.reason) for row in moderation.decisions_of(connection, list(ids))]
