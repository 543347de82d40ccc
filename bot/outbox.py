"""Sends what is committed: in order for each address, replies before broadcasts, at the pace each channel bears.

What a channel answers is data and decides what happens: sent, later, moved, unreachable, refused, unknown. Outcomes are
written with the next batch of messages, or shortly after on their own. A restart finds unsent rows in the table.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import get_args

import structlog
from pydantic_core import from_json
from sqlalchemy import Connection

from adapters.base import (
    Channel,
    Delivery,
    Forgetting,
    Moved,
    Outgoing,
    Refused,
    RetryAfter,
    Sent,
    Unknown,
    Unreachable,
)
from bot.keys import Keys, SecretError
from bot.lanes import Again, Item, Lane
from bot.logs import where
from bot.supply import LONGEST_PUT_OFF_SECONDS, Supply
from flows.messages import MsgOut
from storage import contacts, outbox
from storage.contacts import AddressMove, AddressState
from storage.errors import StorageError
from storage.outbox import UNASKED, Delay, Outcome, Purpose, SentReply, State, WaitingMessage
from storage.store import Store

log = structlog.get_logger()

FLUSH_SECONDS = 0.02
"""How long outcomes wait for a batch to be written with."""
MOST_ATTEMPTS = 12
PAGE = 1000
IN_MEMORY: list[Purpose] = [purpose for purpose in get_args(Purpose) if purpose not in UNASKED]
"""What is queued as soon as it is written; broadcasts come in portions (`bot.supply`)."""

Ledger = Callable[[Connection, Sequence[Outcome]], object]
"""Is told what became of broadcasts, within the transaction that notes it."""


@dataclass(slots=True)
class Settled:
    """Outcomes not written yet."""

    sent: list[SentReply] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)
    delays: list[Delay] = field(default_factory=list)
    moves: list[AddressMove] = field(default_factory=list)
    unreachable: list[AddressState] = field(default_factory=list)
    broadcasts: list[Outcome] = field(default_factory=list)
    left_memory: list[tuple[str, int, bool]] = field(default_factory=list)
    """Channel and id of broadcasts that are no longer in a lane, and whether they still wait."""
    noted: list[asyncio.Future[None]] = field(default_factory=list)
    """Who waits until all this is written."""
    has_farewells: bool = False

    def __bool__(self) -> bool:
        return any(getattr(self, each.name) for each in fields(self))

    def absorb(self, other: Settled) -> None:
        for each in fields(self):
            mine, theirs = getattr(self, each.name), getattr(other, each.name)
            setattr(self, each.name, theirs + mine if isinstance(mine, list) else mine or theirs)


class Outbox:
    """All messages on their way, a lane for each channel."""

    def __init__(self, store: Store, keys: Keys, channels: Mapping[str, Channel]) -> None:
        self.ledger: Ledger | None = None
        self._store = store
        self._keys = keys
        self._lanes = {
            name: Lane(channel, partial(self._settle, name), self._noted) for name, channel in channels.items()
        }
        self._supplies = {name: Supply(store, lane, self._restore) for name, lane in self._lanes.items()}
        self._settled = Settled()
        self._flush_now = asyncio.Event()
        self._flush_timer: asyncio.TimerHandle | None = None
        self._flushing = asyncio.Lock()

    async def load(self) -> None:
        """Finds what an earlier run left. Before anything new is accepted, or that would be found here once more."""
        for name in self._lanes:
            await self._load(name)
            self._supplies[name].look()

    async def run(self) -> None:
        """Sends until it is cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for lane in self._lanes.values():
                tasks.create_task(lane.run())
            for supply in self._supplies.values():
                tasks.create_task(supply.run())
            tasks.create_task(self._flush_now_and_then())

    def accept(self, outgoing: Iterable[tuple[str, bytes, Outgoing]], purpose: Purpose = "reply") -> None:
        """Takes committed messages other than broadcasts and notices.

        Those of channels that are not running stay in the table.
        """
        for name, lookup, message in outgoing:
            lane = self._lanes.get(name)
            if lane:
                lane.put(Item(lookup, message, purpose))

    def look_for_broadcasts(self) -> None:
        """There are new broadcasts or notices in the table, committed: they are sent in the order of their ids.

        They come in portions: of however many, `supply.KEPT` of each channel are in memory.
        """
        for supply in self._supplies.values():
            supply.look()

    def forget(self, ids: Iterable[int]) -> None:
        """Broadcasts that were taken back (`storage.outbox.recall`, `recall_from`), after that commit.

        Called before anything else is awaited, nothing of them begins to be sent. What was on its way at that moment
        arrives, and the ledger is told so.
        """
        if ids := list(ids):
            for supply in self._supplies.values():
                supply.forget(ids)

    async def send_at_once(self, channel: str, address: str, msg: MsgOut) -> None:
        """One message past the table, for when there is no table; lost if it fails."""
        lane = self._lanes.get(channel)
        if lane:
            await lane.send(Outgoing(0, address, msg))

    async def drained(self) -> None:
        """Returns when everything accepted was sent (or put off) and noted."""
        for name, lane in self._lanes.items():
            is_fed = self._supplies[name].is_fed
            while not (lane.idle.is_set() and is_fed.is_set()):
                await is_fed.wait()
                await lane.idle.wait()
        await self._flush()

    def take_settled(self) -> Settled:
        """The outcomes to be written now; tell `confirm` when that is done, `put_back` when it failed."""
        settled, self._settled = self._settled, Settled()
        self._flush_now.clear()
        if self._flush_timer:
            self._flush_timer.cancel()
            self._flush_timer = None
        return settled

    def put_back(self, settled: Settled) -> None:
        if settled:
            self._settled.absorb(settled)
            self._flush_now.set()

    def confirm(self, settled: Settled) -> None:
        """These outcomes are stored for good."""
        for name, id_, still_waits in settled.left_memory:
            self._supplies[name].noted([id_])
            if still_waits:
                self._supplies[name].look()
        for future in settled.noted:
            if not future.done():
                future.set_result(None)

    def write_settled(self, connection: Connection, settled: Settled) -> None:
        """Notes what became of messages; runs on the writing thread."""
        contacts.move(connection, settled.moves)
        outbox.delete_sent(connection, settled.sent)
        outbox.settle(connection, settled.outcomes)
        outbox.reschedule(connection, settled.delays)
        contacts.mark_unreachable(connection, settled.unreachable)
        if settled.broadcasts and self.ledger:
            self.ledger(connection, settled.broadcasts)
        if settled.has_farewells and not outbox.has_farewells(connection):
            contacts.purge_orphans(connection)

    def _settle(self, channel: str, item: Item, delivery: Delivery) -> Again | None:
        """Notes a delivery; says how to try again, or None where the message is done with."""
        self._flush_soon()
        if type(delivery) is Sent and item.purpose == "reply":
            self._settled.sent.append(SentReply(item.message.id))
            return None
        if isinstance(delivery, Moved) and item.attempts + 1 < MOST_ATTEMPTS:
            return self._move(channel, item, delivery.address)
        now = datetime.now(UTC)
        wait = _seconds_to_wait(item, delivery)
        if wait is None:
            self._done(channel, item, delivery, now)
            return None
        is_fault = not (isinstance(delivery, RetryAfter) and delivery.is_overall)
        again = item._replace(attempts=item.attempts + is_fault)
        reason = getattr(delivery, "reason", "")
        self._settled.delays.append(Delay(item.message.id, again.attempts, now + timedelta(seconds=wait), reason))
        if item.purpose in UNASKED and is_fault and wait > LONGEST_PUT_OFF_SECONDS:
            self._settled.left_memory.append((channel, item.message.id, True))
            return None
        return Again(again, wait)

    def _done(self, channel: str, item: Item, delivery: Delivery, now: datetime) -> None:
        state, reference, error = _state_of(delivery)
        outcome = Outcome(item.message.id, state, item.attempts + 1, now, reference, error)
        self._settled.outcomes.append(outcome)
        if item.purpose == "farewell":
            self._settled.has_farewells = True
            self._let_forget(channel, item.message.address, was_told=True)
        if item.purpose == "broadcast":
            self._settled.broadcasts.append(outcome)
        if item.purpose in UNASKED:
            self._settled.left_memory.append((channel, item.message.id, False))
        if isinstance(delivery, Unreachable):
            self._settled.unreachable.append(AddressState(item.lookup, now, delivery.reason))

    def let_forget(self, doors: Iterable[tuple[str, str]]) -> None:
        """These addresses (with their channels) belonged to people who had everything deleted through another one."""
        for channel, address in doors:
            self._let_forget(channel, address, was_told=False)

    def _let_forget(self, channel: str, address: str, *, was_told: bool) -> None:
        lane = self._lanes.get(channel)
        if lane is None or not isinstance(lane.channel, Forgetting):
            return
        try:
            lane.channel.forget(address, was_told=was_told)
        except Exception as fault:  # noqa: BLE001 - the tables are right already, and others wait for their replies
            log.error("a channel did not forget", channel=channel, **where(fault))

    def _move(self, channel: str, item: Item, address: str) -> Again:
        lookup = self._keys.lookup(channel, address)
        self._settled.moves.append(AddressMove(item.lookup, lookup, self._keys.seal(address, lookup)))
        message = item.message._replace(address=address)
        return Again(item._replace(lookup=lookup, message=message, attempts=item.attempts + 1))

    async def _noted(self) -> None:
        """Returns when everything settled so far is written."""
        future = asyncio.get_running_loop().create_future()
        self._settled.noted.append(future)
        self._flush_now.set()
        await future

    def _flush_soon(self) -> None:
        if self._flush_timer is None:
            loop = asyncio.get_running_loop()
            self._flush_timer = loop.call_later(FLUSH_SECONDS, self._flush_now.set)

    async def _flush_now_and_then(self) -> None:
        while True:
            await self._flush_now.wait()
            try:
                await self._flush()
            except StorageError as fault:
                log.error("outcomes not written yet", fault=type(fault).__name__)
                await asyncio.sleep(1)

    async def _flush(self) -> None:
        async with self._flushing:  # so that nobody believes all is noted while another flush is still writing
            settled = self.take_settled()
            if not settled:
                return
            try:
                await self._store.write(lambda connection: self.write_settled(connection, settled))
            except BaseException:
                self.put_back(settled)
                raise
            self.confirm(settled)

    async def _load(self, name: str) -> None:
        after = 0
        while True:
            query = partial(outbox.waiting, channel=name, after_id=after, limit=PAGE, purposes=IN_MEMORY)
            rows = await self._store.read(query)
            for row in rows:
                self._restore(row)
            if len(rows) < PAGE:
                return
            after = rows[-1].id

    def _restore(self, row: WaitingMessage) -> bool:
        """Queues a message from the table; says whether its address could be read."""
        try:
            address = self._keys.unseal(row.sealed, row.lookup)
        except SecretError:
            log.error("an address was sealed with another secret key", outbox_id=row.id)
            return False
        message = Outgoing(row.id, address, MsgOut.from_data(from_json(row.payload)))
        wait = (row.not_before - datetime.now(UTC)).total_seconds() if row.not_before else 0
        self._lanes[row.channel].put(Item(row.lookup, message, row.purpose, row.attempts), wait)
        return True


def _seconds_to_wait(item: Item, delivery: Delivery) -> float | None:
    if isinstance(delivery, RetryAfter) and (delivery.is_overall or item.attempts + 1 < MOST_ATTEMPTS):
        return delivery.seconds
    # An unknown outcome is tried once more where a doubled reply does no harm; a broadcast never says a thing twice.
    if isinstance(delivery, Unknown) and item.purpose not in UNASKED and item.attempts == 0:
        return 1.0
    return None


def _state_of(delivery: Delivery) -> tuple[State, str | None, str | None]:
    match delivery:
        case Sent(reference):
            return "sent", reference or None, None
        case Unreachable(reason):
            return "unreachable", None, reason
        case Moved():
            return "unreachable", None, "moved"
        case Refused(reason):
            return "refused", None, reason
        case RetryAfter(_, reason):
            return "refused", None, f"gave up: {reason}"
        case Unknown(reason):
            return "unknown", None, reason
