"""The participations of a consultation, read piece by piece: memory holds a thousand of them, and the ids of all."""

from __future__ import annotations

import random
import secrets
from array import array
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Final, NamedTuple

from pydantic_core import from_json
from sqlalchemy import Connection

from bot.counting.subject import Subject, Variable
from flows.session import Session
from flows.steps import gaps
from flows.values import Missing, Value
from storage import answers, sessions
from storage.answers import StoredAnswer
from storage.sessions import StoredSession

AT_ONCE: Final = 1000


class Given(NamedTuple):
    """What somebody answered to one question, or why there is nothing."""

    value: Value | None
    missing: str
    free_text: bool = False
    at: datetime | None = None
    channel: str = ""
    language: str = ""
    mode: str = ""
    version: int | None = None


class Response(NamedTuple):
    """One participation."""

    session: StoredSession
    revision: int
    given: Mapping[str, Given]
    """By question key; every question of every revision is there."""

    def of(self, variable: Variable) -> Given:
        return self.given[variable.key]


def stream(connection: Connection, subject: Subject, shuffled_by: random.Random | None = None) -> Iterator[Response]:
    """All participations, oldest first or shuffled, within one moment of the database."""
    ids = array("q", sessions.ids_of(connection, subject.newest.consultation_id))
    if shuffled_by is not None:
        shuffled_by.shuffle(ids)
    for start in range(0, len(ids), AT_ONCE):
        some = ids[start : start + AT_ONCE].tolist()
        rows = sessions.by_id(connection, some)
        stored: dict[int, list[StoredAnswer]] = {}
        for answer in answers.of_sessions(connection, some):
            stored.setdefault(answer.session_id, []).append(answer)
        for number in some:
            yield _response(subject, rows[number], stored.get(number, []))


def randomness(seed: int | None) -> random.Random:
    """What shuffles and names responses: not to be guessed, unless a test gives a seed."""
    return secrets.SystemRandom() if seed is None else random.Random(seed)  # noqa: S311 - for tests only


def _response(subject: Subject, row: StoredSession, stored: list[StoredAnswer]) -> Response:
    given = {answer.question_key: _given(answer) for answer in stored}
    lacking = [variable.key for variable in subject.variables if variable.key not in given]
    if lacking:
        flow = subject.flows[row.revision_id]
        # The person has neither left nor submitted, so no reason is written down: it is what it would be now.
        is_open = any(key in flow.nodes for key in lacking)
        now = gaps(flow, Session.from_json(row.state)) if is_open else {}
        context = (row.channel, row.language, row.mode)
        for key in lacking:
            given[key] = Given(None, now.get(key, Missing.NOT_ASKED).value, False, None, *context)
    return Response(row, subject.number_of(row.revision_id), given)


def _given(answer: StoredAnswer) -> Given:
    value = None if answer.value is None else from_json(answer.value)
    return Given(
        value,
        answer.missing or "",
        answer.free_text,
        answer.answered_at,
        answer.channel,
        answer.language,
        answer.mode,
        answer.version,
    )
