"""Open answers in moderation. Their rows are those of ``storage.tables.moderation``.

A row refers to its answer and is deleted with it, for any reason (erasure, the end of the retention, a change of
the path).
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, Select, select, text

from storage.core import bulk
from storage.core.base import table_of
from storage.tables.answers import AnswerRow
from storage.tables.moderation import ModerationRow, ModerationState


class NewOpenAnswer(NamedTuple):
    """The moderation row of a new answer. ``code`` is random and never shown to the author."""

    id: int
    session_id: int
    question_key: str
    consultation_id: int
    code: str
    state: ModerationState
    changed_at: datetime


class OpenAnswer(NamedTuple):
    """An answer with its moderation state. ``value`` is JSON text."""

    id: int
    code: str
    consultation_id: int
    session_id: int
    question_key: str
    revision_id: int
    value: str
    language: str
    answered_at: datetime


class ReleasedAnswer(NamedTuple):
    """A public answer. Nothing in it identifies its participation."""

    id: int
    code: str
    question_key: str
    value: str
    language: str


class ModeratedAnswer(NamedTuple):
    """A moderated answer. ``value`` is None if the answer has no text (any more)."""

    id: int
    code: str
    session_id: int
    question_key: str
    value: str | None
    free_text: bool
    state: ModerationState


class AnswerRewording(NamedTuple):
    """Another text of the same answer, by staff for privacy; it is no change by its author."""

    session_id: int
    question_key: str
    value: str


class _Answer(NamedTuple):
    session_id: int
    question_key: str


class _Id(NamedTuple):
    id: int


_answers = table_of(AnswerRow)
_moderations = table_of(ModerationRow)
_is_answer = (_answers.c.session_id == _moderations.c.session_id) & (
    _answers.c.question_key == _moderations.c.question_key
)
_is_said = _answers.c.free_text & _answers.c.value.is_not(None)
RELEASED = text("moderations.state = 'released'")
_OF_ANSWER = {"revision_id", "value", "language", "answered_at", "free_text"}


def _select(row: type[NamedTuple]) -> Select[tuple[object, ...]]:
    columns = [(_answers if name in _OF_ANSWER else _moderations).c[name] for name in row._fields]
    return select(*columns).join_from(_moderations, _answers, _is_answer)


_LOCK = "ORDER BY moderations.id FOR UPDATE OF moderations, answers"
_by_id = bulk.ByKeys(OpenAnswer, _select(OpenAnswer).where(_is_said), _moderations.c.id, lock=_LOCK)
_by_code = bulk.ByKeys(OpenAnswer, _select(OpenAnswer).where(_is_said), _moderations.c.code)
_of_sessions = bulk.ByKeys(ModeratedAnswer, _select(ModeratedAnswer), _moderations.c.session_id)
_released_of = bulk.ByKeys(_Answer, _select(_Answer).where(RELEASED, _is_said), _moderations.c.session_id)

insert_open_answers = bulk.insert(_moderations, NewOpenAnswer)
"""Adds moderation rows of answers, which must exist already."""

reword_answers = bulk.update(_answers, AnswerRewording, key=("session_id", "question_key"))
"""Changes the texts of answers."""

_erase = bulk.delete(_moderations, _Id)


def open_answers_by_id(connection: Connection, ids: Sequence[int], *, lock: bool = False) -> dict[int, OpenAnswer]:
    """Returns these answers, released or not. ``lock`` keeps other transactions from changing them until this one
    ends."""
    return {row.id: row for row in _by_id(connection, ids, lock=lock)}


def open_answers_by_code(connection: Connection, codes: Sequence[str]) -> dict[str, OpenAnswer]:
    """Returns the answers with these codes."""
    return {row.code: row for row in _by_code(connection, codes)}


def moderated_answers_of_sessions(
    connection: Connection, session_ids: Sequence[int]
) -> dict[tuple[int, str], ModeratedAnswer]:
    """Returns the moderation of the answers of these sessions, by session and question."""
    return {(row.session_id, row.question_key): row for row in _of_sessions(connection, session_ids)}


def released_answer_keys(connection: Connection, session_ids: Sequence[int]) -> frozenset[tuple[int, str]]:
    """Returns the released answers (session, question) of these sessions."""
    return frozenset(_released_of(connection, session_ids))


def released_answers(connection: Connection, consultation_id: int) -> list[ReleasedAnswer]:
    """Returns the released answers of a consultation, in the order of their random codes."""
    query = _select(ReleasedAnswer).where(_moderations.c.consultation_id == consultation_id, RELEASED, _is_said)
    return [ReleasedAnswer._make(row) for row in connection.execute(query.order_by(_moderations.c.code))]


def erase_answer_moderations(connection: Connection, ids: Iterable[int]) -> int:
    """Deletes moderation rows and decisions of answers without a value; returns how many."""
    return _erase(connection, [_Id(id_) for id_ in ids])
