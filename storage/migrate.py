"""Upgrades the tables to the schema of this program; runs at every start.

Two programs that start at once take turns: the second finds the work done. Everything happens in one transaction, on
both databases, so a migration that fails leaves the old tables. SQLite's file is copied before, where it holds data.
"""

import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import NamedTuple, Protocol

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from storage.core import engines
from storage.core.errors import StoreBusy, StoreDamaged, StoreOutdated, StoreTooNew, translate_error
from storage.core.store import Store

LOCK = 0x4D697473  # "Mits": PostgreSQL's advisory locks are numbers
WAIT_SECONDS = 120.0
DDL_LOCK_SECONDS = 3
"""How long a change of a table waits for its lock on PostgreSQL. Other statements queue behind it meanwhile, so it
gives up and tries again.
"""


class MigrationResult(NamedTuple):
    """What an upgrade did. ``copy`` is the file as it was before, where one was made."""

    before: str | None
    now: str | None
    copy: Path | None


class MigrationKeys(Protocol):
    """Operations of migrations that need the secret key (`bot.common.keys.Keys`)."""

    def message_names(self, channel: str, external_id: str, /) -> "MessageNamePair":
        """What a channel's own id of a message is called in each of the halves."""
        ...

    def hide_order(self, number: int, order: int, /) -> int:
        """Where the row with this id stands in line, encrypted."""
        ...

    def rebind(self, sealed: bytes, before: bytes, after: bytes, /) -> bytes | None:
        """The same text bound to something else than before; None where it does not open."""
        ...


class MessageNamePair(Protocol):
    """The names of a message."""

    @property
    def received(self) -> str:
        """In identity."""
        ...

    @property
    def said(self) -> str:
        """In participation."""
        ...


def upgrade(
    store: Store,
    revision: str = "head",
    *,
    hiding: Callable[[Connection], MigrationKeys] | None = None,
    wait_seconds: float = WAIT_SECONDS,
) -> MigrationResult:
    """Create or upgrade the tables; a missing SQLite file is created, readable for its owner only.

    ``hiding`` gives the keys that fit these tables; it is called where rows of earlier programs are to be hidden, which
    cannot be migrated without it (StoreOutdated).

    Raises StoreTooNew when the tables come from a newer program, StoreBusy when another program holds them for longer
    than ``wait_seconds``, and the other classes of ``storage.core.errors``.
    """
    if store.dialect == "sqlite":
        _create_file(engines.sqlite_file(store.writer.url))

    def work(connection: Connection) -> MigrationResult:
        before = current_revision(connection)
        _check_known(before)
        if before == (head_revision() if revision == "head" else revision):
            return MigrationResult(before, before, None)
        copy = _copy(store, before) if store.dialect == "sqlite" and before else None
        command.upgrade(_config(connection, hiding), revision)
        return MigrationResult(before, current_revision(connection), copy)

    return _alone(store, work, wait_seconds)


def downgrade(store: Store, revision: str, *, wait_seconds: float = WAIT_SECONDS) -> MigrationResult:
    """Go back to an earlier revision, or to ``base``. What the newer tables held beyond it is lost."""

    def work(connection: Connection) -> MigrationResult:
        before = current_revision(connection)
        _check_known(before)
        copy = _copy(store, before) if store.dialect == "sqlite" and before else None
        command.downgrade(_config(connection), revision)
        return MigrationResult(before, current_revision(connection), copy)

    return _alone(store, work, wait_seconds)


def forget_copies(store: Store, before: datetime) -> int:
    """Deletes copies made before migrations until that moment, because they still hold records erased since; gives the
    number.
    """
    if store.dialect != "sqlite":
        return 0
    file = engines.sqlite_file(store.writer.url)
    old = [it for it in file.parent.glob(_copy_of(file, "*").name) if it.stat().st_mtime < before.timestamp()]
    for copy in old:
        copy.unlink(missing_ok=True)
    return len(old)


def check_schema(store: Store) -> None:
    """For programs that may not migrate: raises StoreOutdated or StoreTooNew unless the tables are those of this
    program.
    """
    with store.reading() as connection:
        found = current_revision(connection)
    _check_known(found)
    if found != head_revision():
        raise StoreOutdated(f"found {found or 'no tables'}, need {head_revision()}")


def newest_migration_day() -> date:
    """The day of the newest migration: no clock that is right can be before it."""
    return datetime.strptime(str(head_revision())[:8], "%Y%m%d").date()  # noqa: DTZ007 - a day, without a time


def current_revision(connection: Connection) -> str | None:
    """The revision of the tables, None for an empty database."""
    return MigrationContext.configure(connection).get_current_revision()


def _alone(store: Store, work: Callable[[Connection], MigrationResult], wait_seconds: float) -> MigrationResult:
    deadline = time.monotonic() + wait_seconds
    while True:
        try:
            with _keys_unchecked(store), store.begin() as connection:
                return _locked(connection, work)
        except StoreBusy:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)


def _locked(connection: Connection, work: Callable[[Connection], MigrationResult]) -> MigrationResult:
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("SET LOCAL statement_timeout = 0")
        connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{DDL_LOCK_SECONDS}s'")
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({LOCK})")
        return work(connection)
    migrated = work(connection)  # SQLite's write lock is held since the transaction began
    broken = connection.exec_driver_sql("PRAGMA foreign_key_check").first()
    if broken is not None:
        raise StoreDamaged(f"after the migration a row of {broken[0]} refers to nothing")
    return migrated


@contextmanager
def _keys_unchecked(store: Store) -> Iterator[None]:
    """SQLite changes a table by building it anew and dropping the old one, which would delete all that refers to it.

    The switch works outside of transactions only, so it is set on the writer's one connection, which is closed
    afterwards.
    """
    if store.dialect != "sqlite":
        yield
        return
    try:
        with closing(store.writer.raw_connection()) as pooled:
            pooled.cursor().execute("PRAGMA foreign_keys = OFF")
    except sqlite3.Error as error:  # a raw connection tells the driver's errors
        raise translate_error(error) or error from error
    try:
        yield
    finally:
        store.writer.dispose()


def _check_known(revision: str | None) -> None:
    known = {script.revision for script in _scripts().walk_revisions()}
    if revision is not None and revision not in known:
        raise StoreTooNew(f"found {revision}, this program knows up to {head_revision()}")


def head_revision() -> str | None:
    """The newest revision this program knows."""
    return _scripts().get_current_head()


def _scripts() -> ScriptDirectory:
    return ScriptDirectory.from_config(_config())


def _config(
    connection: Connection | None = None, hiding: Callable[[Connection], MigrationKeys] | None = None
) -> Config:
    config = Config()
    config.set_main_option("script_location", "storage:migrations")
    config.attributes |= {"connection": connection, "hiding": hiding}
    return config


def _create_file(file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.close(os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except FileExistsError:
        return


def _copy_of(file: Path, revision: str) -> Path:
    return file.with_name(f"{file.stem}.before-{revision}{file.suffix}")


def _copy(store: Store, revision: str) -> Path:
    """A copy of the whole file beside it. Reads along with the open transaction, which has written nothing yet."""
    file = engines.sqlite_file(store.writer.url)
    copy = _copy_of(file, revision)
    unfinished = copy.with_suffix(".part")
    unfinished.unlink(missing_ok=True)
    _create_file(unfinished)
    with (
        closing(engines.open_sqlite(file, 5.0, write=False)) as source,
        closing(sqlite3.connect(unfinished)) as target,
    ):
        source.backup(target)
        target.execute("PRAGMA journal_mode = DELETE")
    unfinished.replace(copy)
    return copy
