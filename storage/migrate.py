"""Upgrades the tables to the schema of this program; runs at every start.

If two programs start at once, one waits and finds the work done. All migrations run in one transaction, on both
databases, so that a failure leaves the old tables. SQLite's file is copied before if it contains data.
"""

import os
import sqlite3
import time
from argparse import Namespace
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import NamedTuple, Protocol

from alembic import command
from alembic.config import Config
from alembic.operations.ops import MigrationScript
from alembic.runtime.migration import MigrationContext
from alembic.script import Script, ScriptDirectory
from sqlalchemy import Connection

from storage.core import engines
from storage.core.errors import StoreBusy, StoreDamaged, StoreOutdated, StoreTooNew, translate_error
from storage.core.store import Store

SCRIPTS = "storage:migrations"
LOCK = 0x4D697473  # "Mits": PostgreSQL's advisory locks are numbers
WAIT_SECONDS = 120.0
DDL_LOCK_SECONDS = 3
"""The maximum wait for the lock of a table on PostgreSQL. Other statements queue behind it, so the migration gives up
and retries.
"""


class MigrationResult(NamedTuple):
    """The result of an upgrade. ``copy`` is the copy of the file before it, if there is one."""

    before: str | None
    now: str | None
    copy: Path | None


class MigrationKeys(Protocol):
    """Operations of migrations that need the secret key (`bot.common.keys.Keys`)."""

    def message_names(self, channel: str, external_id: str, /) -> "MessageNamePair":
        """Returns the stored name of a channel's message id in each of the halves."""
        ...

    def hide_order(self, number: int, order: int, /) -> int:
        """Returns the encrypted queue position of the row with this id."""
        ...

    def rebind(self, sealed: bytes, before: bytes, after: bytes, /) -> bytes | None:
        """Returns the text encrypted for another binding; None if the key does not fit."""
        ...


class MessageNamePair(Protocol):
    """The stored names of a message."""

    @property
    def received(self) -> str:
        """The name in identity."""
        ...

    @property
    def said(self) -> str:
        """The name in participation."""
        ...


def upgrade(
    store: Store,
    revision: str = "head",
    *,
    hiding: Callable[[Connection], MigrationKeys] | None = None,
    wait_seconds: float = WAIT_SECONDS,
) -> MigrationResult:
    """Creates or upgrades the tables; a missing SQLite file is created, readable only for its owner.

    ``hiding`` returns the keys that fit these tables; it is called only for rows of earlier versions that have to be
    pseudonymised. Raises StoreOutdated if it is missing then.

    Raises StoreTooNew if a newer program made the tables, StoreBusy if another program locks them for longer than
    ``wait_seconds``, and the other classes of ``storage.core.errors``.
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
    """Downgrades to an earlier revision, or to ``base``. Data that only the newer tables can store is lost."""

    def work(connection: Connection) -> MigrationResult:
        before = current_revision(connection)
        _check_known(before)
        copy = _copy(store, before) if store.dialect == "sqlite" and before else None
        command.downgrade(_config(connection), revision)
        return MigrationResult(before, current_revision(connection), copy)

    return _alone(store, work, wait_seconds)


def forget_copies(store: Store, before: datetime) -> int:
    """Deletes copies made before migrations until this time, because they contain records erased since; returns the
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
    """Raises StoreOutdated or StoreTooNew unless the tables are those of this program; for programs that may not
    migrate.
    """
    with store.reading() as connection:
        found = current_revision(connection)
    _check_known(found)
    if found != head_revision():
        raise StoreOutdated(f"found {found or 'no tables'}, need {head_revision()}")


def known_revisions() -> set[str]:
    """All revisions this program knows."""
    return {script.revision for script in _scripts().walk_revisions()}


def write_difference(
    store: Store, revision: str, message: str, complete: Callable[[MigrationScript], None]
) -> Path | None:
    """Write the revision that makes the tables of the models from these, which are those of the newest revision; None
    where they do not differ. ``complete`` may add operations before it is written.
    """

    def keep(_: MigrationContext, __: object, scripts: list[MigrationScript]) -> None:
        if scripts[0].upgrade_ops is None or scripts[0].upgrade_ops.is_empty():
            scripts.clear()
        else:
            complete(scripts[0])

    with store.begin() as connection:
        config = _config(connection)
        config.set_main_option("file_template", "%%(rev)s")
        config.cmd_opts = Namespace(quiet=True)
        written = command.revision(
            config, message, rev_id=revision, autogenerate=True, process_revision_directives=keep
        )
    _read_scripts.cache_clear()
    return Path(written.path) if isinstance(written, Script) else None


def newest_migration_day() -> date:
    """Returns the day of the newest migration: a correct clock cannot be earlier."""
    return datetime.strptime(str(head_revision())[:8], "%Y%m%d").date()  # noqa: DTZ007 - a day, without a time


def current_revision(connection: Connection) -> str | None:
    """Returns the revision of the tables, None for an empty database."""
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
    migrated = work(connection)  # SQLite's write lock has been held since the transaction began
    broken = connection.exec_driver_sql("PRAGMA foreign_key_check").first()
    if broken is not None:
        raise StoreDamaged(f"after the migration a row of {broken[0]} refers to nothing")
    return migrated


@contextmanager
def _keys_unchecked(store: Store) -> Iterator[None]:
    """Switches off foreign keys on SQLite, which changes a table by dropping the old one with all rows that refer to
    it.

    The switch works only outside of transactions, so it is set on the writer's one connection, which is closed
    afterwards.
    """
    if store.dialect != "sqlite":
        yield
        return
    try:
        with closing(store.writer.raw_connection()) as pooled:
            pooled.cursor().execute("PRAGMA foreign_keys = OFF")
    except sqlite3.Error as error:  # a raw connection raises the driver's errors
        raise translate_error(error) or error from error
    try:
        yield
    finally:
        store.writer.dispose()


def _check_known(revision: str | None) -> None:
    if revision is not None and revision not in known_revisions():
        raise StoreTooNew(f"found {revision}, this program knows up to {head_revision()}")


def head_revision() -> str | None:
    """Returns the newest revision this program knows."""
    return _scripts().get_current_head()


def _scripts() -> ScriptDirectory:
    return _read_scripts(SCRIPTS)


@cache
def _read_scripts(location: str) -> ScriptDirectory:
    """Reads the revisions at this place once per process: reading them loads dozens of modules."""
    return ScriptDirectory.from_config(_config(location=location))


def _config(
    connection: Connection | None = None,
    hiding: Callable[[Connection], MigrationKeys] | None = None,
    location: str | None = None,
) -> Config:
    config = Config()
    config.set_main_option("script_location", location or SCRIPTS)
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
    """Copies the whole file. Reads within the open transaction, which has written nothing yet."""
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
