"""Finds out whether other connections have written between the transactions of the writer, so that it may keep rows in
memory.

* SQLite counts what other connections commit (``PRAGMA data_version``).
* PostgreSQL numbers all transactions that write. Where the number of a transaction follows that of the one before, and
  none with a smaller number is running, nothing was written in between. Other databases of the same server count too:
  on a busy server rows are read again more often than needed.
"""

from typing import Final

from sqlalchemy import Connection

from storage.core import driver

_TRANSACTION: Final = "SELECT txid_current(), txid_current_snapshot()::text"
"""The numbers of this transaction, and those of others as ``smallest running:first not begun:running ones``."""


class WriteWatch:
    """Watches the transactions of one writer. All methods are called inside of them."""

    def __init__(self) -> None:
        self._data_version: tuple[object, object] | None = None
        self._last = -1
        """The number of the last transaction; -1 if others were running beside it."""

    def is_unchanged(self, connection: Connection) -> bool:
        """Whether no other connection has written since the transaction of the last call.

        On PostgreSQL call it after locking the rows that are kept: then they cannot change any more.
        """
        if connection.dialect.name == "sqlite":
            return self._is_unchanged_file(connection)
        number, running = driver.execute(connection, _TRANSACTION, ()).fetchone() or (0, "")
        is_next = number - self._last in {0, 1}
        is_alone = running == f"{number}:{number}:"
        self._last = number if is_alone else -1
        return is_next and is_alone

    def note(self, connection: Connection) -> None:
        """Notes a transaction of the writer that changes no kept row."""
        if connection.dialect.name == "postgresql":
            number, _ = driver.execute(connection, _TRANSACTION, ()).fetchone() or (0, "")
            self._last = number if number - self._last in {0, 1} else -1

    def _is_unchanged_file(self, connection: Connection) -> bool:
        (version,) = driver.execute(connection, "PRAGMA data_version", ()).fetchone() or (None,)
        before, self._data_version = self._data_version, (connection.connection.dbapi_connection, version)
        return before is not None and before[0] is self._data_version[0] and before[1] == version
