"""One batch after another: whatever arrives while a batch is being committed is the next batch.

The cost of a durable commit is thus shared by all who write at that moment, and alone one waits for one commit.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

import structlog
from sqlalchemy import Connection

from bot.batches import Batches, BatchResult
from bot.effects import payload_of
from bot.logs import where
from bot.outbox import Outbox
from flows.messages import MsgIn, MsgOut
from storage.errors import BadRow, StorageError
from storage.store import Store

log = structlog.get_logger()

LARGEST_BATCH = 1000
FIRST_PAUSE_SECONDS = 0.2
LONGEST_PAUSE_SECONDS = 5.0
PATIENCE_SECONDS = 2.0
"""After so long without a database, people are asked to wait."""


class _Arrival(NamedTuple):
    messages: Sequence[MsgIn]
    stored: asyncio.Future[None]


def _tell(arrivals: Sequence[_Arrival]) -> None:
    """Their messages are stored for good."""
    for arrival in arrivals:
        if not arrival.stored.done():
            arrival.stored.set_result(None)


class Counts:
    """What was done since the start, for the operator, `replay` and `bench`."""

    def __init__(self) -> None:
        self.messages = self.repeats = self.answers = self.failures = self.batches = 0

    def add(self, result: BatchResult) -> None:
        self.messages += result.taken
        self.repeats += result.repeats
        self.answers += result.answers
        self.failures += result.failures
        self.batches += 1


class Conversations:
    """Takes messages from all channels and answers them.

    >>> conversations = Conversations(store, batches, outbox, keeper.wake)        # doctest: +SKIP
    >>> async with asyncio.TaskGroup() as tasks:                     # doctest: +SKIP
    ...     tasks.create_task(conversations.run())
    ...     await conversations.receive([msg])                       # returns when it is stored for good
    """

    def __init__(self, store: Store, batches: Batches, outbox: Outbox, wake_keeper: Callable[[], None]) -> None:
        """`wake_keeper` is called where there is something to do for `bot.attachments.keeping`."""
        self.counts = Counts()
        self._store = store
        self._batches = batches
        self._outbox = outbox
        self._wake_keeper = wake_keeper
        self._arrived: list[_Arrival] = []
        self._anything = asyncio.Event()

    async def receive(self, arrived: Sequence[MsgIn]) -> None:
        """Takes messages; returns after they are committed, and only then may the channel forget them.

        Messages come in order within one call; a repeat of one that was taken before is dropped quietly.
        """
        if not arrived:
            return
        stored = asyncio.get_running_loop().create_future()
        self._arrived.append(_Arrival(arrived, stored))
        self._anything.set()
        await stored

    async def run(self) -> None:
        """Works until it is cancelled. A batch that was begun is finished first."""
        while True:
            await self._anything.wait()
            # Whoever was just told "stored" may have the next message ready: one round of the loop lets it join.
            await asyncio.sleep(0)
            arrivals = self._next()
            batch = [msg for arrival in arrivals for msg in arrival.messages]
            commit = asyncio.ensure_future(self._commit(batch))
            try:
                await asyncio.shield(commit)
            except asyncio.CancelledError:
                done, _ = await asyncio.wait([commit], timeout=PATIENCE_SECONDS)
                if done and not commit.exception():
                    _tell(arrivals)
                commit.cancel()
                raise
            _tell(arrivals)

    def _next(self) -> list[_Arrival]:
        taken, size = 0, 0
        for arrival in self._arrived:
            size += len(arrival.messages)
            if taken and size > LARGEST_BATCH:
                break
            taken += 1
        arrivals, self._arrived = self._arrived[:taken], self._arrived[taken:]
        if not self._arrived:
            self._anything.clear()
        return arrivals

    async def _commit(self, batch: Sequence[MsgIn]) -> None:
        """Commits the batch, however long the database is away; what cannot be stored is set aside one by one."""
        try:
            await self._patiently(batch, lambda: self._write(batch))
        except Exception as fault:  # noqa: BLE001 - a fault of ours about one message must not stop all others
            await self._one_by_one(batch, fault)

    async def _patiently(self, batch: Sequence[MsgIn], write: Callable[[], Awaitable[None]]) -> None:
        """Writes as soon as there is a database. Raises what another attempt would not mend."""
        pause, began, asked_to_wait = FIRST_PAUSE_SECONDS, datetime.now(UTC), False
        while True:
            try:
                await write()
            except BadRow:
                raise
            except StorageError as fault:
                log.error("database not available", **where(fault))
                if not asked_to_wait and (datetime.now(UTC) - began).total_seconds() >= PATIENCE_SECONDS:
                    asked_to_wait = True
                    await self._ask_to_wait(batch)
                await asyncio.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
                continue
            return

    async def _write(self, batch: Sequence[MsgIn]) -> None:
        settled = self._outbox.take_settled()

        def work(connection: Connection) -> BatchResult:
            self._outbox.write_settled(connection, settled)
            return self._batches.work(connection, batch)

        try:
            result = await self._store.write(work)
        except BaseException:
            self._outbox.put_back(settled)
            raise
        self._outbox.confirm(settled)
        self._outbox.forget(result.recalled)
        self.counts.add(result)
        self._outbox.accept(result.outgoing)
        self._outbox.accept(result.parting, "farewell")
        self._outbox.let_forget(result.left_doors)
        if result.has_media:
            self._wake_keeper()
        if result.has_erased:
            payload_of.forget()
            await asyncio.to_thread(self._store.scrub)

    async def _one_by_one(self, batch: Sequence[MsgIn], fault: Exception) -> None:
        """Something in the batch cannot be stored: finds out what, and sets only that aside."""
        if len(batch) > 1:
            for msg in batch:
                await self._commit([msg])
            return
        log.error("message cannot be stored", channel=batch[0].channel, **where(fault))
        self.counts.failures += 1

        said: list[MsgOut] = []

        async def bury() -> None:
            said[:] = await self._store.write(lambda connection: self._batches.bury(connection, batch[0], fault))

        try:
            await self._patiently(batch, bury)
        except Exception as deeper:  # noqa: BLE001 - an id or address no database can hold: nothing is left to keep
            log.error("message dropped", channel=batch[0].channel, **where(deeper))
        for reply in said:
            await self._outbox.send_at_once(batch[0].channel, batch[0].address, reply)

    async def _ask_to_wait(self, batch: Sequence[MsgIn]) -> None:
        """Tells people that their message is not lost. Sent past the outbox: that one is stored, and storing fails."""
        senders = {(msg.channel, msg.address): msg for msg in batch}
        for msg in senders.values():
            voice = self._batches.catalogue.lobby.voice(None, msg.language_hint)
            await self._outbox.send_at_once(msg.channel, msg.address, voice.message(voice.say("trouble.wait")))
