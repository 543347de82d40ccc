"""Credentials of staff for the console: password, one-time password, passkeys, recovery codes, linked accounts.

No credential is stored in a form that signs in: passwords as Argon2 hashes, TOTP secrets encrypted by the caller, of
passkeys the public key, of recovery codes and of accounts at an identity provider a keyed hash.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal, NamedTuple, get_args

from sqlalchemy import ColumnElement, Connection, ForeignKey, UniqueConstraint, delete, select, update
from sqlalchemy.orm import Mapped, mapped_column

from storage.core import bulk
from storage.core.base import Base, one_of, table_of

CredentialKind = Literal["password", "totp", "passkey", "recovery", "oidc"]


class StaffCredentialRow(Base):
    """One credential of a member."""

    __tablename__ = "staff_credentials"
    __table_args__ = (one_of("kind", get_args(CredentialKind)), UniqueConstraint("handle"))

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id", ondelete="CASCADE"), index=True)
    kind: Mapped[str]
    handle: Mapped[bytes | None]  # how it is found: id of a passkey, hash of a recovery code or a linked account
    secret: Mapped[bytes]  # Argon2 hash of a password, or public key of a passkey in COSE form; else empty
    sealed: Mapped[bytes | None]  # the TOTP secret, encrypted by the caller
    counter: Mapped[int]  # passkey: signature counter; TOTP: the last time step that was used
    label: Mapped[str]  # name of the device, given by the member; of a linked account, its name there
    created_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class StaffCredential(NamedTuple):
    """A whole row: the input of ``insert_staff_credentials`` and the result of the queries."""

    id: int
    staff_id: int
    kind: CredentialKind
    handle: bytes | None
    secret: bytes
    sealed: bytes | None
    counter: int
    label: str
    created_at: datetime
    used_at: datetime | None = None


_credentials = table_of(StaffCredentialRow)
_columns = [_credentials.c[field] for field in StaffCredential._fields]
_insert = bulk.insert(_credentials, StaffCredential)


def totp_context(credential_id: int) -> bytes:
    """Returns the value to which the encrypted TOTP secret of this row is bound."""
    return b"totp/%d" % credential_id


def insert_staff_credentials(connection: Connection, credentials: Sequence[StaffCredential]) -> int:
    """Adds credentials. Raises Duplicate for a handle that exists."""
    return _insert(connection, credentials)


def credentials_of_staff(connection: Connection, staff_id: int) -> list[StaffCredential]:
    """Returns all credentials of a member, oldest first."""
    query = select(*_columns).where(_credentials.c.staff_id == staff_id)
    rows = connection.execute(query.order_by(_credentials.c.created_at, _credentials.c.id))
    return [StaffCredential._make(row) for row in rows]


def credential_by_handle(connection: Connection, handle: bytes) -> StaffCredential | None:
    """Returns the passkey, recovery code or linked account with this handle."""
    row = connection.execute(select(*_columns).where(_credentials.c.handle == handle)).first()
    return None if row is None else StaffCredential._make(row)


def record_credential_use(connection: Connection, credential: StaffCredential, counter: int, now: datetime) -> bool:
    """Records a use and the new counter. Returns False if another transaction used the credential meanwhile."""
    unchanged = (_credentials.c.id == credential.id) & (_credentials.c.counter == credential.counter)
    return connection.execute(update(_credentials).where(unchanged).values(counter=counter, used_at=now)).rowcount > 0


def delete_staff_credential(connection: Connection, staff_id: int, credential_id: int) -> int:
    """Deletes one credential of this member; returns the number deleted (0 or 1)."""
    return _delete(connection, (_credentials.c.staff_id == staff_id) & (_credentials.c.id == credential_id))


def delete_staff_credentials(connection: Connection, staff_id: int, kinds: Sequence[CredentialKind]) -> int:
    """Deletes all credentials of these kinds; returns their number."""
    return _delete(connection, (_credentials.c.staff_id == staff_id) & _credentials.c.kind.in_(kinds))


def _delete(connection: Connection, condition: ColumnElement[bool]) -> int:
    return connection.execute(delete(_credentials).where(condition)).rowcount
