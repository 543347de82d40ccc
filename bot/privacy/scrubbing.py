"""Removes erased data from the database files: immediately on SQLite, at night or on demand on PostgreSQL."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import partial
from typing import Final, NamedTuple, TypeVar

import structlog

from bot.common.logs import error_place
from storage import migrate, rewriting
from storage.core.errors import StorageError
from storage.core.store import Store
from storage.rewriting import Bounds, Outcome
from storage.tables.erasures import pending_rewrites, settle_rewrites

log = structlog.get_logger()
T = TypeVar("T")

NIGHT: Final = range(2, 5)
"""Hours in the city's time zone in which tables are rewritten, because traffic is low."""
EVERY: Final = timedelta(minutes=10)
"""Interval between attempts in one night."""
SOON_SECONDS: Final = 10.0
"""Delay before the SQLite journal is emptied of dropped answers; for erasures there is no delay."""


class Scrubbed(NamedTuple):
    """The outcome per table, and missing privileges of the database role."""

    outcomes: Sequence[tuple[str, Outcome]] = ()
    forbidden: Sequence[str] = ()

    def left(self) -> list[tuple[str, Outcome]]:
        """Returns the tables whose files still contain erased data."""
        return [(table, outcome) for table, outcome in self.outcomes if outcome != "done"]


def rewrite(
    store: Store, bounds: Bounds | None, without: Sequence[str] = (), stop: threading.Event | None = None
) -> Scrubbed:
    """Rewrites the PostgreSQL tables with erased rows, except those in `without`, and rotates its write-ahead log.
    After `stop` is set no further table is started.

    Without bounds, writes may be blocked until it is done. It may be killed at any time and repeated. Raises the
    classes of `storage.core.errors`.
    """
    with store.reading() as connection:
        waiting = {one.table: one for one in pending_rewrites(connection) if one.table not in without}
    if not waiting:
        return Scrubbed()
    with rewriting.open_rewriter(store.writer.url.render_as_string(hide_password=False), bounds) as rewriter:
        names = [rewriting.SAMPLES, *waiting]
        outcomes = [(name, rewriter.rewrite(name)) for name in names if not (stop and stop.is_set())]
        forbidden = rewriter.turn_log_over()
    done = [waiting[table] for table, outcome in outcomes if outcome == "done" and table in waiting]
    store.run(lambda connection: settle_rewrites(connection, done))
    return Scrubbed(outcomes, forbidden)


class Scrubber:
    """Scrubs the database files of the running service."""

    def __init__(self, store: Store, zone: tzinfo) -> None:
        self._store = store
        self._zone = zone
        self._woken = asyncio.Event()
        self._woken.set()  # a scrub may be pending from before a crash
        self._stop = threading.Event()
        self._keeps_copies = True
        """Whether copies from before migrations may stay, because no contact was erased since."""
        self._hopeless: tuple[date | None, list[str]] = None, []
        """A night, and the tables that could not be rewritten in it while the service runs."""

    async def at_once(self) -> None:
        """Scrubs after an erasure; retries soon if a reader blocks it. The tables no longer hold the data."""
        self._keeps_copies = False
        try:
            await self._free()
        except (StorageError, OSError):
            self.soon()

    def soon(self) -> None:
        """Schedules a scrub."""
        self._woken.set()

    async def run(self) -> None:
        """Runs scheduled scrubs until cancelled."""
        work = self._night if self._store.dialect == "postgresql" else self._day
        while True:
            try:
                await work()
            except (StorageError, OSError) as error:
                log.error("scrub_failed", **error_place(error))
                self.soon()
                await asyncio.sleep(SOON_SECONDS)

    async def _day(self) -> None:
        await self._woken.wait()
        await asyncio.sleep(SOON_SECONDS)  # further requests may arrive
        self._woken.clear()
        await self._free()

    async def _free(self) -> None:
        await self._finished(self._store.scrub)
        if not self._keeps_copies:
            await self._finished(partial(migrate.forget_copies, self._store, datetime.now(UTC)))
            self._keeps_copies = True

    async def _finished(self, work: Callable[[], T]) -> T:
        """Runs work on another thread; waits for it when cancelled, so that the store can be closed."""
        working = asyncio.ensure_future(asyncio.to_thread(work))
        try:
            return await asyncio.shield(working)
        except asyncio.CancelledError:
            self._stop.set()
            await asyncio.wait([working])
            raise

    async def _night(self) -> None:
        now = datetime.now(self._zone)
        if now.hour in NIGHT:
            night, hopeless = self._hopeless
            if night != now.date():
                night, hopeless = now.date(), []
            done = await self._finished(partial(rewrite, self._store, Bounds(), hopeless, self._stop))
            left = [table for table, outcome in done.left() if outcome in {"slow", "large", "forbidden"}]
            self._hopeless = night, [*hopeless, *left]
            if done.outcomes:
                log.info("tables_rewritten", count=len(done.outcomes) - len(done.left()), failures=len(done.left()))
        await asyncio.sleep(EVERY.total_seconds())
