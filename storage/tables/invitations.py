"""Invitations to the console: links that are valid once and for a limited time. The table stores a keyed hash."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, ForeignKey, delete, select, update
from sqlalchemy.orm import Mapped, mapped_column

from storage.core import bulk
from storage.core.base import Base, exactly, table_of


class InvitationRow(Base):
    """One link. Used rows stay, so that a second use can be told from a wrong link."""

    __tablename__ = "invitations"
    __table_args__ = (exactly("token_hash", 32),)

    token_hash: Mapped[bytes] = mapped_column(primary_key=True)
    # NULL: the owner link of a first start, which creates the account under a name that its owner chooses.
    staff_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id", ondelete="CASCADE"), index=True)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class Invitation(NamedTuple):
    """A whole row: the input of ``insert_invitations`` and the result of the queries."""

    token_hash: bytes
    staff_id: int | None
    created_at: datetime
    expires_at: datetime
    used_at: datetime | None = None


_invitations = table_of(InvitationRow)
_columns = [_invitations.c[field] for field in Invitation._fields]
_insert = bulk.insert(_invitations, Invitation)


def insert_invitations(connection: Connection, invitations: Sequence[Invitation]) -> int:
    """Adds invitations."""
    return _insert(connection, invitations)


def invitation_by_token(connection: Connection, token_hash: bytes) -> Invitation | None:
    """Returns the invitation with this token, used or expired or not."""
    row = connection.execute(select(*_columns).where(_invitations.c.token_hash == token_hash)).first()
    return None if row is None else Invitation._make(row)


def use_invitation(connection: Connection, token_hash: bytes, now: datetime) -> bool:
    """Marks an invitation as used. Returns False if it was used, also by a transaction that ran beside this one."""
    unused = (_invitations.c.token_hash == token_hash) & _invitations.c.used_at.is_(None)
    return connection.execute(update(_invitations).where(unused).values(used_at=now)).rowcount > 0


def delete_open_invitations(connection: Connection, staff_id: int | None) -> int:
    """Deletes the unused invitations of this account (None: owner links); returns their number."""
    owner = _invitations.c.staff_id.is_(None) if staff_id is None else _invitations.c.staff_id == staff_id
    return connection.execute(delete(_invitations).where(owner & _invitations.c.used_at.is_(None))).rowcount
