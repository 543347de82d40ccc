"""API keys for other programs. Each belongs to one member of staff."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, UniqueConstraint, select, update
from sqlalchemy.orm import Mapped, mapped_column

from storage.core import bulk
from storage.core.base import Base, Json, exactly, table_of


class ApiKeyRow(Base):
    """One key. Revoked rows stay, so that past use can be explained."""

    __tablename__ = "api_keys"
    __table_args__ = (exactly("key_hash", 32), UniqueConstraint("key_hash"), UniqueConstraint("label"))

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    label: Mapped[str]  # the first part of the key, its public name; reveals nothing about the rest
    staff_id: Mapped[int]  # the member responsible for it; no foreign key: former staff may be deleted
    key_hash: Mapped[bytes]  # keyed hash of the whole key, made by the caller; the key itself is not stored
    scopes: Mapped[Any] = mapped_column(Json, nullable=False)  # what it permits: ["read", "moderate" …]
    slug: Mapped[str | None]  # the one consultation it is valid for; NULL: all
    created_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
    used_at: Mapped[datetime | None]  # to the hour


class StoredApiKey(NamedTuple):
    """A whole row: the input of ``insert_api_keys`` and the result of the queries."""

    id: int
    label: str
    staff_id: int
    key_hash: bytes
    scopes: list[str]
    slug: str | None
    created_at: datetime
    revoked_at: datetime | None = None
    used_at: datetime | None = None


_keys = table_of(ApiKeyRow)
_columns = [_keys.c[field] for field in StoredApiKey._fields]
_insert = bulk.insert(_keys, StoredApiKey)


def insert_api_keys(connection: Connection, keys: Sequence[StoredApiKey]) -> int:
    """Adds keys. Raises Duplicate for a label or a hash that exists."""
    return _insert(connection, keys)


def api_key_by_hash(connection: Connection, key_hash: bytes) -> StoredApiKey | None:
    """Returns the key with this hash, revoked or not."""
    row = connection.execute(select(*_columns).where(_keys.c.key_hash == key_hash)).first()
    return None if row is None else StoredApiKey._make(row)


def all_api_keys(connection: Connection) -> list[StoredApiKey]:
    """Returns all keys, oldest first, including revoked ones."""
    rows = connection.execute(select(*_columns).order_by(_keys.c.created_at, _keys.c.id))
    return [StoredApiKey._make(row) for row in rows]


def revoke_api_key(connection: Connection, label: str, now: datetime) -> int:
    """Revokes a key; returns the number of keys revoked (0 or 1)."""
    current = (_keys.c.label == label) & _keys.c.revoked_at.is_(None)
    return connection.execute(update(_keys).where(current).values(revoked_at=now)).rowcount


def record_api_key_use(connection: Connection, key_id: int, now: datetime) -> None:
    """Records that a key was used."""
    connection.execute(update(_keys).where(_keys.c.id == key_id).values(used_at=now))
