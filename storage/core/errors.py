"""Errors of the store: classes that let a caller decide without parsing driver messages.

``translate_error`` turns the errors of both drivers into these classes; ``storage.core.engines`` installs it on every
engine. The SQL and its parameters are left out, because they contain residents' texts.
"""

import sqlite3
from typing import ClassVar


class StorageError(Exception):
    """The base of all errors of the store."""

    retryable: ClassVar[bool] = False
    """Whether the same work may be retried, now or later, and can succeed then. Nothing of it was written."""
    alarm: ClassVar[bool] = False
    """Whether an operator has to act."""

    def __init__(self, detail: str = "") -> None:
        self.summary = (type(self).__doc__ or "").partition("\n")[0]
        """The kind of error in words, without names of this installation."""
        super().__init__(f"{self.summary} ({detail})" if detail else self.summary)
        self.detail = detail


class StoreBusy(StorageError):
    """Another writer holds the database; the timeout has expired."""

    retryable = True


class StoreFull(StorageError):
    """There is no space left for new rows; what is stored is intact."""

    retryable = True
    alarm = True


class StoreLost(StorageError):
    """The database cannot be reached; nothing of this work was written."""

    retryable = True
    alarm = True


class CommitUnknown(StorageError):
    """The connection was lost during the commit: the work is written wholly or not at all, and it is unknown which.

    Run it again only when it recognises what it has already done, as everything that begins with ``take_messages``
    does.
    """

    alarm = True


class StoreMissing(StorageError):
    """A database was made for this data folder, and it is missing or empty now."""

    alarm = True


class StoreForeign(StorageError):
    """This is another database than the one that belongs to this data folder."""

    alarm = True


class StoreDamaged(StorageError):
    """The database is there but not usable: damaged, write-protected, or not ours."""

    alarm = True


class StoreOutdated(StorageError):
    """The tables are older than the program."""

    alarm = True


class StoreTooNew(StorageError):
    """The tables are newer than this program."""

    alarm = True


class BadStatement(StorageError):
    """The database refused a statement: an error of this program, or tables that were changed by hand."""

    alarm = True


class BadRow(StorageError):
    """A row violates a constraint. A retry fails again, unless the row is left out."""


class Duplicate(BadRow):
    """A row with this key is already there.

    Retryable, because another process may have written it after this one read the table: the second run reads it.
    """

    retryable = True


def translate_error(error: BaseException) -> StorageError | None:
    """Maps an error of a driver to a ``StorageError``; returns None for any other error.

    >>> locked = sqlite3.OperationalError("database is locked")
    >>> locked.sqlite_errorcode = sqlite3.SQLITE_BUSY
    >>> translate_error(locked)
    StoreBusy('Another writer holds the database; the timeout has expired. (database is locked)')
    """
    if isinstance(error, sqlite3.Error):
        return _from_sqlite(error)
    if isinstance(error, UnicodeError | OverflowError):
        return BadRow(f"a value that no database can hold: {type(error).__name__}")
    return _from_postgresql(error)


_SQLITE: dict[int, type[StorageError]] = {
    sqlite3.SQLITE_BUSY: StoreBusy,
    sqlite3.SQLITE_LOCKED: StoreBusy,
    sqlite3.SQLITE_INTERRUPT: StoreBusy,
    sqlite3.SQLITE_FULL: StoreFull,
    sqlite3.SQLITE_CANTOPEN: StoreLost,
    sqlite3.SQLITE_IOERR: StoreLost,
    sqlite3.SQLITE_NOMEM: StoreLost,
    sqlite3.SQLITE_CORRUPT: StoreDamaged,
    sqlite3.SQLITE_NOTADB: StoreDamaged,
    sqlite3.SQLITE_READONLY: StoreDamaged,
    sqlite3.SQLITE_PERM: StoreDamaged,
    sqlite3.SQLITE_AUTH: StoreDamaged,
    sqlite3.SQLITE_CONSTRAINT: BadRow,
    sqlite3.SQLITE_MISMATCH: BadRow,
    sqlite3.SQLITE_TOOBIG: BadRow,
    sqlite3.SQLITE_RANGE: BadStatement,
}
_SQLITE_DUPLICATE = frozenset(
    {sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY, sqlite3.SQLITE_CONSTRAINT_ROWID}
)


def _from_sqlite(error: sqlite3.Error) -> StorageError:
    """Maps by result code; the module itself raises some errors without one (a wrong type, a closed connection)."""
    code: int | None = getattr(error, "sqlite_errorcode", None)
    kind: type[StorageError]
    if code is None:
        kind = BadRow if isinstance(error, sqlite3.InterfaceError | sqlite3.DataError) else BadStatement
    elif code in _SQLITE_DUPLICATE:
        kind = Duplicate
    else:
        kind = _SQLITE.get(code & 0xFF, BadStatement)  # the low byte is the primary code, the rest is the details
    return kind(str(error))


_POSTGRESQL: tuple[tuple[str, type[StorageError]], ...] = (
    ("40", StoreBusy),  # serialization failure, deadlock
    ("55P03", StoreBusy),  # lock_timeout
    ("57014", StoreBusy),  # statement_timeout
    ("25P03", StoreBusy),  # idle in transaction
    ("25P04", StoreBusy),  # transaction_timeout
    ("53100", StoreFull),
    ("53", StoreLost),  # out of memory, too many connections
    ("57P", StoreLost),  # shutting down, starting up
    ("08", StoreLost),
    ("58", StoreLost),  # the server could not read or write its files
    ("23505", Duplicate),
    ("22", BadRow),
    ("23", BadRow),
    ("54", BadRow),  # a value exceeds the maximum size of a page or an index entry
    ("28", StoreDamaged),  # password or user refused
    ("3D", StoreDamaged),  # no such database
    ("XX", StoreDamaged),
    ("25006", StoreDamaged),  # a read-only standby, or a reader that tries to write
)


def _from_postgresql(error: BaseException) -> StorageError | None:
    """Maps by SQLSTATE. Imports the driver late, because an installation with SQLite does not need it."""
    try:
        import psycopg
    except ImportError:
        return None
    if not isinstance(error, psycopg.Error):
        return None
    state = error.sqlstate
    if state is None:
        # Errors of the client library have no state: a lost or refused connection, or a value it cannot encode.
        if isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
            return StoreLost(_first_line(error))
        return (
            BadRow(type(error).__name__) if isinstance(error, psycopg.DataError) else BadStatement(_first_line(error))
        )
    kind = next((kind for prefix, kind in _POSTGRESQL if state.startswith(prefix)), BadStatement)
    # The server quotes the row in its messages; constraint and code are enough and contain no text of residents.
    rule = error.diag.constraint_name
    return kind(f"{state} {rule}" if rule else f"{state} {type(error).__name__}")


def _first_line(error: BaseException) -> str:
    return str(error).strip().partition("\n")[0]
