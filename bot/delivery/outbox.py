"""Sends committed messages: in order per address, replies before broadcasts, at the rate of each channel.

The outcome that a channel returns decides what follows: sent, retry, moved, unreachable, refused, unknown. Outcomes are
written with the next batch of messages, or shortly after. After a restart, unsent rows are loaded from the table.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Final, get_args

import structlog
from pydantic_core import from_json
from sqlalchemy import Connection

from adapters.base import (
    Channel,
    Delivery,
    Forgetting,
    Moved,
    Outgoing,
    RetryAfter,
    Sent,
    Unknown,
    Unreachable,
)
from bot.common.ids import day_of
from bot.common.keys import Keys, SecretError
from bot.common.logs import error_place
from bot.common.sources import Now, system_now
from bot.delivery.broadcast_loader import LONGEST_PUT_OFF_SECONDS, BroadcastLoader
from bot.delivery.channel_queue import ChannelQueue, QueuedMessage, Retry
from bot.delivery.delivery_outcomes import MOST_ATTEMPTS, delivery_state, seconds_to_retry
from bot.delivery.later_reports import SentReferences
from bot.delivery.pending_outcomes import PendingOutcomes
from bot.delivery.waiting import LONG_SECONDS
from flows.messages import MsgOut
from storage.core.errors import StorageError
from storage.core.store import Store
from storage.tables import contacts
from storage.tables.contacts import AddressMissed, AddressMove, AddressState, move_addresses, purge_orphaned_contacts
from storage.tables.outbox import (
    UNASKED,
    OutboxState,
    Purpose,
    SendDelay,
    SendOutcome,
    SentReply,
    WaitingMessage,
    delete_sent_replies,
    has_final_messages,
    reschedule_messages,
    settle_messages,
    waiting_messages,
)

log = structlog.get_logger()

FLUSH_SECONDS = 0.02
"""How long outcomes wait for a batch."""
IDLE_SECONDS = 1.0
"""The same for sent replies: the contact will answer soon, which starts a batch."""
PAGE = 1000
_NOT_SEEN: Final[frozenset[OutboxState]] = frozenset({"refused", "unreachable"})
IN_MEMORY: list[Purpose] = [purpose for purpose in get_args(Purpose) if purpose not in UNASKED]
"""Purposes queued as soon as they are written; broadcasts are loaded in pages (`bot.delivery.broadcast_loader`)."""

OutcomeListener = Callable[[Connection, Sequence[SendOutcome]], object]
"""Receives the outcomes of broadcasts within the transaction that stores them."""


class Outbox:
    """All messages to be sent, with a queue per channel."""

    def __init__(self, store: Store, keys: Keys, channels: Mapping[str, Channel], now: Now = system_now) -> None:
        self.ledger: OutcomeListener | None = None
        self.on_changes: Callable[[Sequence[bytes]], object] = lambda lookups: None
        """Is told, within the transaction, about which addresses something changes beside that they were written to."""
        self.on_flush: Callable[[Connection], object] = lambda connection: None
        """Is called within each transaction that stores outcomes without a batch."""
        self._store = store
        self._keys = keys
        self._queues = {
            name: ChannelQueue(channel, partial(self._settle, name), self._persisted, self._hurry)
            for name, channel in channels.items()
        }
        self._loaders = {
            name: BroadcastLoader(store, queue, self._restore, self._in_order, now)
            for name, queue in self._queues.items()
        }
        self._settled = PendingOutcomes()
        self._references = SentReferences(channels)
        self._flush_now = asyncio.Event()
        self._flush_timer: asyncio.TimerHandle | None = None
        self._draining = 0
        """Number of `drained` calls: while there are any, outcomes do not wait for a batch."""
        self._flushing = asyncio.Lock()
        self._now = now

    async def load(self) -> None:
        """Loads unsent messages of an earlier run. Call it before accepting new ones, which would be loaded twice."""
        for name in self._queues:
            await self._load(name)
            self._loaders[name].look()

    async def run(self) -> None:
        """Sends until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for queue in self._queues.values():
                tasks.create_task(queue.run())
            for loader in self._loaders.values():
                tasks.create_task(loader.run())
            tasks.create_task(self._flush_now_and_then())

    def accept(self, messages: Iterable[tuple[str, QueuedMessage]]) -> None:
        """Queues committed messages, given with their channels.

        Messages of channels that are not running stay in the table.
        """
        for name, message in messages:
            queue = self._queues.get(name)
            if queue:
                queue.put(message)

    def look_for_broadcasts(self) -> None:
        """Looks for new committed broadcasts and notices in the table.

        They are loaded in pages: at most `broadcast_loader.KEPT` per channel are in memory.
        """
        for loader in self._loaders.values():
            loader.look()

    def forget(self, ids: Iterable[int]) -> None:
        """Drops recalled broadcasts (`recall_broadcasts` and `recall_unasked_messages`). Call it after that commit.

        If it is called before anything else is awaited, sending of none of them begins. Messages being sent at that
        moment arrive, and their outcomes are recorded.
        """
        if ids := list(ids):
            for loader in self._loaders.values():
                loader.forget(ids)

    def hold(self) -> None:
        """Stops sending until `go_on`."""
        for queue in self._queues.values():
            queue.hold()

    def go_on(self) -> None:
        """Resumes sending."""
        for queue in self._queues.values():
            queue.go_on()

    def waits(self, channel: str, lookup: bytes) -> bool:
        """Whether a question to this address is postponed, so that it cannot be answered yet. Thread-safe."""
        queue = self._queues.get(channel)
        return queue is not None and queue.waits(lookup)

    async def send_at_once(self, channel: str, address: str, msg: MsgOut) -> None:
        """Sends one message without the table, for when the database is down; lost if sending fails."""
        queue = self._queues.get(channel)
        if queue:
            await queue.send(Outgoing(0, address, msg))

    def tells_trouble(self, channel: str) -> bool:
        """Whether this channel itself reports to contacts that messages cannot be stored."""
        queue = self._queues.get(channel)
        return queue is not None and queue.channel.limits.tells_trouble

    async def drained(self) -> None:
        """Returns when all accepted messages are sent or postponed and their outcomes are stored."""
        self._draining += 1
        self._flush_now.set()
        try:
            for name, queue in self._queues.items():
                is_fed = self._loaders[name].is_fed
                while not (queue.idle.is_set() and is_fed.is_set()):
                    await is_fed.wait()
                    await queue.idle.wait()
            await self._flush()
        finally:
            self._draining -= 1

    def take_settled(self) -> PendingOutcomes:
        """Takes the outcomes to store now; call `confirm` afterwards, or `put_back` if storing failed."""
        settled, self._settled = self._settled, PendingOutcomes()
        self._flush_now.clear()
        if self._flush_timer:
            self._flush_timer.cancel()
            self._flush_timer = None
        return settled

    def put_back(self, settled: PendingOutcomes) -> None:
        if settled:
            self._settled.absorb(settled)
            self._flush_now.set()

    def confirm(self, settled: PendingOutcomes) -> None:
        """Notes that these outcomes are stored."""
        for name, id_, still_waits in settled.left_memory:
            self._loaders[name].persisted([id_])
            if still_waits:
                self._loaders[name].look()
        for future in settled.persisted:
            if not future.done():
                future.set_result(None)

    def write_settled(self, connection: Connection, settled: PendingOutcomes) -> None:
        """Stores the outcomes of messages; runs on the writing thread."""
        self.on_changes(_changed(settled))
        move_addresses(connection, settled.moves)
        delete_sent_replies(connection, settled.sent)
        settle_messages(connection, settled.outcomes)
        reschedule_messages(connection, settled.delays)
        contacts.mark_unreachable(connection, settled.unreachable)
        contacts.mark_missed(connection, settled.missed)
        if settled.broadcasts and self.ledger:
            self.ledger(connection, settled.broadcasts)
        if settled.has_farewells and not has_final_messages(connection):
            purge_orphaned_contacts(connection)

    def _settle(self, channel: str, item: QueuedMessage, delivery: Delivery) -> Retry | None:
        """Records a delivery; returns how to retry it, None if it is final."""
        if type(delivery) is Sent:
            self._references.note(channel, item, delivery.ref)
        if type(delivery) is Sent and item.purpose == "reply":
            self._settled.sent.append(SentReply(item.message.id))
            if self._flush_timer is None:  # no other timer is later than this one would be
                self._flush_within(IDLE_SECONDS)
            return None
        self._flush_within(FLUSH_SECONDS)
        if isinstance(delivery, Moved) and item.attempts + 1 < MOST_ATTEMPTS:
            return self._move(channel, item, delivery.address)
        wait = seconds_to_retry(item, delivery)
        if wait is None:
            self._done(channel, item, delivery, self._now())
            return None
        return self._put_off(channel, item, delivery, wait)

    def _put_off(self, channel: str, item: QueuedMessage, delivery: Delivery, wait: float) -> Retry | None:
        """Records the delay in seconds; returns None if the message is loaded again by then."""
        is_fault = not (isinstance(delivery, RetryAfter) and delivery.is_overall)
        may_be_there = item.may_be_there or isinstance(delivery, Unknown)
        again = item._replace(attempts=item.attempts + is_fault, may_be_there=may_be_there)
        if wait >= LONG_SECONDS and is_fault:
            log.warning("chat_rate_limited", channel=channel, outbox_id=item.message.id, seconds=round(wait))
        elif wait >= LONG_SECONDS:
            log.warning("channel_rate_limited", channel=channel, seconds=round(wait))
        until, reason = self._now() + timedelta(seconds=wait), getattr(delivery, "reason", "")
        self._settled.delays.append(SendDelay(item.message.id, again.attempts, until, reason))
        if item.purpose in UNASKED and is_fault and wait > LONGEST_PUT_OFF_SECONDS:
            self._settled.left_memory.append((channel, item.message.id, True))
            return None
        return Retry(again, wait)

    def _done(self, channel: str, item: QueuedMessage, delivery: Delivery, now: datetime) -> None:
        state, error = delivery_state(delivery)
        today = day_of(now)
        outcome = SendOutcome(
            id=item.message.id, state=state, attempts=item.attempts + 1, settled_at=today, error=error
        )
        self._settled.outcomes.append(outcome)
        if item.purpose == "farewell":
            self._settled.has_farewells = True
            self._let_forget(channel, item.message.address, was_told=True)
        if item.purpose == "broadcast":
            self._settled.broadcasts.append(outcome)
        if item.purpose in UNASKED:
            self._settled.left_memory.append((channel, item.message.id, False))
        if state in _NOT_SEEN and item.purpose == "reply" and item.is_question() and not item.may_be_there:
            self._settled.missed.append(AddressMissed(item.lookup, question_missed=True))
        if isinstance(delivery, Unreachable):
            self._settled.unreachable.append(AddressState(item.lookup, today, delivery.reason))

    def report(self, channel: str, reference: str, delivery: Delivery) -> None:
        """Records what a channel learned about a sent message later (`adapters.base.Reporting`)."""
        if failed := self._references.failure(channel, reference, delivery, day_of(self._now())):
            self._settled.absorb(failed)
            self._flush_within(FLUSH_SECONDS)

    def let_forget(self, doors: Iterable[tuple[str, str]]) -> None:
        """Lets channels forget these addresses, whose contacts were erased through another address."""
        for channel, address in doors:
            self._let_forget(channel, address, was_told=False)

    def _let_forget(self, channel: str, address: str, *, was_told: bool) -> None:
        queue = self._queues.get(channel)
        if queue is None or not isinstance(queue.channel, Forgetting):
            return
        try:
            queue.channel.forget(address, was_told=was_told)
        except Exception as error:  # noqa: BLE001 - the tables are correct already, and others wait for their replies
            log.error("channel_erasure_failed", channel=channel, **error_place(error))

    def _move(self, channel: str, item: QueuedMessage, address: str) -> Retry:
        lookup = self._keys.lookup(channel, address)
        self._settled.moves.append(AddressMove(item.lookup, lookup, self._keys.encrypt(address, lookup)))
        message = item.message._replace(address=address)
        return Retry(item._replace(lookup=lookup, message=message, attempts=item.attempts + 1))

    async def _persisted(self) -> None:
        """Returns when all outcomes recorded so far are stored."""
        future = asyncio.get_running_loop().create_future()
        self._settled.persisted.append(future)
        if self._draining:
            self._flush_now.set()
        await future

    def _hurry(self) -> None:
        self._flush_now.set()

    def _flush_within(self, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        if self._flush_timer is not None:
            if self._flush_timer.when() <= until:
                return
            self._flush_timer.cancel()
        self._flush_timer = loop.call_at(until, self._flush_now.set)

    async def _flush_now_and_then(self) -> None:
        while True:
            await self._flush_now.wait()
            try:
                await self._flush()
            except StorageError as error:
                log.error("send_outcomes_not_stored", fault=type(error).__name__)
                await asyncio.sleep(1)

    async def _flush(self) -> None:
        async with self._flushing:  # so that no caller returns while another flush is still writing
            settled = self.take_settled()
            if not settled:
                return
            try:
                await self._store.write(partial(self._write_alone, settled), is_known=True)
            except BaseException:
                self.put_back(settled)
                raise
            self.confirm(settled)

    def _write_alone(self, settled: PendingOutcomes, connection: Connection) -> None:
        self.write_settled(connection, settled)
        self.on_flush(connection)

    async def _load(self, name: str) -> None:
        found: list[WaitingMessage] = []
        while True:
            after = found[-1].id if found else 0
            query = partial(waiting_messages, channel=name, after_id=after, limit=PAGE, purposes=IN_MEMORY)
            rows = await self._store.read(query)
            found += rows
            if len(rows) < PAGE:
                break
        for row in self._in_order(found):
            self._restore(row)

    def _in_order(self, rows: Iterable[WaitingMessage]) -> list[WaitingMessage]:
        """Sorts rows as they were written: ids are random, and only the key reveals the order."""
        return sorted(rows, key=lambda row: self._keys.hide_order(row.id, row.hidden_order))

    def _restore(self, row: WaitingMessage) -> bool:
        """Queues a message from the table; returns whether its address could be decrypted."""
        try:
            address = self._keys.decrypt(row.sealed, row.lookup)
        except SecretError:
            log.error("address_not_decrypted", outbox_id=row.id)
            return False
        message = Outgoing(row.id, address, MsgOut.from_data(from_json(row.payload)))
        wait = (row.not_before - self._now()).total_seconds() if row.not_before else 0
        self._queues[row.channel].put(QueuedMessage(row.lookup, message, row.purpose, row.attempts), wait)
        return True


def _changed(settled: PendingOutcomes) -> list[bytes]:
    moved = [lookup for move in settled.moves for lookup in (move.old, move.new)]
    return [*moved, *(row.lookup for row in settled.unreachable), *(row.lookup for row in settled.missed)]
