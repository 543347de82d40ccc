"""Executes a compiled statement at the driver, below SQLAlchemy, and raises the errors of the store."""

from typing import Any

from sqlalchemy import Connection
from sqlalchemy.engine.interfaces import DBAPICursor

from storage.core.errors import StorageError, StoreLost, translate_error


def execute(connection: Connection, sql: str, parameters: Any, *, many: bool = False) -> DBAPICursor:
    """Runs a statement in the connection's transaction, which has begun, and returns the driver's cursor.

    For the few statements of the message path, which are compiled once and whose rows the driver accepts unchanged:
    SQLAlchemy's overhead per statement is as much as SQLite needs for a dozen rows. Raises the classes of
    ``storage.core.errors``.
    """
    cursor = connection.connection.cursor()
    try:
        (cursor.executemany if many else cursor.execute)(sql, parameters)
    except Exception as failure:
        error = take_over(failure)
        if error is None:
            raise
        if isinstance(error, StoreLost):
            connection.invalidate(failure)
        raise error from failure
    return cursor


def take_over(failure: BaseException) -> StorageError | None:
    """Maps a driver's error to a ``StorageError`` and removes the text from the driver's error.

    The driver's error remains the cause, tracebacks are logged, and PostgreSQL quotes whole rows in its messages.
    """
    error = translate_error(failure)
    if error is not None:
        failure.args = (error.detail,)
    return error
