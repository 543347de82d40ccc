"""Which database this is: a random id that stands in one row, made with the tables.

A data folder remembers the id of its database (``bot/common/database_mark.py``), so that an empty or another database
in its place is told from the right one. The id is no secret and says nothing about people.
"""

import sqlite3
from typing import NamedTuple

from sqlalchemy import Connection, inspect, select
from sqlalchemy.orm import Mapped, mapped_column

from storage.core.base import Base, exactly, table_of

QUERY = "SELECT id FROM installation"
"""For connections that are only being opened, in words of both drivers."""


class InstallationRow(Base):
    """One row, made by the migration that makes the table."""

    __tablename__ = "installation"
    __table_args__ = (exactly("id", 32),)

    id: Mapped[str] = mapped_column(primary_key=True)  # 32 hexadecimal digits


_installation = table_of(InstallationRow)


class FoundInstallation(NamedTuple):
    """What is behind a URL."""

    has_tables: bool
    id: str | None = None
    """None where there is no such table: the database is empty, or older than this program."""


def find_installation(connection: Connection) -> FoundInstallation:
    """Looks whether the tables of this program are there, and which database they belong to."""
    inspector = inspect(connection)
    has_tables = inspector.has_table("alembic_version")
    if not inspector.has_table(_installation.name):
        return FoundInstallation(has_tables)
    return FoundInstallation(has_tables, connection.execute(select(_installation.c.id)).scalar())


def find_installation_in_copy(copy: sqlite3.Connection) -> FoundInstallation:
    """The same of a file of SQLite which is no open store: a backup."""
    tables = {name for (name,) in copy.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    row = copy.execute(QUERY).fetchone() if _installation.name in tables else None
    return FoundInstallation("alembic_version" in tables, row[0] if row else None)
