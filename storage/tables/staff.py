"""Staff: members with their roles and codes. They are not residents, and no answer refers to them.

The chat of a member belongs to identity, like every address: ``staff_chats``.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal, NamedTuple, get_args

from sqlalchemy import ColumnElement, Connection, ForeignKey, Index, UniqueConstraint, delete, select, text, update
from sqlalchemy.orm import Mapped, mapped_column

from storage.core import bulk
from storage.core.base import Base, exactly, one_of, table_of
from storage.tables.contacts import AddressRow
from storage.tables.staff_credentials import StaffCredentialRow

Role = Literal["helper", "facilitator", "kernteam", "admin", "project", "relay", "observer", "auditor"]
ROLES: tuple[Role, ...] = get_args(Role)


class StaffRow(Base):
    """A member of staff with one personal code. Revoked rows stay; their name may then be used again."""

    __tablename__ = "staff"
    __table_args__ = (
        one_of("role", ROLES),
        exactly("code_hash", 32),
        UniqueConstraint("code_hash"),
        # At most one active member has a name, so that "revoke NAME" is unambiguous.
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
    code_hash: Mapped[bytes]  # keyed hash of the personal code, made by the caller; the code itself is not stored
    created_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
    used_at: Mapped[datetime | None]  # the last sign-in with the code
    assigned_only: Mapped[bool]  # whether the member acts only in the consultations of ``staff_assignments``
    signed_out_at: Mapped[datetime | None]  # tickets for the pages of helpers from before are invalid


class StaffChatRow(Base):
    """The one chat a member may work from. The row stays after the chat is unbound: a code binds a chat once."""

    __tablename__ = "staff_chats"
    __table_args__ = (exactly("lookup", 32), UniqueConstraint("lookup"))

    # Not "staff_id" as in decisions about proposals: that half has no addresses, not even of staff.
    member_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    lookup: Mapped[bytes | None] = mapped_column(ForeignKey("addresses.lookup", ondelete="SET NULL"))
    bound_at: Mapped[datetime]


class StaffMember(NamedTuple):
    """A whole row: the input of ``insert_staff`` and the result of the queries."""

    id: int
    name: str
    role: Role
    code_hash: bytes
    created_at: datetime
    revoked_at: datetime | None = None
    used_at: datetime | None = None
    assigned_only: bool = False
    signed_out_at: datetime | None = None


class NewStaffChat(NamedTuple):
    """The whole row; ``lookup`` is None once the chat is unbound."""

    member_id: int
    lookup: bytes | None
    bound_at: datetime


class BoundChat(NamedTuple):
    """The chat of a member, as its owner may see it: without the address."""

    channel: str
    bound_at: datetime


class TeamMember(NamedTuple):
    """A member of staff, found by the chat they write from."""

    lookup: bytes
    staff_id: int
    name: str
    role: Role
    assigned_only: bool = False

    @property
    def id(self) -> int:
        return self.staff_id


_staff = table_of(StaffRow)
_chats = table_of(StaffChatRow)
_columns = [_staff.c[field] for field in StaffMember._fields]
_insert = bulk.insert(_staff, StaffMember)
_in_chats = bulk.ByKeys(
    TeamMember,
    select(_chats.c.lookup, _chats.c.member_id, _staff.c.name, _staff.c.role, _staff.c.assigned_only)
    .join_from(_chats, _staff, _chats.c.member_id == _staff.c.id)
    .where(_staff.c.revoked_at.is_(None)),
    _chats.c.lookup,
)

bind_staff_chats = bulk.insert(_chats, NewStaffChat)
"""Binds chats to members. Raises Duplicate if the member or the chat is bound already."""


def insert_staff(connection: Connection, members: Sequence[StaffMember]) -> int:
    """Adds members. Raises Duplicate if an active member has that name."""
    return _insert(connection, members)


def staff_by_code(connection: Connection, code_hash: bytes) -> StaffMember | None:
    """Returns the member with this code, revoked or not."""
    return _one(connection, _staff.c.code_hash == code_hash)


def staff_by_id(connection: Connection, staff_id: int) -> StaffMember | None:
    """Returns the member with this id, revoked or not."""
    return _one(connection, _staff.c.id == staff_id)


def staff_names(connection: Connection, ids: Sequence[int]) -> dict[int, str]:
    """Returns the names of these members."""
    query = select(_staff.c.id, _staff.c.name).where(_staff.c.id.in_(ids))
    return {row.id: row.name for row in connection.execute(query)} if ids else {}


def staff_by_name(connection: Connection, name: str) -> StaffMember | None:
    """Returns the active member of this name."""
    return _one(connection, (_staff.c.name == name) & _staff.c.revoked_at.is_(None))


def staff_in_chats(connection: Connection, lookups: Sequence[bytes]) -> dict[bytes, TeamMember]:
    """Returns active members by the addresses they work from."""
    return {row.lookup: row for row in _in_chats(connection, lookups)}


def staff_chat_of(connection: Connection, staff_id: int) -> NewStaffChat | None:
    """Returns the chat that a member bound, unbound since or not."""
    row = connection.execute(
        select(_chats.c.member_id, _chats.c.lookup, _chats.c.bound_at).where(_chats.c.member_id == staff_id)
    ).first()
    return None if row is None else NewStaffChat._make(row)


def bound_chat_of(connection: Connection, staff_id: int) -> BoundChat | None:
    """Returns the chat that is bound to a member now, None without one."""
    addresses = table_of(AddressRow)
    query = (
        select(addresses.c.channel, _chats.c.bound_at)
        .join_from(_chats, addresses)
        .where(_chats.c.member_id == staff_id)
    )
    row = connection.execute(query).first()
    return None if row is None else BoundChat._make(row)


def forget_unbound_chat(connection: Connection, staff_id: int) -> None:
    """Deletes the row of a chat that was unbound, so that a new code of the member can bind a chat."""
    connection.execute(delete(_chats).where(_chats.c.member_id == staff_id, _chats.c.lookup.is_(None)))


def leave_staff_chat(connection: Connection, staff_id: int) -> None:
    """Unbinds the chat of a member."""
    connection.execute(update(_chats).where(_chats.c.member_id == staff_id).values(lookup=None))


def all_staff(connection: Connection) -> list[StaffMember]:
    """Returns all members, including revoked ones, by name and time."""
    query = select(*_columns).order_by(_staff.c.name, _staff.c.created_at, _staff.c.id)
    return [StaffMember._make(row) for row in connection.execute(query)]


def revoke_staff_member(connection: Connection, name: str, now: datetime) -> int:
    """Revokes a member; returns the number of members revoked (0 or 1)."""
    current = (_staff.c.name == name) & _staff.c.revoked_at.is_(None)
    return connection.execute(update(_staff).where(current).values(revoked_at=now)).rowcount


def sign_out_staff_member(connection: Connection, staff_id: int, now: datetime) -> None:
    """Records a sign-out from the pages of helpers."""
    connection.execute(update(_staff).where(_staff.c.id == staff_id).values(signed_out_at=now))


def has_console_owner(connection: Connection) -> bool:
    """Whether an active administrator has a credential for the console."""
    credentials = table_of(StaffCredentialRow)
    owner = (_staff.c.role == "admin") & _staff.c.revoked_at.is_(None)
    query = select(_staff.c.id).join(credentials, credentials.c.staff_id == _staff.c.id).where(owner).limit(1)
    return connection.execute(query).first() is not None


def lock_owners(connection: Connection) -> list[int]:
    """Returns the ids of the active administrators. Until the end of this transaction no other one changes them."""
    owner = (_staff.c.role == "admin") & _staff.c.revoked_at.is_(None)
    return list(connection.scalars(select(_staff.c.id).where(owner).order_by(_staff.c.id).with_for_update()))


def reinstate_staff_member(connection: Connection, staff_id: int) -> None:
    """Takes a revocation back. Raises Duplicate if an active member has the name."""
    connection.execute(update(_staff).where(_staff.c.id == staff_id).values(revoked_at=None))


def set_staff_role(connection: Connection, staff_id: int, role: Role) -> None:
    """Changes the role of a member."""
    connection.execute(update(_staff).where(_staff.c.id == staff_id).values(role=role))


def set_assigned_only(connection: Connection, staff_id: int, assigned_only: bool) -> None:
    """Limits a member to the assigned consultations, or lifts the limit."""
    connection.execute(update(_staff).where(_staff.c.id == staff_id).values(assigned_only=assigned_only))


def replace_staff_code(connection: Connection, staff_id: int, code_hash: bytes) -> None:
    """Replaces the personal code of a member; the earlier one becomes invalid."""
    connection.execute(update(_staff).where(_staff.c.id == staff_id).values(code_hash=code_hash))


def record_staff_sign_in(connection: Connection, staff_id: int, now: datetime) -> None:
    """Records that a code was used."""
    connection.execute(update(_staff).where(_staff.c.id == staff_id).values(used_at=now))


def _one(connection: Connection, condition: ColumnElement[bool]) -> StaffMember | None:
    row = connection.execute(select(*_columns).where(condition)).first()
    return None if row is None else StaffMember._make(row)
