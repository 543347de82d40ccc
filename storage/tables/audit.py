"""The audit log: the acts of staff, with interface and purpose. Rows are only added.

Each row has a MAC over its content and the MAC of the row before, made by the caller, so that a change can be detected.
Nothing here identifies a resident: no address, no pseudonym, no words of theirs.
"""

from collections.abc import Collection, Iterator
from datetime import datetime
from typing import Final, Literal, NamedTuple, get_args

from sqlalchemy import ColumnElement, Connection, Index, Select, false, func, or_, select
from sqlalchemy.orm import Mapped, mapped_column

from storage.core import bulk
from storage.core.base import Base, exactly, one_of, table_of

AuditInterface = Literal["cli", "chat", "api", "page", "system"]
LOCK: Final = 0x41756469  # "Audi", as in `storage.migrate`
PAGE: Final = 1_000


class AuditRow(Base):
    """One act. ``id`` counts from 1 without gaps, so that a missing row is noticed."""

    __tablename__ = "audit"
    __table_args__ = (
        one_of("door", get_args(AuditInterface)),
        exactly("previous", 32),
        exactly("mac", 32),
        Index(None, "act", "object"),
    )

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[datetime]
    actor: Mapped[str]  # name of a member of staff, label of an API key, or user of the operating system
    role: Mapped[str]  # role of the member of staff at that moment; empty for the operating system
    door: Mapped[str]
    act: Mapped[str]  # no CHECK: newer programs add acts, and their rows stay
    object: Mapped[str]  # the slug of a consultation, alone or before a slash; or another object
    purpose: Mapped[str]
    previous: Mapped[bytes]  # MAC of the row before; zeros in the first one
    mac: Mapped[bytes]


class StoredAuditEntry(NamedTuple):
    """A whole row: the input of ``insert_audit_entry`` and the result of the queries."""

    id: int
    at: datetime
    actor: str
    role: str
    door: AuditInterface
    act: str
    object: str
    purpose: str
    previous: bytes
    mac: bytes


_audit = table_of(AuditRow)
_columns = [_audit.c[field] for field in StoredAuditEntry._fields]
_insert = bulk.insert(_audit, StoredAuditEntry)


def lock_last_audit_entry(connection: Connection) -> StoredAuditEntry | None:
    """Returns the newest row. Until the end of this transaction no other one can add a row.

    SQLite has one write transaction at a time. On PostgreSQL a row lock is not enough: a transaction that waited for it
    would not see the row that was added meanwhile.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(LOCK)))
    return last_audit_entry(connection)


def insert_audit_entry(connection: Connection, entry: StoredAuditEntry) -> None:
    """Adds a row. Raises Duplicate if its id exists."""
    _insert(connection, [entry])


def last_audit_entry(connection: Connection) -> StoredAuditEntry | None:
    """Returns the newest row."""
    return _one(connection, select(*_columns).order_by(_audit.c.id.desc()).limit(1))


def audit_entry_by_id(connection: Connection, number: int) -> StoredAuditEntry | None:
    """Returns the row with this id."""
    return _one(connection, select(*_columns).where(_audit.c.id == number))


def last_audit_entry_about(connection: Connection, act: str, about: str) -> StoredAuditEntry | None:
    """Returns the newest row about this act on this object."""
    found = (_audit.c.act == act) & (_audit.c.object == about)
    return _one(connection, select(*_columns).where(found).order_by(_audit.c.id.desc()).limit(1))


def audit_entries(
    connection: Connection, *, slug: str = "", since: datetime | None = None
) -> Iterator[StoredAuditEntry]:
    """Yields the rows, oldest first, read in pages: all, or those about one consultation, or from a moment on."""
    query = select(*_columns).order_by(_audit.c.id).limit(PAGE)
    if slug:
        query = query.where(_is_about(slug))
    if since is not None:
        query = query.where(_audit.c.at >= since)
    after = None
    while True:
        page = connection.execute(query if after is None else query.where(_audit.c.id > after)).all()
        yield from map(StoredAuditEntry._make, page)
        if len(page) < PAGE:
            return
        after = page[-1].id


def newest_audit_entries(
    connection: Connection,
    limit: int,
    *,
    before: int | None = None,
    about: str = "",
    actor: str = "",
    slugs: Collection[str] | None = None,
) -> list[StoredAuditEntry]:
    """Returns the newest rows, newest first: before a row, about one consultation, or by one actor.

    ``slugs``: only rows about these consultations.
    """
    query = select(*_columns).order_by(_audit.c.id.desc()).limit(limit)
    if before is not None:
        query = query.where(_audit.c.id < before)
    if about:
        query = query.where(_is_about(about))
    if slugs is not None:
        query = query.where(or_(false(), *(_is_about(slug) for slug in sorted(slugs))))
    if actor:
        query = query.where(_audit.c.actor == actor)
    return [StoredAuditEntry._make(row) for row in connection.execute(query)]


def audit_entries_of(connection: Connection, acts: Collection[str], since: datetime) -> list[StoredAuditEntry]:
    """Returns the rows of these acts since a moment, oldest first."""
    query = select(*_columns).where(_audit.c.act.in_(acts), _audit.c.at >= since).order_by(_audit.c.id)
    return [StoredAuditEntry._make(row) for row in connection.execute(query)]


def _is_about(slug: str) -> ColumnElement[bool]:
    return or_(_audit.c.object == slug, _audit.c.object.startswith(f"{slug}/", autoescape=True))


def _one(connection: Connection, query: Select[tuple[object, ...]]) -> StoredAuditEntry | None:
    row = connection.execute(query).first()
    return None if row is None else StoredAuditEntry._make(row)
