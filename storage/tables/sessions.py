"""Participation: sessions of contacts in consultations, under a pseudonym valid in one consultation.

Nothing here names a contact or an address. ``pseudonym`` and ``waiting_key`` are keyed hashes that only ``bot/privacy``
can compute.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Literal, NamedTuple, get_args

from sqlalchemy import (
    CheckConstraint,
    Connection,
    ForeignKey,
    Index,
    Integer,
    Select,
    UniqueConstraint,
    delete,
    func,
    select,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from storage.core import bulk
from storage.core.base import WORDS, Base, exactly, one_of, table_of

SessionStatus = Literal["waiting", "completed", "interrupted"]
SessionMode = Literal["self", "assisted", "paper"]

IDS_AT_ONCE = 10_000
_WAITS = text("status = 'waiting'")


class SessionRow(Base):
    """The participation of one contact in one consultation. It stays on the revision it began with."""

    __tablename__ = "sessions"
    __table_args__ = (
        one_of("status", get_args(SessionStatus)),
        one_of("mode", get_args(SessionMode)),
        exactly("pseudonym", 32),
        exactly("waiting_key", 16),
        # A contact that reviews submitted answers has a key, and the session still counts as completed.
        CheckConstraint("waiting_key IS NULL OR status <> 'interrupted'", name="no_key_once_interrupted"),
        # One answer set per person; in this order it also finds by pseudonym.
        UniqueConstraint("pseudonym", "consultation_id"),
        UniqueConstraint("waiting_key"),  # at most one waiting session per contact
        UniqueConstraint("receipt"),
        Index(None, "consultation_id", "id"),
        # Waiting sessions: few of many, and counted often.
        Index("ix_sessions_waiting", "consultation_id", "id", sqlite_where=_WAITS, postgresql_where=_WAITS),
        {"postgresql_with": {"fillfactor": 70}},  # every turn rewrites the row: room to do it in place
    )

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    consultation_id: Mapped[int] = mapped_column(ForeignKey("consultations.id"))
    revision_id: Mapped[int] = mapped_column(ForeignKey("revisions.id"))
    pseudonym: Mapped[str]  # 32 hexadecimal digits: keyed hash of contact and consultation
    waiting_key: Mapped[bytes | None]  # 16 bytes: keyed hash of the contact, only while the session waits for a message
    state: Mapped[str] = mapped_column(info=WORDS)  # JSON of the engine
    status: Mapped[str]
    channel: Mapped[str]
    language: Mapped[str]
    mode: Mapped[str]
    receipt: Mapped[str]  # the code a resident can ask with
    place_code: Mapped[str | None]  # of a poster or a partner, never of a resident
    started_at: Mapped[datetime]  # this and the next two: the hour
    updated_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    turns: Mapped[int] = mapped_column(Integer, server_default="1")  # rises with every message
    period: Mapped[int] = mapped_column(Integer, server_default="0")  # of the live revision, in which it began
    burst: Mapped[int] = mapped_column(Integer, server_default="0")  # 1: many began on its network just before


class StoredSession(NamedTuple):
    """A whole session: the input of ``insert_sessions`` and the result of the queries."""

    id: int
    consultation_id: int
    revision_id: int
    pseudonym: str
    waiting_key: bytes | None
    state: str
    status: SessionStatus
    channel: str
    language: str
    mode: SessionMode
    receipt: str
    place_code: str | None
    started_at: datetime
    updated_at: datetime
    ended_at: datetime | None
    burst: int = 0
    """1 if it began in a burst: many began on the same network just before (web only)."""


class SessionChange(NamedTuple):
    """All changeable fields of a session."""

    id: int
    waiting_key: bytes | None
    state: str
    status: SessionStatus
    channel: str
    language: str
    updated_at: datetime
    ended_at: datetime | None


class SessionStep(NamedTuple):
    """The changes of an ordinary turn: the session waited before and waits again."""

    id: int
    state: str
    channel: str
    language: str
    updated_at: datetime


class SessionRelease(NamedTuple):
    """A session that no longer waits for a message, in any state."""

    id: int
    waiting_key: None
    status: SessionStatus
    ended_at: datetime


class SessionRenewal(NamedTuple):
    """A session that continues in another revision, because its own is no longer readable."""

    id: int
    revision_id: int


class SessionState(NamedTuple):
    """The engine's state of a session."""

    id: int
    state: str


class _Person(NamedTuple):
    pseudonym: str


class _Key(NamedTuple):
    id: int


_sessions = table_of(SessionRow)
_columns = [_sessions.c[field] for field in StoredSession._fields]
_whole = select(*_columns)
# In order of ids, to avoid deadlocks between processes.
_LOCK = "ORDER BY sessions.id FOR UPDATE"
_by_key = bulk.ByKeys(StoredSession, _whole, _sessions.c.waiting_key, lock=_LOCK)
_by_pseudonym = bulk.ByKeys(StoredSession, _whole, _sessions.c.pseudonym, lock=_LOCK)
_by_id = bulk.ByKeys(StoredSession, _whole, _sessions.c.id)
_locked = bulk.ByKeys(_Key, select(_sessions.c.id), _sessions.c.id, lock=_LOCK)

_ONE_MORE = {"turns": "sessions.turns + 1"}

insert_sessions = bulk.insert(
    _sessions,
    StoredSession,
    also={
        "period": "(SELECT coalesce(max(period), 0) FROM revision_stages"
        " WHERE consultation_id = {consultation_id} AND stage = 'live' AND until IS NULL)"
    },
)
"""Adds sessions, in the current live period. Raises Duplicate if the contact already has one there, or another one
waits.
"""

session_step = bulk.constructor(SessionStep)
step_sessions = bulk.update(_sessions, SessionStep, key=("id",), also=_ONE_MORE)
"""Writes ordinary turns. For sessions that keep waiting this costs half of ``change_sessions``: no index changes."""

release_sessions = bulk.update(_sessions, SessionRelease, key=("id",))
"""Releases sessions, so that another one can wait for the same contact."""

renew_sessions = bulk.update(_sessions, SessionRenewal, key=("id",))
"""Moves sessions to another revision. Stored answers stay with the revision they were given in."""

set_session_states = bulk.update(_sessions, SessionState, key=("id",))
"""Changes the engine's state of sessions. There was no message in them, so no time changes."""

_update = bulk.update(_sessions, SessionChange, key=("id",), also=_ONE_MORE)
_erase = bulk.delete(_sessions, _Person)


def waiting_sessions(
    connection: Connection, keys: Sequence[bytes], *, lock: bool = False
) -> dict[bytes, StoredSession]:
    """Returns the session that waits for each of these contacts, by ``waiting_key``.

    With ``lock`` no other process can change them before this transaction ends; call it before any other query.
    """
    return {key: row for row in _by_key(connection, keys, lock=lock) if (key := row.waiting_key)}


def lock_sessions(connection: Connection, session_ids: Sequence[int]) -> list[int]:
    """Keeps other processes from changing these sessions before this transaction ends; returns those that exist."""
    return [row.id for row in _locked(connection, session_ids, lock=True)]


def sessions_of_people(
    connection: Connection, pseudonyms: Sequence[str], *, lock: bool = False
) -> dict[str, StoredSession]:
    """Returns the session of each of these pseudonyms, waiting or not."""
    return {row.pseudonym: row for row in _by_pseudonym(connection, pseudonyms, lock=lock)}


def change_sessions(connection: Connection, rows: Sequence[SessionChange]) -> int:
    """Writes sessions that began or ceased to wait; returns how many existed. Call it before ``insert_sessions``.

    Sessions that stop waiting are written first: they free the ``waiting_key`` that another one of the batch may need.
    """
    ended = [row for row in rows if row.waiting_key is None]
    if not ended or len(ended) == len(rows):
        return _update(connection, rows)
    return _update(connection, ended) + _update(connection, [row for row in rows if row.waiting_key is not None])


def sessions_by_id(connection: Connection, session_ids: Sequence[int]) -> dict[int, StoredSession]:
    """Returns these sessions, waiting or not."""
    return {row.id: row for row in _by_id(connection, session_ids)}


def sessions_after(connection: Connection, session_id: int, most: int) -> list[StoredSession]:
    """Returns at most this number of sessions with greater ids, in order; locked until this transaction ends."""
    query = _whole.where(_sessions.c.id > session_id).order_by(_sessions.c.id).limit(most).with_for_update()
    return [StoredSession._make(row) for row in connection.execute(query)]


def session_ids_of(connection: Connection, consultation_id: int) -> Iterator[int]:
    """Yields the ids of all sessions of a consultation, oldest first, read as they are consumed."""
    query = select(_sessions.c.id).where(_sessions.c.consultation_id == consultation_id).order_by(_sessions.c.id)
    yield from connection.scalars(query.execution_options(yield_per=IDS_AT_ONCE))


def waiting_sessions_in(connection: Connection, consultation_ids: Sequence[int], most: int) -> list[StoredSession]:
    """Returns at most this number of waiting sessions of these consultations; locked until this transaction ends."""
    found: list[StoredSession] = []
    for number in consultation_ids:
        query = _whole.where(_sessions.c.consultation_id == number, _WAITS).order_by(_sessions.c.id)
        rows = connection.execute(query.limit(most - len(found)).with_for_update())
        found += [StoredSession._make(row) for row in rows]
        if len(found) == most:
            break
    return found


def count_waiting_sessions(connection: Connection, consultation_id: int) -> int:
    """Counts the waiting sessions of a consultation."""
    query = select(func.count()).select_from(_sessions).where(_sessions.c.consultation_id == consultation_id, _WAITS)
    return int(connection.execute(query).scalar_one())


def count_sessions_by_status(connection: Connection, consultation_id: int) -> dict[str, int]:
    """Counts the sessions of a consultation by status."""
    query = select(_sessions.c.status, func.count()).where(_sessions.c.consultation_id == consultation_id)
    return {row[0]: row[1] for row in connection.execute(query.group_by(_sessions.c.status))}


def count_waiting_sessions_by_revision(connection: Connection, consultation_id: int) -> dict[int, int]:
    """Returns revision → number of waiting sessions."""
    query = select(_sessions.c.revision_id, func.count()).where(_sessions.c.consultation_id == consultation_id, _WAITS)
    return {row[0]: row[1] for row in connection.execute(query.group_by(_sessions.c.revision_id))}


def erase_sessions(connection: Connection, pseudonyms: Iterable[str]) -> int:
    """Deletes the sessions of these pseudonyms with their answers; returns how many sessions."""
    return _erase(connection, [_Person(pseudonym) for pseudonym in pseudonyms])


def pseudonyms_in_period(consultation_id: int, revision_id: int, period: int) -> Select[tuple[str]]:
    """Returns a query for the pseudonyms with a session on a revision that began in a live period
    (``storage.tables.stages``).
    """
    return select(_sessions.c.pseudonym).where(
        _sessions.c.consultation_id == consultation_id,
        _sessions.c.revision_id == revision_id,
        _sessions.c.period == period,
    )


def erase_sessions_of_consultation(
    connection: Connection, consultation_id: int, people: Select[tuple[str]] | None = None
) -> int:
    """Deletes all sessions of a consultation, or those of some pseudonyms, with their answers at the end of retention;
    returns how many sessions.
    """
    gone = delete(_sessions).where(_sessions.c.consultation_id == consultation_id)
    return connection.execute(gone if people is None else gone.where(_sessions.c.pseudonym.in_(people))).rowcount
