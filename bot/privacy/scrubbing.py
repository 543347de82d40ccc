"""What was erased leaves the files of the database, too: at once on SQLite, at night or on demand on PostgreSQL."""

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
"""The full hours, by the clocks of the city, in which tables are written anew: hardly anybody writes then."""
EVERY: Final = timedelta(minutes=10)
"""Between two attempts in one night."""
SOON_SECONDS: Final = 10.0
"""After so long the journal of SQLite is emptied of what fell off people's paths; of people who are erased, at once."""


class Scrubbed(NamedTuple):
    """What became of each table, and what the role may not do."""

    outcomes: Sequence[tuple[str, Outcome]] = ()
    forbidden: Sequence[str] = ()

    def left(self) -> list[tuple[str, Outcome]]:
        """The tables in whose files something of what was erased is left."""
        return [(table, outcome) for table, outcome in self.outcomes if outcome != "done"]


def rewrite(
    store: Store, bounds: Bounds | None, without: Sequence[str] = (), stop: threading.Event | None = None
) -> Scrubbed:
    """Writes the tables of PostgreSQL anew in which something was erased, except some, and has its log turned over.
    Once `stop` is set no further table is begun.

    Without bounds people may be held up for as long as it takes. May be killed at any moment, and done again. Raises
    the classes of `storage.core.errors`.
    """
    with store.reading() as connection:
        waiting = [one for one in pending_rewrites(connection) if one.table not in without]
    if not waiting:
        return Scrubbed()
    with rewriting.open_rewriter(store.writer.url.render_as_string(hide_password=False), bounds) as rewriter:
        names = [rewriting.SAMPLES, *(one.table for one in waiting)]
        outcomes = [(name, rewriter.rewrite(name)) for name in names if not (stop and stop.is_set())]
        forbidden = rewriter.turn_log_over()
    done = {table for table, outcome in outcomes if outcome == "done"}
    store.run(lambda connection: settle_rewrites(connection, [one for one in waiting if one.table in done]))
    return Scrubbed(outcomes, forbidden)


class Scrubber:
    """Frees the files of a running house."""

    def __init__(self, store: Store, zone: tzinfo) -> None:
        self._store = store
        self._zone = zone
        self._woken = asyncio.Event()
        self._woken.set()  # before it was killed, the house may not have come to it
        self._stop = threading.Event()
        self._keeps_copies = True
        """Whether the copies of the file from before migrations may stay: nobody was erased since."""
        self._hopeless: tuple[date | None, list[str]] = None, []
        """A night, and the tables that were tried in it and cannot be written anew while people are served."""

    async def at_once(self) -> None:
        """Somebody was erased, or had something deleted. Where a reader is in the way it is done soon: the tables hold
        nothing of it.
        """
        self._keeps_copies = False
        try:
            await self._free()
        except (StorageError, OSError):
            self.soon()

    def soon(self) -> None:
        """Something is to be freed."""
        self._woken.set()

    async def run(self) -> None:
        """Works until it is cancelled."""
        work = self._night if self._store.dialect == "postgresql" else self._day
        while True:
            try:
                await work()
            except (StorageError, OSError) as fault:
                log.error("scrub_failed", **error_place(fault))
                self.soon()
                await asyncio.sleep(SOON_SECONDS)

    async def _day(self) -> None:
        await self._woken.wait()
        await asyncio.sleep(SOON_SECONDS)  # more may follow
        self._woken.clear()
        await self._free()

    async def _free(self) -> None:
        await self._finished(self._store.scrub)
        if not self._keeps_copies:
            await self._finished(partial(migrate.forget_copies, self._store, datetime.now(UTC)))
            self._keeps_copies = True

    async def _finished(self, work: Callable[[], T]) -> T:
        """Works on another thread; also where it is cancelled it is over then, so that the store can be closed."""
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
