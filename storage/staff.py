"""The people who work here: who may help, ask, read and run. They are no residents, and no answer leads to them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal, NamedTuple

from sqlalchemy import ColumnElement, Connection, Index, UniqueConstraint, select, text, update
from sqlalchemy.orm import Mapped, mapped_column

from storage import bulk
from storage.base import Base, exactly, one_of, table_of

Role = Literal["helper", "facilitator", "kernteam", "admin"]
ROLES: tuple[Role, ...] = ("helper", "facilitator", "kernteam", "admin")


class Staff(Base):
    """Somebody who works here, with one personal code. Revoked rows stay: a name may then be given anew."""

    __tablename__ = "staff"
    __table_args__ = (
        one_of("role", ROLES),
        exactly("code_hash", 32),
        UniqueConstraint("code_hash"),
        # Of several with one name at most one is let in, so that "revoke NAME" says whom.
        Index(
            "ix_staff_name",
            "name",
            unique=True,
            sqlite_where=text("revoked_at IS NULL"),
            postgresql_where=text("revoked_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    name: Mapped[str]
    role: Mapped[str]
    code_hash: Mapped[bytes]  # keyed hash of the personal code, made by the caller; the code itself is nowhere
    created_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
    used_at: Mapped[datetime | None]  # the last time somebody signed in with the code


class StaffMember(NamedTuple):
    """A whole row: what ``insert`` takes and what the queries give."""

    id: int
    name: str
    role: Role
    code_hash: bytes
    created_at: datetime
    revoked_at: datetime | None = None
    used_at: datetime | None = None


_staff = table_of(Staff)
_columns = [_staff.c[field] for field in StaffMember._fields]
_insert = bulk.insert(_staff, StaffMember)


def insert(connection: Connection, members: Sequence[StaffMember]) -> int:
    """Add people. Raises Duplicate where somebody of that name is let in already."""
    return _insert(connection, members)


def by_code(connection: Connection, code_hash: bytes) -> StaffMember | None:
    """Whose code this is, revoked or not."""
    return _one(connection, _staff.c.code_hash == code_hash)


def by_id(connection: Connection, staff_id: int) -> StaffMember | None:
    """One person, revoked or not."""
    return _one(connection, _staff.c.id == staff_id)


def everybody(connection: Connection) -> list[StaffMember]:
    """All people, also those who are revoked, by name and time."""
    query = select(*_columns).order_by(_staff.c.name, _staff.c.created_at, _staff.c.id)
    return [StaffMember._make(row) for row in connection.execute(query)]


def revoke(connection: Connection, name: str, now: datetime) -> int:
    """Let somebody in no more; gives how many there were (0 or 1)."""
    current = (_staff.c.name == name) & _staff.c.revoked_at.is_(None)
    return connection.execute(update(_staff).where(current).values(revoked_at=now)).rowcount


def used(connection: Connection, staff_id: int, now: datetime) -> None:
    """Take down that a code was used."""
    connection.execute(update(_staff).where(_staff.c.id == staff_id).values(used_at=now))


def _one(connection: Connection, condition: ColumnElement[bool]) -> StaffMember | None:
    row = connection.execute(select(*_columns).where(condition)).first()
    return None if row is None else StaffMember._make(row)
