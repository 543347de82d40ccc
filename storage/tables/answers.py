"""Answers, one row per session and question, and consents."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Literal, NamedTuple, get_args

from sqlalchemy import CheckConstraint, Connection, ForeignKey, Index, Integer, Select, delete, func, select
from sqlalchemy.orm import Mapped, mapped_column

from storage.core import bulk
from storage.core.base import WORDS, Base, exactly, one_of, table_of
from storage.tables.sessions import SessionMode, SessionRow

Missing = Literal["not_asked", "skipped", "refused", "dont_know", "interrupted"]

ROWS_AT_ONCE = 1_000


class AnswerRow(Base):
    """One stored response. ``value`` is JSON text, or ``missing`` says why there is none."""

    __tablename__ = "answers"
    __table_args__ = (
        one_of("missing", get_args(Missing)),
        one_of("mode", get_args(SessionMode)),
        CheckConstraint("(value IS NULL) <> (missing IS NULL)", name="value_or_missing"),
        # A value that is not JSON would break the views for every reader; refusing the one row is better.
        CheckConstraint("value IS NULL OR json_valid(value)", name="value_is_json").ddl_if(dialect="sqlite"),
        CheckConstraint("value IS NULL OR value::jsonb IS NOT NULL", name="value_is_json").ddl_if(dialect="postgresql"),
        {"sqlite_with_rowid": False},
    )

    session_id: Mapped[int] = mapped_column(ForeignKey("sessions.id", ondelete="CASCADE"), primary_key=True)
    question_key: Mapped[str] = mapped_column(primary_key=True)
    consultation_id: Mapped[int]  # copy of the session's, so that an export is a plain query
    revision_id: Mapped[int]
    value: Mapped[str | None] = mapped_column(info=WORDS)
    missing: Mapped[str | None]
    free_text: Mapped[bool]  # text of a resident: published only after staff released it
    answered_at: Mapped[datetime]  # the hour
    channel: Mapped[str]
    language: Mapped[str]
    mode: Mapped[str]
    version: Mapped[int] = mapped_column(Integer, server_default="1")  # how often it was changed, plus one
    took: Mapped[int | None] = mapped_column(Integer)  # seconds from question to answer, at most; NULL: not known


class ConsentRow(Base):
    """A consent given or refused, with its wording. Rows are added, never changed; the newest counts."""

    __tablename__ = "consents"
    __table_args__ = (exactly("pseudonym", 32), Index(None, "pseudonym", "id"))

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    consultation_id: Mapped[int] = mapped_column(ForeignKey("consultations.id"))
    pseudonym: Mapped[str]
    question_key: Mapped[str]
    text_hash: Mapped[str]
    language: Mapped[str]
    channel: Mapped[str]
    given: Mapped[bool]
    at: Mapped[datetime]


class NewAnswer(NamedTuple):
    """Exactly one of ``value`` (JSON text) and ``missing`` is given."""

    session_id: int
    question_key: str
    consultation_id: int
    revision_id: int
    value: str | None
    missing: Missing | None
    free_text: bool
    answered_at: datetime
    channel: str
    language: str
    mode: SessionMode
    took: int | None = None
    """The upper bound in seconds of its class (``bot.consultations.answer_durations``); None if unknown."""


class StoredAnswer(NamedTuple):
    """An answer with the person's pseudonym in this consultation."""

    pseudonym: str
    session_id: int
    question_key: str
    revision_id: int
    value: str | None
    missing: Missing | None
    free_text: bool
    answered_at: datetime
    channel: str
    language: str
    mode: SessionMode
    version: int


class NewConsent(NamedTuple):
    id: int
    consultation_id: int
    pseudonym: str
    question_key: str
    text_hash: str
    language: str
    channel: str
    given: bool
    at: datetime


class AnswerKey(NamedTuple):
    """The key of an answer: session and question."""

    session_id: int
    question_key: str


class _Person(NamedTuple):
    pseudonym: str


_answers = table_of(AnswerRow)
_consents = table_of(ConsentRow)
_sessions = table_of(SessionRow)

_stored = select(
    _sessions.c.pseudonym,
    *(_answers.c[field] for field in StoredAnswer._fields if field != "pseudonym"),
).join_from(_answers, _sessions)
_of_sessions = bulk.ByKeys(
    StoredAnswer, _stored.order_by(_answers.c.session_id, _answers.c.question_key), _answers.c.session_id
)
_of_people = bulk.ByKeys(
    StoredAnswer, _stored.order_by(_answers.c.session_id, _answers.c.question_key), _sessions.c.pseudonym
)
_consents_of = bulk.ByKeys(
    NewConsent,
    select(*(_consents.c[field] for field in NewConsent._fields)).order_by(_consents.c.id),
    _consents.c.pseudonym,
)

new_answer = bulk.constructor(NewAnswer)
upsert_answers = bulk.upsert(
    _answers,
    NewAnswer,
    key=("session_id", "question_key"),
    also={
        "version": "answers.version + CASE WHEN answers.missing IN ('not_asked', 'interrupted') THEN 0 ELSE 1 END",
        "took": "coalesce(answers.took, excluded.took)",
    },
    if_changed=("value", "missing", "revision_id"),
)
"""Stores answers; a changed one replaces the earlier and increments its version, an unchanged one has no effect. The
duration is that of the first answer. The first answer after an interruption is not a change: it replaces a reason that
the contact did not give.

The same value under another revision is a changed one: it may mean something else there.
"""

delete_answers = bulk.delete(_answers, AnswerKey)
"""Deletes answers, or the reasons for missing ones; unknown keys are skipped."""

insert_consents = bulk.insert(_consents, NewConsent)
"""Adds consents and withdrawals."""

_erase_consents = bulk.delete(_consents, _Person)


def answers_of_sessions(connection: Connection, session_ids: Sequence[int]) -> list[StoredAnswer]:
    """Returns the answers of these sessions, session by session."""
    return list(_of_sessions(connection, session_ids))


def answers_of_people(connection: Connection, pseudonyms: Sequence[str]) -> list[StoredAnswer]:
    """Returns the answers of these pseudonyms, session by session."""
    return list(_of_people(connection, pseudonyms))


def answers_of_consultation(connection: Connection, consultation_id: int) -> Iterator[StoredAnswer]:
    """Yields all answers of a consultation, session by session, read as they are consumed: memory use is constant.

    Use it inside ``Store.reading`` or ``Store.read``, which see one snapshot, and consume it completely or not at all.
    """
    query = (
        _stored.where(_sessions.c.consultation_id == consultation_id)
        .order_by(_sessions.c.id, _answers.c.question_key)
        .execution_options(yield_per=ROWS_AT_ONCE)
    )
    for row in connection.execute(query):
        yield StoredAnswer._make(row)


def count_answers_by_revision(connection: Connection, consultation_id: int) -> dict[int, dict[str, int]]:
    """Returns revision → question → number of participations with a value under this revision, if above 0."""
    query = (
        select(_answers.c.revision_id, _answers.c.question_key, func.count())
        .join_from(_sessions, _answers, _answers.c.session_id == _sessions.c.id)
        .where(_sessions.c.consultation_id == consultation_id, _answers.c.value.is_not(None))
        .group_by(_answers.c.revision_id, _answers.c.question_key)
    )
    found: dict[int, dict[str, int]] = {}
    for revision_id, key, people in connection.execute(query):
        found.setdefault(revision_id, {})[key] = people
    return found


def answers_to_question(
    connection: Connection, consultation_id: int, question_key: str, revision_ids: Sequence[int]
) -> dict[str, str]:
    """Returns pseudonym → answer (JSON) to one question under these revisions, with the last participation; only
    pseudonyms with an answer.
    """
    query = (
        select(_sessions.c.pseudonym, _answers.c.value)
        .join_from(_answers, _sessions)
        .where(_sessions.c.consultation_id == consultation_id, _answers.c.question_key == question_key)
        .where(_answers.c.value.is_not(None), _answers.c.revision_id.in_(revision_ids))
        .order_by(_sessions.c.id)
    )
    return {row.pseudonym: row.value for row in connection.execute(query)}


def consents_of(connection: Connection, pseudonyms: Sequence[str]) -> list[NewConsent]:
    """Returns all consents and withdrawals of these pseudonyms, oldest first."""
    return list(_consents_of(connection, pseudonyms))


def erase_consents(connection: Connection, pseudonyms: Iterable[str]) -> int:
    """Deletes the consents of these pseudonyms; returns how many. For the end of retention, not for a withdrawal."""
    return _erase_consents(connection, [_Person(pseudonym) for pseudonym in pseudonyms])


def erase_consents_of_consultation(
    connection: Connection, consultation_id: int, people: Select[tuple[str]] | None = None
) -> int:
    """Deletes the consents of a consultation, or of some pseudonyms in it, together with their answers; returns how
    many.
    """
    gone = delete(_consents).where(_consents.c.consultation_id == consultation_id)
    return connection.execute(gone if people is None else gone.where(_consents.c.pseudonym.in_(people))).rowcount
