"""The open database: one thread that writes, a few connections that read.

Everything that belongs together is one function ``work(connection)`` and runs in one transaction, wholly or not at all:

    async def count(store: Store) -> int:
        return await store.write(lambda connection: messages.forget_before(connection, yesterday))

Synchronous on purpose. One batch after another is written anyway, so a second writer would only wait; and a hop to
another thread (or greenlet) per statement costs more than the statement.
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
"""What often passes within moments: a lock or deadlock, a database that restarts, another process that wrote the same
row first. On SQLite nobody can: whoever writes has the file for itself from the first read on.
"""
ATTEMPTS = 4
LOOK_SECONDS = 0.5
"""How often a writer that waits for readers checks whether they have finished."""
PAUSE_SECONDS = 0.05
"""Before the second attempt; doubled before each further one."""


class Store:
    """A database and its connections. Opens nothing until it is used.

    ``url`` is ``sqlite:///data/mitsprache.db`` (a path below the working directory; four slashes begin at the root) or
    ``postgresql://user@host/name``. ``busy_seconds`` is how long a transaction waits for a lock of another one.
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
        self.trouble: StorageError | None = None
        """What keeps the database from working, as the last work that was awaited found it."""
        self.damage: StoreDamaged | None = None
        """The damage that the last check of the file found; while it is set, nothing is written."""
        self.on_other_writes: Callable[[], None] = lambda: None
        """Called within each transaction, at its end, whose author did not say that all who remember something of what
        is stored know what it changes (``is_known`` of ``write``)."""
        self._examined: sqlite3.Connection | None = None
        self.belongs_to = ""
        """The id of the database (`storage.core.installation`) to which every new connection must lead; "" for any."""

    @property
    def dialect(self) -> str:
        """``sqlite`` or ``postgresql``."""
        return self.writer.dialect.name

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """A connection inside one write transaction: committed at the end, rolled back by any exception.

        For commands and tests; the service writes through ``write``. Within a process one such block runs at a time.
        Raises the classes of ``storage.core.errors``, CommitUnknown among them.
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
        """A connection that sees one unchanging moment of the database, and cannot write."""
        with self._connect(self.reader) as connection, connection.begin():
            yield connection

    async def write(self, work: Work[T], *, is_known: bool = False) -> T:
        """Run ``work`` in one transaction on the writing thread; returns what it returned, after the commit.

        ``work`` may run several times, because a lost lock, deadlock or connection is tried again (at most ``ATTEMPTS``
        times, with a rolled-back transaction each time): it must touch nothing but its connection and fresh objects of
        its own. Cancelling the awaiting task does not stop it. Raises what ``work`` raises, after a rollback, and the
        classes of ``storage.core.errors``.

        Whoever remembers something of what is stored must hear of every change: they do by ``on_other_writes``, unless
        the caller tells them itself (``is_known``).
        """
        run = partial(self.run, work, is_known=is_known)
        return await asyncio.get_running_loop().run_in_executor(self._write_thread, run)

    async def read(self, work: Work[T]) -> T:
        """Run ``work`` on a reader: it sees one moment, never waits for the writer, and cannot write."""
        return await asyncio.get_running_loop().run_in_executor(self._read_threads, self._look, work)

    def run(self, work: Work[T], *, is_known: bool = False) -> T:
        """Does the same as ``write``, for callers without an event loop."""
        if self.damage:
            raise self.damage
        try:
            result = self._attempts(work, is_known=is_known)
        except BadRow:
            raise  # an error of the work itself
        except StorageError as error:
            self.trouble = error
            raise
        self.trouble = None
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
        """Runs one transaction; its connection is reused for the next one."""
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
        """Refuses an emptied database, or another one in its place: nothing may be written there."""
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
            self.trouble = error
            raise
        if not isinstance(self.trouble, StoreFull | StoreDamaged):  # whether those are over only writing can tell
            self.trouble = None
        return result

    def scrub(self) -> None:
        """After an erasure: leave nothing of it in SQLite's journal. Waits for readers, at most the busy time; others
        write meanwhile.

        PostgreSQL's log cannot be cleaned from here; docs/data.md says what to do about it.
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
            with closing(
                engines.open_sqlite(engines.sqlite_file(self.writer.url), self._busy_seconds, write=False)
            ) as connection:
                self._examined = connection
                connection.execute("PRAGMA cache_size = -2000")
                verdict = str(connection.execute("PRAGMA quick_check(1)").fetchone()[0])
        except sqlite3.Error as failure:
            error = translate_error(failure) or failure
            if not isinstance(error, StoreDamaged):
                raise error from failure
            verdict = error.detail
        finally:
            self._examined = None
        return "" if verdict == "ok" else verdict.replace("\n", " ")

    def dispose(self) -> None:
        """Finish what is running, then close all connections. The store can be used again, with new ones, but not
        awaited.
        """
        if examined := self._examined:
            examined.interrupt()
        self._write_thread.shutdown(wait=True)
        self._read_threads.shutdown(wait=True)
        self._let_go()
        self.writer.dispose()
        self.reader.dispose()

    async def close(self) -> None:
        """The same without blocking the event loop."""
        await asyncio.get_running_loop().run_in_executor(None, self.dispose)
