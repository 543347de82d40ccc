"""The open database: one thread that writes, a few connections that read.

Everything that belongs together is one function ``work(connection)`` and runs in one transaction, wholly or not at all:

    async def count(store: Store) -> int:
        return await store.write(lambda connection: messages.forget_before(connection, yesterday))

Synchronous on purpose. One batch after another is written anyway, so a second writer would only wait; and a hop to
another thread (or greenlet) per statement costs more than the statement.
"""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import TypeVar

from sqlalchemy import Connection, Engine, Transaction
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from storage import engines
from storage.errors import BadRow, CommitUnknown, Duplicate, StorageError, StoreBusy, StoreDamaged, StoreFull, StoreLost

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
PAUSE_SECONDS = 0.05
"""Before the second attempt; doubled before each further one."""


class Store:
    """A database and its connections. Opens nothing until it is used.

    ``url`` is ``sqlite:///data/mitsprache.db`` (a path below the working directory; four slashes begin at the root) or
    ``postgresql://user@host/name``. ``busy_seconds`` is how long one waits for somebody else's lock.
    """

    def __init__(self, url: str, *, busy_seconds: float = 5.0, readers: int = 4) -> None:
        self.writer: Engine = engines.writer(url, busy_seconds)
        self.reader: Engine = engines.reader(url, busy_seconds, readers)
        self._write_thread = ThreadPoolExecutor(1, thread_name_prefix="store-write")
        self._read_threads = ThreadPoolExecutor(readers, thread_name_prefix="store-read")
        self._turn = threading.Lock()
        self._busy_seconds = busy_seconds
        self.trouble: StorageError | None = None
        """What keeps the database from working, as the last work that was awaited found it."""

    @property
    def dialect(self) -> str:
        """``sqlite`` or ``postgresql``."""
        return self.writer.dialect.name

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """A connection inside one write transaction: committed at the end, rolled back by any exception.

        For commands and tests; the service writes through ``write``. Within a process one such block runs at a time.
        Raises the classes of ``storage.errors``, CommitUnknown among them.
        """
        with self._one_at_a_time(), _connected(self.writer) as connection:
            transaction = connection.begin()
            try:
                yield connection
            except BaseException:
                _undo(transaction)
                raise
            try:
                transaction.commit()
            except StorageError as error:
                _undo(transaction)
                if isinstance(error, StoreLost):
                    raise CommitUnknown(error.detail) from error
                raise

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection that sees one unchanging moment of the database, and cannot write."""
        with _connected(self.reader) as connection, connection.begin():
            yield connection

    async def write(self, work: Work[T]) -> T:
        """Run ``work`` in one transaction on the writing thread; returns what it returned, after the commit.

        ``work`` may run several times, because a lost lock, deadlock or connection is tried again (at most ``ATTEMPTS``
        times, with a rolled-back transaction each time): it must touch nothing but its connection and fresh objects of
        its own. Cancelling the awaiting task does not stop it. Raises what ``work`` raises, after a rollback, and the
        classes of ``storage.errors``.
        """
        return await asyncio.get_running_loop().run_in_executor(self._write_thread, self.run, work)

    async def read(self, work: Work[T]) -> T:
        """Run ``work`` on a reader: it sees one moment, never waits for the writer, and cannot write."""
        return await asyncio.get_running_loop().run_in_executor(self._read_threads, self._look, work)

    def run(self, work: Work[T]) -> T:
        """What ``write`` does, for callers without an event loop."""
        try:
            result = self._attempts(work)
        except BadRow:
            raise  # the work's own fault
        except StorageError as error:
            self.trouble = error
            raise
        self.trouble = None
        return result

    def _attempts(self, work: Work[T]) -> T:
        pause = PAUSE_SECONDS
        for _ in range(ATTEMPTS - 1):
            try:
                with self.begin() as connection:
                    return work(connection)
            except AT_ONCE[self.dialect]:
                pass
            time.sleep(pause)
            pause *= 2
        with self.begin() as connection:
            return work(connection)

    @contextmanager
    def _one_at_a_time(self) -> Iterator[None]:
        if not self._turn.acquire(timeout=self._busy_seconds):
            raise StoreBusy("another transaction of this process is still open")
        try:
            yield
        finally:
            self._turn.release()

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
        """After an erasure: leave nothing of it in SQLite's journal. Waits for readers, at most the busy time.

        PostgreSQL's log cannot be cleaned from here; docs/data.md says what to do about it.
        """
        if self.dialect == "sqlite":
            with self._one_at_a_time():
                engines.truncate_journal(self.writer)

    def flaw(self) -> str:
        """What is damaged in the file of SQLite, in its own words; empty where nothing is. Reads the whole file.

        PostgreSQL watches over its files itself.
        """
        if self.dialect != "sqlite":
            return ""
        with self.reading() as connection:
            verdict = str(connection.exec_driver_sql("PRAGMA quick_check(1)").scalar())
        return "" if verdict == "ok" else verdict.replace("\n", " ")

    def dispose(self) -> None:
        """Finish what is running, then close all connections. The store can be used again, with new ones, but not
        awaited.
        """
        self._write_thread.shutdown(wait=True)
        self._read_threads.shutdown(wait=True)
        self.writer.dispose()
        self.reader.dispose()

    async def close(self) -> None:
        """The same without blocking the event loop."""
        await asyncio.get_running_loop().run_in_executor(None, self.dispose)


@contextmanager
def _connected(engine: Engine) -> Iterator[Connection]:
    try:
        connection = engine.connect()
    except PoolTimeout as error:
        raise StoreBusy("all connections are in use") from error
    except DisconnectionError as error:
        raise StoreLost("the database file is gone") from error
    with connection:
        yield connection


def _undo(transaction: Transaction) -> None:
    """Roll back. On a lost connection there is nothing to undo, and the first error is the one to tell."""
    with suppress(StorageError):
        transaction.rollback()
