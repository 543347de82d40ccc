"""Sends what is committed: in order for each address, replies before broadcasts, at the pace each channel bears.

What a channel answers is data and decides what happens: sent, later, unreachable, refused, unknown. Outcomes are
written with the next batch of messages, or shortly after on their own. A restart finds unsent rows in the table.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial

import structlog
from pydantic_core import from_json
from sqlalchemy import Connection

from adapters.base import Channel, Delivery, Moved, Outgoing, Refused, RetryAfter, Sent, Unknown, Unreachable
from bot.keys import Keys, SecretError
from bot.lanes import Item, Lane
from flows.messages import MsgOut
from storage import contacts, outbox
from storage.contacts import AddressState
from storage.errors import StorageError
from storage.outbox import Delay, Outcome, Purpose, SentReply, State, WaitingMessage
from storage.store import Store

log = structlog.get_logger()

FLUSH_SECONDS = 0.02
"""How long outcomes wait for a batch to be written with."""
MOST_ATTEMPTS = 12
PAGE = 1000


@dataclass(slots=True)
class Settled:
    """Outcomes not written yet."""

    sent: list[SentReply] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)
    delays: list[Delay] = field(default_factory=list)
    unreachable: list[AddressState] = field(default_factory=list)
    has_farewells: bool = False

    def __bool__(self) -> bool:
        return bool(self.sent or self.outcomes or self.delays or self.unreachable)

    def absorb(self, other: Settled) -> None:
        self.sent[:0] = other.sent
        self.outcomes[:0] = other.outcomes
        self.delays[:0] = other.delays
        self.unreachable[:0] = other.unreachable
        self.has_farewells |= other.has_farewells


class Outbox:
    """All messages on their way, a lane for each channel."""

    def __init__(self, store: Store, keys: Keys, channels: Mapping[str, Channel]) -> None:
        self._store = store
        self._keys = keys
        self._lanes = {name: Lane(channel, self._settle) for name, channel in channels.items()}
        self._settled = Settled()
        self._anything_settled = asyncio.Event()
        self._flushing = asyncio.Lock()

    async def load(self) -> None:
        """Finds what an earlier run left. Before anything new is accepted, or that would be found here once more."""
        for name in self._lanes:
            await self._load(name)

    async def run(self) -> None:
        """Sends until it is cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for lane in self._lanes.values():
                for _ in range(lane.channel.limits.workers):
                    tasks.create_task(lane.work())
            tasks.create_task(self._flush_now_and_then())

    def accept(self, outgoing: Iterable[tuple[str, bytes, Outgoing]], purpose: Purpose = "reply") -> None:
        """Takes committed messages. Those of channels that are not running stay in the table."""
        for name, lookup, message in outgoing:
            lane = self._lanes.get(name)
            if lane:
                lane.put(Item(lookup, message, purpose))

    async def send_at_once(self, channel: str, address: str, msg: MsgOut) -> None:
        """One message past the table, for when there is no table; lost if it fails."""
        lane = self._lanes.get(channel)
        if lane:
            await lane.channel.send(Outgoing(0, address, msg))

    async def drained(self) -> None:
        """Returns when everything accepted was sent (or put off) and noted."""
        for lane in self._lanes.values():
            await lane.idle.wait()
        await self._flush()

    def take_settled(self) -> Settled:
        """The outcomes to be written now; `put_back` them when that fails."""
        settled, self._settled = self._settled, Settled()
        self._anything_settled.clear()
        return settled

    def put_back(self, settled: Settled) -> None:
        if settled:
            self._settled.absorb(settled)
            self._anything_settled.set()

    def write_settled(self, connection: Connection, settled: Settled) -> None:
        """Notes what became of messages; runs on the writing thread."""
        outbox.delete_sent(connection, settled.sent)
        outbox.settle(connection, settled.outcomes)
        outbox.reschedule(connection, settled.delays)
        contacts.mark_unreachable(connection, settled.unreachable)
        if settled.has_farewells and not outbox.has_farewells(connection):
            contacts.purge_orphans(connection)

    def _settle(self, item: Item, delivery: Delivery) -> float | None:
        """Notes a delivery; gives the seconds after which to try again, or None where the message is done with."""
        self._anything_settled.set()
        if type(delivery) is Sent and item.purpose == "reply":
            self._settled.sent.append(SentReply(item.message.id))
            return None
        now, attempts = datetime.now(UTC), item.attempts + 1
        wait = _seconds_to_wait(item, delivery)
        if wait is not None:
            reason = getattr(delivery, "reason", "")
            self._settled.delays.append(Delay(item.message.id, attempts, now + timedelta(seconds=wait), reason))
        else:
            state, reference, error = _state_of(delivery)
            self._settled.outcomes.append(Outcome(item.message.id, state, attempts, now, reference, error))
            self._settled.has_farewells |= item.purpose == "farewell"
        if isinstance(delivery, Unreachable):
            self._settled.unreachable.append(AddressState(item.lookup, now, delivery.reason))
        return wait

    async def _flush_now_and_then(self) -> None:
        while True:
            await self._anything_settled.wait()
            await asyncio.sleep(FLUSH_SECONDS)
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

    async def _load(self, name: str) -> None:
        after = 0
        while True:
            rows = await self._store.read(partial(outbox.waiting, channel=name, after_id=after, limit=PAGE))
            for row in rows:
                self._restore(row)
            if len(rows) < PAGE:
                return
            after = rows[-1].id

    def _restore(self, row: WaitingMessage) -> None:
        try:
            address = self._keys.unseal(row.sealed, row.lookup)
        except SecretError:
            log.error("an address was sealed with another secret key", outbox_id=row.id)
            return
        message = Outgoing(row.id, address, MsgOut.from_data(from_json(row.payload)))
        wait = (row.not_before - datetime.now(UTC)).total_seconds() if row.not_before else 0
        self._lanes[row.channel].put(Item(row.lookup, message, row.purpose, row.attempts), wait)


def _seconds_to_wait(item: Item, delivery: Delivery) -> float | None:
    if isinstance(delivery, RetryAfter) and item.attempts + 1 < MOST_ATTEMPTS:
        return delivery.seconds
    # An unknown outcome is tried once more where a doubled reply does no harm; a broadcast never says a thing twice.
    if isinstance(delivery, Unknown) and item.purpose != "broadcast" and item.attempts == 0:
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
