"""Sessions of staff in the console. The token is in the cookie of the browser; the table stores a keyed hash."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, ForeignKey, delete, or_, select, update
from sqlalchemy.orm import Mapped, mapped_column

from storage.core import bulk
from storage.core.base import Base, exactly, table_of


class ConsoleSessionRow(Base):
    """One browser that is signed in. Ended sessions are deleted."""

    __tablename__ = "console_sessions"
    __table_args__ = (exactly("token_hash", 32),)

    token_hash: Mapped[bytes] = mapped_column(primary_key=True)
    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id", ondelete="CASCADE"), index=True)
    browser: Mapped[str]  # "Firefox, Windows": coarse, so that a member recognises the own devices
    created_at: Mapped[datetime]
    seen_at: Mapped[datetime]  # to the minute
    ends_at: Mapped[datetime]  # the absolute time-out


class ConsoleSession(NamedTuple):
    """A whole row: the input of ``insert_console_sessions`` and the result of the queries."""

    token_hash: bytes
    staff_id: int
    browser: str
    created_at: datetime
    seen_at: datetime
    ends_at: datetime


_sessions = table_of(ConsoleSessionRow)
_columns = [_sessions.c[field] for field in ConsoleSession._fields]
_insert = bulk.insert(_sessions, ConsoleSession)


def insert_console_sessions(connection: Connection, sessions: Sequence[ConsoleSession]) -> int:
    """Adds sessions."""
    return _insert(connection, sessions)


def console_session_by_token(connection: Connection, token_hash: bytes) -> ConsoleSession | None:
    """Returns the session with this token, ended or not."""
    row = connection.execute(select(*_columns).where(_sessions.c.token_hash == token_hash)).first()
    return None if row is None else ConsoleSession._make(row)


def console_sessions_of(connection: Connection, staff_id: int) -> list[ConsoleSession]:
    """Returns the sessions of a member, the last used first."""
    query = select(*_columns).where(_sessions.c.staff_id == staff_id)
    rows = connection.execute(query.order_by(_sessions.c.seen_at.desc(), _sessions.c.token_hash))
    return [ConsoleSession._make(row) for row in rows]


def touch_console_session(connection: Connection, token_hash: bytes, now: datetime) -> None:
    """Records that a session is in use."""
    connection.execute(update(_sessions).where(_sessions.c.token_hash == token_hash).values(seen_at=now))


def end_console_session(connection: Connection, staff_id: int, token_hash: bytes) -> int:
    """Ends one session of this member; returns the number ended (0 or 1)."""
    mine = (_sessions.c.staff_id == staff_id) & (_sessions.c.token_hash == token_hash)
    return connection.execute(delete(_sessions).where(mine)).rowcount


def end_console_sessions(connection: Connection, staff_id: int, besides: bytes = b"") -> int:
    """Ends all sessions of this member except one; returns their number."""
    mine = (_sessions.c.staff_id == staff_id) & (_sessions.c.token_hash != besides)
    return connection.execute(delete(_sessions).where(mine)).rowcount


def delete_expired_console_sessions(connection: Connection, now: datetime, idle_since: datetime) -> int:
    """Deletes sessions that ended or were idle since then; returns their number."""
    expired = or_(_sessions.c.ends_at <= now, _sessions.c.seen_at <= idle_since)
    return connection.execute(delete(_sessions).where(expired)).rowcount
