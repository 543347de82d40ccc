"""Reads the participations of a consultation in chunks. Memory holds one chunk and all ids."""

from __future__ import annotations

import random
import secrets
from array import array
from collections.abc import Iterator, Mapping, Set
from datetime import datetime
from functools import partial
from typing import Final, NamedTuple

from pydantic_core import from_json
from sqlalchemy import Connection

from bot.common.remembered import ResultCache
from bot.results.counts.answer_dataset import AnswerDataset, Variable
from bot.results.counts.values import parse_value
from flows.dialogue.navigation import gaps
from flows.session import Session
from flows.values import Missing, Value
from storage.tables import participations
from storage.tables.answers import StoredAnswer, answers_of_sessions
from storage.tables.open_answers import released_answer_keys
from storage.tables.sessions import StoredSession, session_ids_of, sessions_by_id

CHUNK_SIZE: Final = 1000
Values = Mapping[str, ResultCache[str, tuple[Value | None, bool]]]
"""By variable: the parsed stored value, and whether it may contain personal text."""


class GivenAnswer(NamedTuple):
    """The answer of a participation to one question, or the reason why there is none."""

    value: Value | None
    missing: str
    is_words: bool = False
    """Whether the value may contain personal text: free text, or a value that is no valid answer to the question.
    Only the profile `raw` shows it; counts only record that there is a value.
    """
    at: datetime | None = None
    channel: str = ""
    language: str = ""
    mode: str = ""
    version: int | None = None
    is_released: bool = False
    """Whether the free text was released by a moderator."""
    raw: str = ""
    """The value as stored; "" if there is none."""


class ParticipationAnswers(NamedTuple):
    """One participation."""

    session: StoredSession
    """The current state: after the end of the consultation no session is open."""
    revision: int
    given: Mapping[str, GivenAnswer]
    """By variable; contains every question of every revision."""
    is_answered: bool
    """Whether it counts (`storage.tables.participations`)."""

    def of(self, variable: Variable) -> GivenAnswer:
        return self.given[variable.id]


def stream_participations(
    connection: Connection, subject: AnswerDataset, shuffled_by: random.Random | None = None
) -> Iterator[ParticipationAnswers]:
    """Yields all participations, oldest first or shuffled, from one database snapshot."""
    ids = array("q", session_ids_of(connection, subject.newest.consultation_id))
    if shuffled_by is not None:
        shuffled_by.shuffle(ids)
    has_texts = any(variable.tally == "text" for variable in subject.variables)
    values: Values = {variable.id: ResultCache(partial(_read, variable)) for variable in subject.variables}
    for start in range(0, len(ids), CHUNK_SIZE):
        some = ids[start : start + CHUNK_SIZE].tolist()
        rows = sessions_by_id(connection, some)
        stored: dict[int, list[StoredAnswer]] = {}
        for answer in answers_of_sessions(connection, some):
            stored.setdefault(answer.session_id, []).append(answer)
        released = released_answer_keys(connection, some) if has_texts else frozenset()
        answered = participations.answered_among(connection, some)
        for number in some:
            row = _as_of_now(subject, rows[number])
            of_person = stored.get(number, [])
            yield _response(subject, row, of_person, released, values, is_answered=number in answered)


def randomness(seed: int | None) -> random.Random:
    """Returns the generator that shuffles and names responses: unpredictable unless a test passes a seed."""
    return secrets.SystemRandom() if seed is None else random.Random(seed)  # noqa: S311 - for tests only


def _as_of_now(subject: AnswerDataset, row: StoredSession) -> StoredSession:
    """Returns the session as closed if the consultation is over, also before `bot.conversations.closing` closes it."""
    if not subject.is_over or row.status != "waiting":
        return row
    return row._replace(status="interrupted", ended_at=subject.newest.closes_at or row.updated_at)


def _response(
    subject: AnswerDataset,
    row: StoredSession,
    stored: list[StoredAnswer],
    released: Set[tuple[int, str]],
    values: Values,
    *,
    is_answered: bool,
) -> ParticipationAnswers:
    given: dict[str, GivenAnswer] = {}
    for answer in stored:
        is_here = answer.revision_id == row.revision_id
        revision_id = row.revision_id if is_here else _revision_of(answer, row)
        variable = subject.asked.get((revision_id, answer.question_key))
        if variable is not None:
            is_released = (row.id, answer.question_key) in released
            raw = answer.value
            value, is_words = (None, False) if raw is None else values[variable.id][raw]
            when_and_how = (answer.answered_at, answer.channel, answer.language, answer.mode, answer.version)
            given[variable.id] = GivenAnswer(
                value, answer.missing or "", is_words, *when_and_how, is_released, raw or ""
            )
    lacking = [variable for variable in subject.variables if variable.id not in given]
    if lacking:
        given |= _gaps(subject, row, lacking)
    return ParticipationAnswers(row, subject.number_of(row.revision_id), given, is_answered)


def _gaps(subject: AnswerDataset, row: StoredSession, lacking: list[Variable]) -> dict[str, GivenAnswer]:
    """Returns why each answer is missing.

    The participation was neither stopped nor submitted, so no reason is stored: the one that applies now counts.
    """
    open_now = [it for it in lacking if subject.asked.get((row.revision_id, it.key)) is it]
    now = gaps(subject.flows[row.revision_id], Session.from_json(row.state)) if open_now else {}
    reasons = {it.id: now.get(it.key, Missing.NOT_ASKED) for it in open_now}
    context = (row.channel, row.language, row.mode)
    return {
        it.id: GivenAnswer(None, reasons.get(it.id, Missing.NOT_ASKED).value, False, None, *context) for it in lacking
    }


def _revision_of(answer: StoredAnswer, row: StoredSession) -> int:
    """Returns the id of the revision under which the answer was given.

    Older versions did not update the row when the same value was given again under a newer revision; the session has
    the newer revision.
    """
    if answer.value is None:
        return answer.revision_id
    is_again = Session.from_json(row.state).answers.get(answer.question_key) == from_json(answer.value)
    return row.revision_id if is_again else answer.revision_id


def parse_stored_answer(variable: Variable, raw: str | None) -> GivenAnswer:
    """Parses a stored value as an answer to this question, without participant and time."""
    value, is_words = _read(variable, raw) if raw is not None else (None, False)
    return GivenAnswer(value, "", is_words, raw=raw or "")


def _read(variable: Variable, raw: str) -> tuple[Value | None, bool]:
    """Returns the parsed value, and whether it may contain personal text."""
    stored = from_json(raw)
    value = None if stored is None else parse_value(variable.tally, variable.possible, stored)
    return (stored, stored is not None) if value is None else (value, variable.tally == "text")
