"""Attachments: a row for each recording and picture. The files themselves are in a folder.

The row contains the name of the file from the beginning, so that there is never a file without a row. A row that lost
its session (the answer was changed, withdrawn or erased) stays until its file is deleted; then
``delete_orphaned_attachments`` deletes it.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, Literal, NamedTuple, get_args

from sqlalchemy import CheckConstraint, Connection, ForeignKey, Index, Integer, Select, func, select, text
from sqlalchemy.orm import Mapped, mapped_column

from storage.core import bulk
from storage.core.base import WORDS, Base, one_of, table_of
from storage.tables.sessions import SessionRow

AttachmentKind = Literal["voice", "picture"]
AttachmentState = Literal["waiting", "kept", "failed", "too_large", "wrong_type"]

WAITING = text("state = 'waiting'")
ROWS_AT_ONCE = 1_000


class AttachmentRow(Base):
    """A recording or a picture that belongs to an answer."""

    __tablename__ = "attachments"
    __table_args__ = (
        one_of("kind", get_args(AttachmentKind)),
        one_of("state", get_args(AttachmentState)),
        CheckConstraint("(state = 'waiting') = (handle IS NOT NULL)", name="handle_while_needed"),
        CheckConstraint("(state = 'waiting') = (due_at IS NOT NULL)", name="due_at"),
        CheckConstraint("(state = 'kept') = (size IS NOT NULL)", name="size"),
        Index(None, "session_id", "question_key"),
        Index("ix_attachments_waiting", "due_at", sqlite_where=WAITING, postgresql_where=WAITING),
    )

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    # Without a session it is an orphan: the row is deleted as soon as its file is.
    session_id: Mapped[int | None] = mapped_column(ForeignKey("sessions.id", ondelete="SET NULL"))
    question_key: Mapped[str]
    kind: Mapped[str]
    channel: Mapped[str]
    handle: Mapped[bytes | None] = mapped_column(info=WORDS)  # to fetch it with, encrypted; until it is fetched
    state: Mapped[str] = mapped_column(server_default="waiting")
    file: Mapped[str]  # a random name
    size: Mapped[int | None]  # bytes, as it was sent
    ending: Mapped[str | None]  # the file type: ogg, jpg …
    tries: Mapped[int] = mapped_column(Integer, server_default="0")
    due_at: Mapped[datetime | None]
    at: Mapped[datetime]


class NewAttachment(NamedTuple):
    """An attachment to fetch."""

    id: int
    session_id: int
    question_key: str
    kind: AttachmentKind
    channel: str
    handle: bytes
    file: str
    due_at: datetime
    at: datetime


class WaitingAttachment(NamedTuple):
    """An attachment to fetch now."""

    id: int
    kind: AttachmentKind
    channel: str
    handle: bytes
    file: str
    tries: int


class FetchOutcome(NamedTuple):
    """The outcome of fetching. ``size`` and ``ending`` are set if the file is stored."""

    id: int
    state: AttachmentState
    size: int | None
    ending: str | None
    tries: int


class FetchDelay(NamedTuple):
    """A retry of fetching; ``tries`` counts all attempts."""

    id: int
    tries: int
    due_at: datetime


class StoredAttachment(NamedTuple):
    """An attachment with the pseudonym of its sender."""

    pseudonym: str
    session_id: int
    question_key: str
    kind: AttachmentKind
    channel: str
    state: AttachmentState
    file: str
    size: int | None
    ending: str | None
    at: datetime


class ListedAttachment(NamedTuple):
    """An attachment as members of the team see it, without its sender."""

    id: int
    session_id: int
    question_key: str
    kind: AttachmentKind
    state: AttachmentState
    file: str
    size: int | None
    ending: str | None
    at: datetime


class OrphanedAttachment(NamedTuple):
    """An attachment without a session."""

    id: int
    file: str


class _OfAnswer(NamedTuple):
    session_id: int
    question_key: str


class _Id(NamedTuple):
    id: int


_attachments = table_of(AttachmentRow)
_sessions = table_of(SessionRow)
_stored = (
    select(
        _sessions.c.pseudonym,
        *(_attachments.c[field] for field in StoredAttachment._fields if field != "pseudonym"),
    )
    .join_from(_attachments, _sessions)
    .order_by(_attachments.c.session_id, _attachments.c.id)
)
_listed = select(*(_attachments.c[field] for field in ListedAttachment._fields))
_of_sessions = bulk.ByKeys(ListedAttachment, _listed.order_by(_attachments.c.id), _attachments.c.session_id)
_of_people = bulk.ByKeys(StoredAttachment, _stored, _sessions.c.pseudonym)
_detach = bulk.update(_attachments, _OfAnswer, key=_OfAnswer._fields, also={"session_id": "NULL"})
_remove = bulk.delete(_attachments, _Id, only="session_id IS NULL")

insert_attachments = bulk.insert(_attachments, NewAttachment)
"""Adds attachments to fetch. Their sessions must be written before."""

_known = bulk.ByKeys(_Id, select(_attachments.c.id), _attachments.c.id)

settle_attachments = bulk.update(_attachments, FetchOutcome, key=("id",), also={"handle": "NULL", "due_at": "NULL"})
"""Records the outcomes of fetching."""

postpone_attachments = bulk.update(_attachments, FetchDelay, key=("id",))
"""Records the times of retries."""


def detach_attachments(connection: Connection, answers: Sequence[tuple[int, str]]) -> int:
    """Detaches the attachments of these answers (session, question) from their session; returns the number."""
    return _detach(connection, [_OfAnswer._make(answer) for answer in answers])


def due_attachments(connection: Connection, now: datetime, most: int) -> list[WaitingAttachment]:
    """Returns at most this number of attachments that are due, the longest waiting first."""
    query = (
        select(*(_attachments.c[field] for field in WaitingAttachment._fields))
        .where(WAITING, _attachments.c.due_at <= now, _attachments.c.session_id.is_not(None))
        .order_by(_attachments.c.due_at, _attachments.c.id)
        .limit(most)
    )
    return [WaitingAttachment._make(row) for row in connection.execute(query)]


def next_fetch_time(connection: Connection) -> datetime | None:
    """Returns when the next attachment is due; None if none waits."""
    query = select(func.min(_attachments.c.due_at)).where(WAITING, _attachments.c.session_id.is_not(None))
    moment: datetime | None = connection.scalar(query)
    return moment


def existing_attachments(connection: Connection, ids: Sequence[int]) -> set[int]:
    """Returns those of these ids that have a row."""
    return {row.id for row in _known(connection, ids)}


def orphaned_attachments(connection: Connection, most: int) -> list[OrphanedAttachment]:
    """Returns at most this number of attachments without a session."""
    query = select(_attachments.c.id, _attachments.c.file).where(_attachments.c.session_id.is_(None)).limit(most)
    return [OrphanedAttachment._make(row) for row in connection.execute(query)]


def delete_orphaned_attachments(connection: Connection, ids: Sequence[int]) -> int:
    """Deletes the rows of orphans whose files are deleted; returns how many."""
    return _remove(connection, [_Id(id_) for id_ in ids])


def count_attachments_by_state(connection: Connection) -> dict[str, int]:
    """Counts the attachments with a session by state."""
    query = select(_attachments.c.state, func.count()).where(_attachments.c.session_id.is_not(None))
    return {row[0]: row[1] for row in connection.execute(query.group_by(_attachments.c.state))}


def count_attachments_waiting_since(connection: Connection, moment: datetime) -> int:
    """Counts the attachments sent before this moment that are still to be fetched."""
    mine = _attachments.c.session_id.is_not(None)
    return connection.scalar(select(func.count()).where(WAITING, mine, _attachments.c.at < moment)) or 0


def attachment_files(connection: Connection) -> Iterator[str]:
    """Yields the names of all files that must exist, read as they are consumed."""
    query = select(_attachments.c.file).where(_attachments.c.state == "kept", _attachments.c.session_id.is_not(None))
    yield from connection.scalars(query.execution_options(yield_per=ROWS_AT_ONCE))


def attachments_of_people(connection: Connection, pseudonyms: Sequence[str]) -> list[StoredAttachment]:
    """Returns the attachments of these pseudonyms, session by session, oldest first."""
    return list(_of_people(connection, pseudonyms))


def attachments_of_consultation(connection: Connection, consultation_id: int) -> Iterator[StoredAttachment]:
    """Yields the attachments of a consultation, session by session, read as they are consumed."""
    query = _stored.where(_sessions.c.consultation_id == consultation_id)
    for row in connection.execute(query.execution_options(yield_per=ROWS_AT_ONCE)):
        yield StoredAttachment._make(row)


def attachments_of_sessions(connection: Connection, session_ids: Sequence[int]) -> list[ListedAttachment]:
    """Returns the attachments of these sessions, oldest first."""
    return list(_of_sessions(connection, session_ids))


def attachment_by_id(connection: Connection, consultation_id: int, number: int) -> ListedAttachment | None:
    """Returns an attachment of this consultation."""
    row = connection.execute(_listed_in(consultation_id).where(_attachments.c.id == number)).first()
    return None if row is None else ListedAttachment._make(row)


def newest_attachments(connection: Connection, consultation_id: int, before: int, most: int) -> list[ListedAttachment]:
    """Returns at most this number of attachments of a consultation, newest first. `before`: the id of the last one
    seen, or 0.
    """
    query = _listed_in(consultation_id).order_by(_attachments.c.id.desc()).limit(most)
    query = query.where(_attachments.c.id < before) if before else query
    return [ListedAttachment._make(row) for row in connection.execute(query)]


def has_attachments(connection: Connection, consultation_id: int) -> bool:
    """Whether a consultation has an attachment."""
    return bool(newest_attachments(connection, consultation_id, 0, 1))


def _listed_in(consultation_id: int) -> Select[Any]:
    of_session = _sessions.c.id == _attachments.c.session_id
    return _listed.join(_sessions, of_session).where(_sessions.c.consultation_id == consultation_id)
