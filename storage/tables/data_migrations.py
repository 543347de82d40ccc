"""Progress of data migrations: one-time work on stored rows, batch by batch, after a migration of the tables."""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, select
from sqlalchemy.orm import Mapped, mapped_column

from storage.core import bulk
from storage.core.base import Base, table_of


class DataMigrationRow(Base):
    """One data migration."""

    __tablename__ = "data_migrations"

    name: Mapped[str] = mapped_column(primary_key=True)
    position: Mapped[int]  # the id of the last row processed
    finished_at: Mapped[datetime | None]


class DataMigrationProgress(NamedTuple):
    """The progress of a data migration; ``finished_at`` None: there is more to do."""

    name: str
    position: int
    finished_at: datetime | None


_migrations = table_of(DataMigrationRow)

record_data_migration_progress = bulk.upsert(_migrations, DataMigrationProgress, key=("name",))
"""Stores the progress of data migrations."""


def data_migration_progress(connection: Connection, name: str, *, lock: bool = False) -> DataMigrationProgress:
    """Returns the progress of a data migration; position 0 if it has not begun. With ``lock`` other callers wait until
    this transaction ends, from the second batch on; running the first one twice is harmless.
    """
    query = select(*(_migrations.c[field] for field in DataMigrationProgress._fields)).where(_migrations.c.name == name)
    row = connection.execute(query.with_for_update() if lock else query).first()
    return DataMigrationProgress(name, 0, None) if row is None else DataMigrationProgress._make(row)
