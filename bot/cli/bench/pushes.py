"""Measures pushes to many recipients: time and memory of planning, and whether sending respects the channel's rate."""

from __future__ import annotations

import asyncio
import os
import statistics
import time
from collections import Counter
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple

from adapters.base import Delivery, Limits, Outgoing, Receive, RetryAfter, Sent
from bot.app import build
from bot.broadcasts import service
from bot.broadcasts.sending import BroadcastProcessor
from bot.broadcasts.service import BroadcastDraft
from bot.cli.bench.subject import SLUG, publish_subject
from bot.common.keys import Keys
from bot.settings import PushSettings, Settings
from storage import migrate
from storage.core.store import Store
from storage.tables import contacts
from storage.tables.broadcasts import (
    BroadcastState,
    change_broadcast_state,
    count_recipients,
    delete_draft_broadcast,
    insert_broadcasts,
)
from storage.tables.contacts import NewAddress, NewContact, insert_contacts
from storage.tables.opt_ins import NewOptIn, upsert_opt_ins

PEOPLE: Final = 100_000
AT_ONCE: Final = 10_000
_KEYS: Final = Keys(bytes(32))
_AWAKE: Final = Settings(push=PushSettings(quiet_from=0, quiet_to=0))
_CHANNEL: Final = "bench"
_WORDING: Final = "0" * 64


class Planned(NamedTuple):
    """The time until all recipients are stored, and the growth of the process meanwhile."""

    seconds: float
    mb: float


class Pace(NamedTuple):
    """Messages per second, in whole seconds without the first and last; their spread; number of refused messages."""

    per_s: float
    spread: float
    refused: int


def prepare_push(url: str, people: int = PEOPLE) -> None:
    """Stores the given number of contacts that subscribe to everything, in three languages."""
    store = Store(url)
    migrate.upgrade(store)
    now = datetime.now(UTC)
    with store.begin() as connection:
        publish_subject(connection)
    for start in range(1, people + 1, AT_ONCE):
        ids = range(start, min(start + AT_ONCE, people + 1))
        lookups = {number: _KEYS.lookup(_CHANNEL, str(number)) for number in ids}
        with store.begin() as connection:
            insert_contacts(connection, [NewContact(number, ("de", "en", "tr")[number % 3], now) for number in ids])
            rows = [
                NewAddress(
                    lookup=key, contact_id=one, channel=_CHANNEL, sealed=_KEYS.encrypt(str(one), key), created_at=now
                )
                for one, key in lookups.items()
            ]
            contacts.insert_addresses(connection, rows)
            upsert_opt_ins(
                connection,
                [
                    NewOptIn(
                        contact_id=number, about="all", subject="", language="de", wording_hash=_WORDING, given_at=now
                    )
                    for number in ids
                ],
            )
    store.dispose()


def plan(url: str, people: int = PEOPLE) -> Planned:
    """Plans a push to all of them and computes past participation, page by page as the service does."""
    store = Store(url)
    pushing = BroadcastProcessor(_AWAKE, _KEYS, frozenset({_CHANNEL}), [_CHANNEL])
    number = _begin(store, pushing, f"everybody and not began={SLUG}")
    before, began = _resident_mb(), time.perf_counter()
    _plan_all(store, pushing, number)
    took, grown = time.perf_counter() - began, _resident_mb() - before
    with store.reading() as connection:
        planned = sum(cell.number for cell in count_recipients(connection, number))
    with store.begin() as connection:
        change_broadcast_state(connection, number, ["sending"], "draft")
        delete_draft_broadcast(connection, number)
    store.dispose()
    if planned != people:
        raise AssertionError(f"{planned} of {people} were planned")
    return Planned(took, grown)


async def send(url: str, rate: int, seconds: float) -> Pace:
    """Sends a push at the rate of a channel that rejects faster sending."""
    strict = _Strict(rate)
    store = Store(url)
    app = build(_AWAKE, {_CHANNEL: strict}, store=store, keys=_KEYS)
    pushing = BroadcastProcessor(_AWAKE, _KEYS, frozenset({_CHANNEL}), [_CHANNEL])
    number = _begin(store, pushing, "everybody")
    _plan_all(store, pushing, number)
    async with app.running():
        await strict.has_begun.wait()
        await asyncio.sleep(seconds)
        running: tuple[BroadcastState, ...] = ("planning", "sending")
        await store.write(partial(change_broadcast_state, broadcast_id=number, before=running, after="recalled"))
        await app.broadcaster.step()  # cancels pending messages, so that a second push is not sent together with them
        return strict.pace()


class _Strict:
    """A channel with a limit of messages per second, which counts them."""

    name = _CHANNEL

    def __init__(self, rate: int) -> None:
        self.limits = Limits(idempotent=True, workers=64, per_second=rate)
        self.seconds: Counter[int] = Counter()
        self.refused = 0
        self.has_begun = asyncio.Event()
        self._most = rate * 1.05 + 1

    async def start(self, receive: Receive) -> None:
        """Does nothing."""

    async def send(self, message: Outgoing) -> Delivery:
        second = int(time.monotonic())
        if self.seconds[second] >= self._most:
            self.refused += 1
            return RetryAfter(1, is_overall=True)
        self.seconds[second] += 1
        self.has_begun.set()
        return Sent()

    async def stop(self) -> None:
        """Does nothing."""

    def trouble(self) -> str:
        return ""

    def pace(self) -> Pace:
        whole = [count for _, count in sorted(self.seconds.items())][1:-1]
        mean = statistics.fmean(whole)
        return Pace(mean, statistics.pstdev(whole) / mean, self.refused)


def _begin(store: Store, pushing: BroadcastProcessor, segment: str) -> int:
    now = datetime.now(UTC)
    with store.begin() as connection:
        draft = service.create_draft(pushing, connection, BroadcastDraft(SLUG, segment), now)
        insert_broadcasts(connection, [draft])
        service.start_broadcast(pushing, connection, draft, now)
    return draft.id


def _plan_all(store: Store, pushing: BroadcastProcessor, number: int) -> None:
    while store.run(partial(pushing.plan_page, broadcast_id=number, now=datetime.now(UTC))) is not None:
        pass


def _resident_mb() -> float:
    """Returns the memory of this process in megabytes; 0 if the system does not report it."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except OSError:
        return 0.0
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20
