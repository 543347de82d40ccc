"""Checks whether SQLite's connections have the files in the folder open: the database, its journal (`-wal`) and the
shared index of the journal (`-shm`).

A deleted file stays writable for a process that has it open: answers would be acknowledged and lost. A few checks of
the folder per transaction detect this before any answer is acknowledged.
"""

import os
import sqlite3
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import Engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection

_Identity = tuple[int, int] | None
_FILES, _ERA = "files", "era"


class StaleFiles(Exception):
    """The files of a connection are no longer those in the folder."""


class FileIdentities(NamedTuple):
    """Device and inode of each file; None if it is missing, or if the database is empty."""

    database: _Identity
    journal: _Identity
    shared: _Identity


class SqliteFiles:
    """The files of one database, checked for all its connections."""

    def __init__(self, file: Path) -> None:
        self._database = str(file)
        self._journal, self._shared = f"{file}-wal", f"{file}-shm"
        self._era = 0

    def look(self) -> FileIdentities:
        """Returns the identities of the files in the folder now."""
        return FileIdentities(
            _identity(self._database, may_be_empty=False), _identity(self._journal), _identity(self._shared)
        )

    def watch(self, engine: Engine) -> None:
        """Installs the check: checking out a stale connection of this engine raises `StaleFiles`."""

        @event.listens_for(engine, "connect")
        def opened(_: DBAPIConnection, record: ConnectionPoolEntry) -> None:
            record.info.update({_FILES: self.look(), _ERA: self._era})

        @event.listens_for(engine, "checkout")
        def used(connection: DBAPIConnection, record: ConnectionPoolEntry, _: PoolProxiedConnection) -> None:
            if not self._is_right(record.info[_FILES]):
                self._rescue(connection, record.info[_FILES])
                raise StaleFiles

        @event.listens_for(engine, "checkin")
        def given_back(connection: DBAPIConnection | None, record: ConnectionPoolEntry) -> None:
            # An old connection would keep the old files open, and SQLite would use their index for new connections too.
            if connection is not None and record.info[_ERA] != self._era:
                record.invalidate()

    def are_right(self, connection: PoolProxiedConnection) -> bool:
        """Whether this connection, which was used before, has the current files open."""
        return self.is_of_this_era(connection) and self._is_right(connection.info[_FILES])

    def is_of_this_era(self, connection: PoolProxiedConnection) -> bool:
        """Whether the connection was opened after all connections were last closed."""
        return bool(connection.info[_ERA] == self._era)

    def has_kept(self, connection: PoolProxiedConnection) -> bool:
        """Whether the last commit on this connection is in the current files."""
        held: FileIdentities = connection.info[_FILES]
        return self._is_right(held) or self._rescue(connection.dbapi_connection, held)

    def _is_right(self, held: FileIdentities) -> bool:
        return None not in held and held == self.look()

    def begin_anew(self, *engines: Engine) -> None:
        """Closes all connections; those in use when they are returned."""
        self._era += 1
        for engine in engines:
            engine.dispose()

    def _rescue(self, connection: Any, held: FileIdentities) -> bool:
        """Recovers if only the journal was deleted: it contains acknowledged answers, and this connection still has it
        open. Writes it back into the database, unless another program has begun its own journal; returns whether that
        succeeded.
        """
        if held.database is None or held.database != _identity(self._database, may_be_empty=False):
            return False
        with suppress(OSError):
            journal = os.stat(self._journal)  # noqa: PTH116 - as below
            if journal.st_size and (journal.st_dev, journal.st_ino) != held.journal:
                return False
        try:
            is_busy, *_ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        except sqlite3.Error:
            return False
        return not is_busy


def _identity(path: str, *, may_be_empty: bool = True) -> _Identity:
    try:
        found = os.stat(path)  # noqa: PTH116 - at every transaction: pathlib takes three times as long
    except OSError:
        return None
    return (found.st_dev, found.st_ino) if may_be_empty or found.st_size else None
