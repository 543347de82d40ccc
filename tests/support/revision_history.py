"""Consultations stored by older programs: revisions that change the meaning of a key, and answers to each.

Written through the storage layer, since `publish` refuses most of this. The rows are those a conversation would store.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from pydantic_core import to_json

from flows.definition import Consultation
from flows.session import Session
from flows.values import Value
from storage.core.store import Store
from storage.tables.answers import NewAnswer, upsert_answers
from storage.tables.revisions import find_live_revision
from storage.tables.sessions import StoredSession, insert_sessions
from tests.support.app import consultation, publish

BEGAN = datetime(2026, 11, 1, 9, tzinfo=UTC)
Answers = Mapping[str, Value]
_numbers = count(10_000)


def history(store: Store, *steps: tuple[list[dict[str, Any]], Sequence[Answers]], slug: str = "park") -> list[str]:
    """Publishes the questions of each step as a revision, and stores what people answered to it; gives who they are."""
    people: list[str] = []
    for questions, given in steps:
        asked = consultation(slug, questions)
        publish(store, asked)
        people += store_answers(store, asked, given)
    return people


def store_answers(store: Store, asked: Consultation, given: Sequence[Answers]) -> list[str]:
    """Stores participations in the newest revision, whose questions these are; gives their pseudonyms."""
    with store.begin() as connection:
        newest = find_live_revision(connection, asked.slug)
        assert newest is not None
        rows = [_session(newest.id, newest.consultation_id, it) for it in given]
        insert_sessions(connection, rows)
        words = {node.key for node in asked.questions if node.free_text}
        upsert_answers(
            connection,
            [
                _answer(row, key, value, is_words=key in words)
                for row, it in zip(rows, given, strict=True)
                for key, value in it.items()
            ],
        )
    return [row.pseudonym for row in rows]


def _session(revision_id: int, consultation_id: int, given: Answers) -> StoredSession:
    number = next(_numbers)
    receipt, at = f"{number:010}", BEGAN + timedelta(minutes=number)
    said = Session("ABCDEF", "de", receipt, answers=dict(given), status="completed", submitted=True)
    return StoredSession(
        id=number,
        consultation_id=consultation_id,
        revision_id=revision_id,
        pseudonym=f"{number:032x}",
        waiting_key=None,
        state=said.to_json(),
        status="completed",
        channel="test",
        language="de",
        mode="self",
        receipt=receipt,
        place_code=None,
        started_at=at,
        updated_at=at,
        ended_at=at,
    )


def _answer(row: StoredSession, key: str, value: Value, *, is_words: bool) -> NewAnswer:
    return NewAnswer(
        session_id=row.id,
        question_key=key,
        consultation_id=row.consultation_id,
        revision_id=row.revision_id,
        value=to_json(value).decode(),
        missing=None,
        free_text=is_words,
        answered_at=row.started_at,
        channel=row.channel,
        language=row.language,
        mode=row.mode,
    )
