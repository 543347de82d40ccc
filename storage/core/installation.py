"""The id of a database: a random value in one row, made with the tables.

A data folder stores the id of its database (``bot/common/database_mark.py``), so that an empty or another database is
detected. The id is not secret and identifies no person.
"""

import sqlite3
from typing import NamedTuple

from sqlalchemy import Connection, inspect, select
from sqlalchemy.orm import Mapped, mapped_column

from storage.core.base import Base, exactly, table_of

QUERY = "SELECT id FROM installation"
"""For a connection that is being opened, before SQLAlchemy uses it; valid in both dialects."""


class InstallationRow(Base):
    """The row with the id; the migration that creates the table inserts it."""

    __tablename__ = "installation"
    __table_args__ = (exactly("id", 32),)

    id: Mapped[str] = mapped_column(primary_key=True)  # 32 hexadecimal digits


_installation = table_of(InstallationRow)


class FoundInstallation(NamedTuple):
    """The database behind a URL."""

    has_tables: bool
    id: str | None = None
    """None if the table does not exist: the database is empty, or older than this program."""


def find_installation(connection: Connection) -> FoundInstallation:
    """Checks whether the tables of this program exist, and reads the id of the database."""
    inspector = inspect(connection)
    has_tables = inspector.has_table("alembic_version")
    if not inspector.has_table(_installation.name):
        return FoundInstallation(has_tables)
    return FoundInstallation(has_tables, connection.execute(select(_installation.c.id)).scalar())


def find_installation_in_copy(copy: sqlite3.Connection) -> FoundInstallation:
    """Checks a file of SQLite that is not an open store, such as a backup, in the same way."""
    tables = {name for (name,) in copy.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    row = copy.execute(QUERY).fetchone() if _installation.name in tables else None
    return FoundInstallation("alembic_version" in tables, row[0] if row else None)
