"""Executes a compiled statement at the driver, below SQLAlchemy, and raises the errors of the store."""

from typing import Any

from sqlalchemy import Connection
from sqlalchemy.engine.interfaces import DBAPICursor

from storage.core.errors import StorageError, StoreLost, translate_error


def execute(connection: Connection, sql: str, parameters: Any, *, many: bool = False) -> DBAPICursor:
    """Run a statement in the connection's transaction, which has begun, and give the driver's cursor.

    For the few statements of the live path, which are compiled once and whose rows are already what the driver takes:
    what SQLAlchemy does around a statement costs as much as SQLite needs for a dozen rows. Raises the classes of
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

    It stays visible as the cause, tracebacks end up in logs, and PostgreSQL quotes whole rows in its messages.
    """
    error = translate_error(failure)
    if error is not None:
        failure.args = (error.detail,)
    return error
