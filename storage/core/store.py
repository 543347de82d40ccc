"""The open database: one writing thread and a few reading connections.

Work that belongs together is one function ``work(connection)`` and runs in one transaction, completely or not at all:

    async def count(store: Store) -> int:
        return await store.write(lambda connection: messages.forget_before(connection, yesterday))

Synchronous on purpose. Batches are written one after another, so that a second writer would only wait; and switching
threads (or greenlets) for each statement costs more than the statement.
"""

import asyncio
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from functools import partial
from typing import TypeVar

from sqlalchemy import Connection, Engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.pool import ConnectionPoolEntry

from storage.core import engines, installation
from storage.core.driver import take_over
from storage.core.errors import (
    BadRow,
    BadStatement,
    Duplicate,
    StorageError,
    StoreBusy,
    StoreDamaged,
    StoreForeign,
    StoreFull,
    StoreLost,
    StoreMissing,
    translate_error,
)
from storage.core.sqlite_files import SqliteFiles, StaleFiles
from storage.core.write_connection import WriteConnection

T = TypeVar("T")
Work = Callable[[Connection], T]

AT_ONCE: dict[str, tuple[type[StorageError], ...]] = {
    "sqlite": (StoreBusy, StoreLost),
    "postgresql": (StoreBusy, StoreLost, Duplicate),
}
"""Errors that often pass soon: a lock or deadlock, a restarting database, another process that wrote the same row
first. On SQLite that last one cannot happen: a writer locks the file from its first read on.
"""
ATTEMPTS = 4
LOOK_SECONDS = 0.5
"""The interval at which a writer that waits for readers checks whether they have finished."""
PAUSE_SECONDS = 0.05
"""The delay before the second attempt; doubled before each further one."""


class Store:
    """A database and its connections. Connects on first use.

    ``url`` is ``sqlite:///data/mitsprache.db`` (a path below the working directory; four slashes begin at the root) or
    ``postgresql://user@host/name``. ``busy_seconds`` is the time a transaction waits for a lock of another one.
    """

    def __init__(self, url: str, *, busy_seconds: float = 5.0, readers: int = 4) -> None:
        self.url = url
        self.writer: Engine = engines.writer(url, busy_seconds)
        self.reader: Engine = engines.reader(url, busy_seconds, readers)
        self._write_thread = ThreadPoolExecutor(1, thread_name_prefix="store-write")
        self._read_threads = ThreadPoolExecutor(readers, thread_name_prefix="store-read")
        self._files = SqliteFiles(engines.sqlite_file(self.writer.url)) if self.dialect == "sqlite" else None
        for engine in (self.writer, self.reader):
            if self._files:
                self._files.watch(engine)
            event.listen(engine, "connect", self._check_belonging)
        self._turn = threading.Lock()
        self._writing = WriteConnection(partial(self._connect, self.writer), self._files)
        event.listen(self.writer, "engine_disposed", self._close_writing)
        self._busy_seconds = busy_seconds
        self.error: StorageError | None = None
        """The error of the last awaited work that keeps the database from working; None if it works."""
        self.damage: StoreDamaged | None = None
        """The damage found by the last check of the file; while it is set, nothing is written."""
        self.on_other_writes: Callable[[], None] = lambda: None
        """Called at the end of each transaction whose caller did not state, with ``is_known`` of ``write``, that all
        caches of stored data already know its changes.
        """
        self._examined: sqlite3.Connection | None = None
        self._examining = threading.Lock()
        self.belongs_to = ""
        """The expected id of the database (`storage.core.installation`), checked for every new connection; "" for any.
        """

    @property
    def dialect(self) -> str:
        """``sqlite`` or ``postgresql``."""
        return self.writer.dialect.name

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """Gives a connection in one write transaction: committed at the end, rolled back by any exception.

        For commands and tests; the service writes through ``write``. Within a process one such block runs at a time.
        Raises the classes of ``storage.core.errors``, including CommitUnknown.
        """
        with self._one_at_a_time():
            try:
                connection = self._writing.begin()
                try:
                    yield connection
                except BaseException:
                    self._writing.undo()
                    raise
                self._writing.commit()
            finally:
                self.on_other_writes()
                self._writing.let_go()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Gives a connection that sees one snapshot of the database and cannot write."""
        with self._connect(self.reader) as connection, connection.begin():
            yield connection

    async def write(self, work: Work[T], *, is_known: bool = False) -> T:
        """Runs ``work`` in one transaction on the writing thread; returns its result after the commit.

        ``work`` may run several times, because it is retried after a lost lock, deadlock or connection (at most
        ``ATTEMPTS`` times, each in a new transaction): it must change nothing but its connection and objects it creates
        itself. Cancelling the awaiting task does not stop it. Raises the exceptions of ``work``, after a rollback, and
        the classes of ``storage.core.errors``.

        Caches of stored data must learn of every change: through ``on_other_writes``, unless the caller updates them
        itself (``is_known``).
        """
        run = partial(self.run, work, is_known=is_known)
        return await asyncio.get_running_loop().run_in_executor(self._write_thread, run)

    async def read(self, work: Work[T]) -> T:
        """Runs ``work`` on a reading connection: it sees one snapshot, never waits for the writer, and cannot write."""
        return await asyncio.get_running_loop().run_in_executor(self._read_threads, self._look, work)

    def run(self, work: Work[T], *, is_known: bool = False) -> T:
        """Does the same as ``write``, for callers without an event loop."""
        if self.damage:
            raise self.damage
        try:
            result = self._attempts(work, is_known=is_known)
        except BadRow:
            raise  # an error raised by the work itself
        except StorageError as error:
            self.error = error
            raise
        self.error = None
        return result

    def _attempts(self, work: Work[T], *, is_known: bool) -> T:
        pause = PAUSE_SECONDS
        for _ in range(ATTEMPTS - 1):
            try:
                return self._once(work, is_known=is_known)
            except AT_ONCE[self.dialect]:
                pass
            time.sleep(pause)
            pause *= 2
        return self._once(work, is_known=is_known)

    def _once(self, work: Work[T], *, is_known: bool) -> T:
        """Runs one transaction; the next one reuses its connection."""
        with self._one_at_a_time():
            try:
                connection = self._writing.begin()
                try:
                    result = work(connection)
                except BaseException:
                    self._writing.undo()
                    raise
                self._writing.commit()
                return result
            finally:
                if not is_known:
                    self.on_other_writes()

    @contextmanager
    def _one_at_a_time(self) -> Iterator[None]:
        if not self._turn.acquire(timeout=self._busy_seconds):
            raise StoreBusy("another transaction of this process is still open")
        try:
            yield
        finally:
            self._turn.release()
            if self._writing.is_outdated():
                self._let_go()

    def _let_go(self) -> None:
        """Returns the write connection to the pool; if it is in use, after its transaction."""
        self._unless_in_use(self._writing.let_go)

    def _close_writing(self, *_: object) -> None:
        self._unless_in_use(self._writing.close)

    def _unless_in_use(self, work: Callable[[], None]) -> None:
        if self._turn.acquire(blocking=False):
            try:
                work()
            finally:
                self._turn.release()

    def _connect(self, engine: Engine) -> Connection:
        """Returns a connection to the current files. Raises StoreLost if they are missing."""
        try:
            return self._try_to_connect(engine)
        except StaleFiles:
            assert self._files  # noqa: S101 - for the type checker: only files can be stale
            self._files.begin_anew(self.writer, self.reader)
        try:
            return self._try_to_connect(engine)
        except StaleFiles as error:
            raise StoreLost("the database file is gone") from error

    def _try_to_connect(self, engine: Engine) -> Connection:
        try:
            return engine.connect()
        except PoolTimeout as error:
            raise StoreBusy("all connections are in use") from error

    def _check_belonging(self, connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
        """Refuses an emptied or a different database: nothing may be written there."""
        if not self.belongs_to:
            return
        cursor = connection.cursor()
        try:
            cursor.execute(installation.QUERY)
            found = cursor.fetchone()
            cursor.close()
            connection.rollback()
        except Exception as failure:
            connection.close()
            error = take_over(failure) or failure
            raise (StoreMissing() if isinstance(error, BadStatement) else error) from failure
        if not found or found[0] != self.belongs_to:
            connection.close()
            raise StoreForeign

    def _look(self, work: Work[T]) -> T:
        try:
            with self.reading() as connection:
                result = work(connection)
        except StorageError as error:
            self.error = error
            raise
        if not isinstance(self.error, StoreFull | StoreDamaged):  # only a write can tell whether these are over
            self.error = None
        return result

    def scrub(self) -> None:
        """Removes erased data from SQLite's journal. Waits for readers until the busy timeout; writers are not blocked.

        PostgreSQL's log cannot be cleaned from here; docs/develop/data.md explains the options.
        """
        until = time.monotonic() + self._busy_seconds
        while self.dialect == "sqlite":
            try:
                with self._one_at_a_time():
                    self._writing.let_go()
                    engines.truncate_journal(self.writer)
                return
            except StoreBusy:
                if time.monotonic() >= until:
                    raise
            time.sleep(LOOK_SECONDS)

    def flaw(self) -> str:
        """Returns SQLite's report of damage in its file; empty if there is none. Reads the whole file, bypassing the
        caches of other connections, and blocks no other user. Raises the other classes of ``storage.core.errors``.

        PostgreSQL checks its files itself.
        """
        if self.dialect != "sqlite":
            return ""
        try:
            opened = engines.open_sqlite(engines.sqlite_file(self.writer.url), self._busy_seconds, write=False)
            with closing(opened) as connection, self._to_be_interrupted(connection):
                connection.execute("PRAGMA cache_size = -2000")
                verdict = str(connection.execute("PRAGMA quick_check(1)").fetchone()[0])
        except sqlite3.Error as failure:
            error = translate_error(failure) or failure
            if not isinstance(error, StoreDamaged):
                raise error from failure
            verdict = error.detail
        return "" if verdict == "ok" else verdict.replace("\n", " ")

    @contextmanager
    def _to_be_interrupted(self, connection: sqlite3.Connection) -> Iterator[None]:
        """Lets `dispose` interrupt the connection, which is still open after this block."""
        with self._examining:
            self._examined = connection
        try:
            yield
        finally:
            with self._examining:
                self._examined = None

    def dispose(self) -> None:
        """Finish what is running, then close all connections. The store can be used again, with new ones, but not
        awaited.
        """
        with self._examining:
            if self._examined:
                self._examined.interrupt()
        self._write_thread.shutdown(wait=True)
        self._read_threads.shutdown(wait=True)
        self._let_go()
        self.writer.dispose()
        self.reader.dispose()

    async def close(self) -> None:
        """Does the same without blocking the event loop."""
        await asyncio.get_running_loop().run_in_executor(None, self.dispose)
