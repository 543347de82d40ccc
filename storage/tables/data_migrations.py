"""Work on stored rows that is done once, portion by portion, after a migration of the tables: how far it has come."""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, select
from sqlalchemy.orm import Mapped, mapped_column

from storage.core import bulk
from storage.core.base import Base, table_of


class DataMigrationRow(Base):
    """One piece of such work."""

    __tablename__ = "data_migrations"

    name: Mapped[str] = mapped_column(primary_key=True)
    position: Mapped[int]  # the id of the last row that was looked at
    finished_at: Mapped[datetime | None]


class DataMigrationProgress(NamedTuple):
    """How far a piece of work has come; ``finished_at`` None: there is more to do."""

    name: str
    position: int
    finished_at: datetime | None


_migrations = table_of(DataMigrationRow)

record_data_migration_progress = bulk.upsert(_migrations, DataMigrationProgress, key=("name",))
"""Take down how far work has come."""


def data_migration_progress(connection: Connection, name: str, *, lock: bool = False) -> DataMigrationProgress:
    """How far this work has come; at position 0 where it was not begun. With ``lock`` others that ask so wait until
    this transaction ends, from the second portion on; the first one twice is harmless.
    """
    query = select(*(_migrations.c[field] for field in DataMigrationProgress._fields)).where(_migrations.c.name == name)
    row = connection.execute(query.with_for_update() if lock else query).first()
    return DataMigrationProgress(name, 0, None) if row is None else DataMigrationProgress._make(row)
