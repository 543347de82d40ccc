"""Settings that owners change in the console, in versions: the newest row is in force, older ones can be restored."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, func, select
from sqlalchemy.orm import Mapped, mapped_column

from storage.core import bulk
from storage.core.base import Base, exactly, table_of


class PageSettingsRow(Base):
    """One version of all settings that the console changes."""

    __tablename__ = "page_settings"

    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)  # counts from 1
    content: Mapped[str]  # JSON object of what owners set
    changed_at: Mapped[datetime]
    changed_by: Mapped[str]  # name of the member, as in the audit log


class LogoRow(Base):
    """An image that a version of the settings names."""

    __tablename__ = "logos"
    __table_args__ = (exactly("digest", 32),)

    digest: Mapped[bytes] = mapped_column(primary_key=True)  # SHA-256 of the content
    content_type: Mapped[str]
    content: Mapped[bytes]  # checked and cleaned by the caller
    stored_at: Mapped[datetime]


class PageSettingsVersion(NamedTuple):
    """A whole row: the input of ``insert_page_settings`` and the result of the queries."""

    version: int
    content: str
    changed_at: datetime
    changed_by: str


class StoredLogo(NamedTuple):
    """A whole row: the input of ``insert_logos`` and the result of the queries."""

    digest: bytes
    content_type: str
    content: bytes
    stored_at: datetime


_settings = table_of(PageSettingsRow)
_logos = table_of(LogoRow)
_columns = [_settings.c[field] for field in PageSettingsVersion._fields]
_insert = bulk.insert(_settings, PageSettingsVersion)
insert_logos = bulk.insert(_logos, StoredLogo)
"""Stores images. Raises Duplicate for a digest that exists."""


def insert_page_settings(connection: Connection, versions: Sequence[PageSettingsVersion]) -> int:
    """Adds versions. Raises Duplicate for a version that exists: another transaction was faster."""
    return _insert(connection, versions)


def newest_page_settings(connection: Connection, limit: int = 1) -> list[PageSettingsVersion]:
    """Returns the newest versions, newest first."""
    query = select(*_columns).order_by(_settings.c.version.desc()).limit(limit)
    return [PageSettingsVersion._make(row) for row in connection.execute(query)]


def page_settings_by_version(connection: Connection, version: int) -> PageSettingsVersion | None:
    """Returns one version."""
    row = connection.execute(select(*_columns).where(_settings.c.version == version)).first()
    return None if row is None else PageSettingsVersion._make(row)


def newest_page_settings_number(connection: Connection) -> int:
    """Returns the number of the version in force, 0 before the first one."""
    return connection.scalar(select(func.max(_settings.c.version))) or 0


def logo_by_digest(connection: Connection, digest: bytes) -> StoredLogo | None:
    """Returns one image."""
    columns = [_logos.c[field] for field in StoredLogo._fields]
    row = connection.execute(select(*columns).where(_logos.c.digest == digest)).first()
    return None if row is None else StoredLogo._make(row)
