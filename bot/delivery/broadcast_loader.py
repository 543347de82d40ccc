"""Loads pending broadcasts page by page, so that only a page of them is in memory."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from datetime import datetime

import structlog
from sqlalchemy import Connection

from bot.common.sources import Now, system_now
from bot.delivery.channel_queue import ChannelQueue
from storage.core.errors import StorageError
from storage.core.store import Store
from storage.tables import outbox
from storage.tables.outbox import WaitingMessage, next_delayed_time, waiting_messages

log = structlog.get_logger()

KEPT = 1000
"""Maximum of broadcasts per channel in memory. More are loaded when half of them are sent."""
LONGEST_PUT_OFF_SECONDS = 60.0
"""Broadcasts postponed for longer wait in the table."""

InOrder = Callable[[Iterable[WaitingMessage]], list[WaitingMessage]]


class BroadcastLoader:
    """Loads the broadcasts of one channel from the table.

    There is no cursor: every waiting row that is not in memory is loaded, regardless of its process and order.
    `restore` queues a row and returns whether it could be read; `in_order` sorts rows as they were written.
    """

    def __init__(
        self,
        store: Store,
        queue: ChannelQueue,
        restore: Callable[[WaitingMessage], bool],
        in_order: InOrder,
        now: Now = system_now,
    ) -> None:
        self.is_fed = asyncio.Event()
        """Set while all due broadcasts are in memory or settled."""
        self.is_fed.set()
        self._store = store
        self._queue = queue
        self._restore = restore
        self._in_order = in_order
        self._now = now
        self._known: dict[int, bytes] = {}
        self._unreadable: set[int] = set()
        self._look = asyncio.Event()
        self._recalls = 0
        self._timer: asyncio.TimerHandle | None = None

    def look(self) -> None:
        """Looks for new rows in the table."""
        self.is_fed.clear()
        self._look.set()

    def persisted(self, ids: Iterable[int]) -> None:
        """Forgets rows whose outcome or delay is stored: from now on the table decides about them."""
        for id_ in ids:
            self._known.pop(id_, None)
        if len(self._known) <= KEPT // 2 and not self.is_fed.is_set():
            self._look.set()

    def forget(self, ids: Iterable[int]) -> None:
        """Drops recalled rows, after the recall is stored, unless they are being sent."""
        self._recalls += 1
        here = {id_: self._known[id_] for id_ in ids if id_ in self._known}
        self._queue.drop_broadcasts(here)
        self.persisted(here)

    async def run(self) -> None:
        """Loads until cancelled."""
        while True:
            await self._look.wait()
            self._look.clear()
            try:
                await self._fetch()
            except StorageError as error:
                log.error("broadcasts_not_loaded", channel=self._queue.channel.name, fault=type(error).__name__)
                await asyncio.sleep(1)
                self._look.set()

    async def _fetch(self) -> None:
        if len(self._known) > KEPT // 2:
            return
        recalls, before, now = self._recalls, set(self._known), self._now()
        rows, next_due = await self._store.read(lambda connection: self._waiting(connection, now))
        if recalls != self._recalls:  # the rows may be older than the recall
            self._look.set()
            return
        # Rows settled during the read may still appear as waiting.
        new = [row for row in rows if row.id not in before and row.id not in self._known]
        for row in self._in_order(new[: KEPT - len(self._known)]):
            if self._restore(row):
                self._known[row.id] = row.lookup
            else:
                self._unreadable.add(row.id)
        if len(rows) < KEPT and not self._look.is_set():
            self.is_fed.set()
            self._look_again(now, next_due)

    def _waiting(self, connection: Connection, now: datetime) -> tuple[list[WaitingMessage], datetime | None]:
        channel = self._queue.channel.name
        limit = KEPT + len(self._unreadable)
        rows = waiting_messages(connection, channel, limit=limit, due=now, purposes=outbox.UNASKED)
        return [row for row in rows if row.id not in self._unreadable], next_delayed_time(connection, channel)

    def _look_again(self, now: datetime, due: datetime | None) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer = None
        if due is not None:
            seconds = min(60.0, max(1.0, (due - now).total_seconds()))
            self._timer = asyncio.get_running_loop().call_later(seconds, self.look)
