"""The writing connection: reused by transactions, which begin and end without SQLAlchemy's bookkeeping.

For SQLAlchemy, checking out, beginning, committing and returning a connection costs more than SQLite needs for a turn.
So SQLAlchemy sees only the first begin, and no end: transactions begin and end at the driver. Statements and savepoints
work as usual. ``storage.core.store`` uses it from one thread at a time.
"""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from sqlalchemy import Connection

from storage.core.driver import take_over
from storage.core.errors import CommitUnknown, StorageError, StoreLost
from storage.core.sqlite_files import SqliteFiles


class WriteConnection:
    """A connection that runs one transaction after another."""

    def __init__(self, connect: Callable[[], Connection], files: SqliteFiles | None) -> None:
        """``connect`` takes a connection from the pool; ``files`` are those of SQLite."""
        self._connect = connect
        self._files = files
        self._held: Connection | None = None
        self._driver: Any = None

    def begin(self) -> Connection:
        """Begins a transaction; call ``commit`` or ``undo`` next. Raises the classes of ``storage.core.errors``."""
        held = self._held
        if held is not None and (self._files is None or self._files.are_right(held.connection)):
            if self._files is not None:  # the driver of PostgreSQL begins at the first statement
                self._do(self._driver.execute, "BEGIN IMMEDIATE")
            return held
        self.let_go()
        connection = self._connect()
        try:
            connection.begin()
        except BaseException:
            connection.close()
            raise
        self._held, self._driver = connection, connection.connection.dbapi_connection
        return connection

    def commit(self) -> None:
        """Commits. Raises an error if nothing was written, CommitUnknown if that is uncertain."""
        try:
            self._do(self._driver.commit)
        except StorageError as error:
            self.undo()
            if isinstance(error, StoreLost):
                raise CommitUnknown(error.detail) from error
            raise
        if self._held and self._files and not self._files.has_kept(self._held.connection):
            raise CommitUnknown("the files of the database were removed or replaced")

    def undo(self) -> None:
        """Rolls back. Ignores errors on a lost connection, so that the first error is reported."""
        if self._held is None:
            return
        if self._held.invalidated:
            self.let_go()
        else:
            with suppress(StorageError):
                self._do(self._driver.rollback)

    def is_outdated(self) -> bool:
        """Whether the connection belongs to files that are no longer in use."""
        held = self._held
        return held is not None and self._files is not None and not self._files.is_of_this_era(held.connection)

    def let_go(self) -> None:
        """Returns the connection to the pool, if there is one."""
        held, self._held, self._driver = self._held, None, None
        if held is not None:
            with suppress(StorageError):
                held.close()

    def close(self) -> None:
        """Closes the connection; its pool was disposed of and would not close it."""
        if self._held is not None:
            with suppress(StorageError):
                self._held.detach()
            self.let_go()

    def _do(self, action: Callable[..., object], *arguments: object) -> None:
        try:
            action(*arguments)
        except Exception as failure:
            error = take_over(failure)
            if error is None:
                raise
            if isinstance(error, StoreLost) and self._held is not None:
                self._held.invalidate(failure)
                self.let_go()
            raise error from failure
