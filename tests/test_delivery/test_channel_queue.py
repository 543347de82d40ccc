"""A channel queue against a strict counterpart: nothing refused, evenly spread, replies first, order kept. In virtual
time.
"""

from __future__ import annotations

import asyncio
import random
import statistics
from collections import deque
from contextlib import asynccontextmanager
from typing import Any

import pytest

from adapters.base import Delivery, Limits, Outgoing, RetryAfter, Sent
from bot.cli.bench.sender import in_whole_seconds
from bot.delivery.channel_queue import ChannelQueue, QueuedMessage, Retry
from flows.messages import MsgOut
from tests.support.virtual_time import run

TELEGRAM = Limits(workers=200, per_second=30, per_chat_per_second=1, per_group_per_minute=20, group_prefix="-")


class Strict:
    """Refuses what comes too fast, in any window: overall, per chat, per group. Messages take 5 to 15 ms to arrive and
    `takes` seconds until they are answered.
    """

    name = "strict"

    def __init__(self, limits: Limits, takes: tuple[float, float] = (0.05, 0.3)) -> None:
        self.limits = limits
        self.arrived: list[tuple[float, Outgoing]] = []
        self.refused = 0
        self.most_at_once = 0
        self._takes = takes
        self._chance = random.Random(4)
        self._at_once = 0
        self._recent: deque[float] = deque()
        self._chats: dict[str, deque[float]] = {}

    async def send(self, message: Outgoing) -> Delivery:
        self._at_once += 1
        self.most_at_once = max(self.most_at_once, self._at_once)
        await asyncio.sleep(self._chance.uniform(0.005, 0.015))
        now = asyncio.get_running_loop().time()
        taken = self._takes_it(message.address, now)
        if taken:
            self.arrived.append((now, message))
        self.refused += not taken
        await asyncio.sleep(self._chance.uniform(*self._takes))
        self._at_once -= 1
        return Sent() if taken else RetryAfter(1, is_overall=True)

    def _takes_it(self, address: str, now: float) -> bool:
        chat = self._chats.setdefault(address, deque())
        limits, is_group = self.limits, address.startswith("-")
        windows = [(self._recent, 1.0, limits.per_second)]
        windows.append((chat, 60.0, limits.per_group_per_minute) if is_group else (chat, 1, limits.per_chat_per_second))
        for times, seconds, most in windows:
            while times and times[0] <= now - seconds:
                times.popleft()
            if most and len(times) >= most:
                return False
        for times, *_ in windows:
            times.append(now)
        return True

    def addresses(self) -> list[str]:
        return [message.address for _, message in self.arrived]


@asynccontextmanager
async def queue_of(channel: Any, settle: Any = None, note_seconds: float = 0.003):
    settled: list[tuple[QueuedMessage, Delivery]] = []

    def note(item: QueuedMessage, delivery: Delivery) -> Retry | None:
        settled.append((item, delivery))
        return Retry(item, delivery.seconds) if isinstance(delivery, RetryAfter) else None

    async def persisted() -> None:
        await asyncio.sleep(note_seconds)

    queue = ChannelQueue(channel, settle or note, persisted)
    task = asyncio.create_task(queue.run())
    yield queue
    task.cancel()
    await asyncio.wait([task])


def item(number: int, address: str, purpose: Any = "reply") -> QueuedMessage:
    return QueuedMessage(address.encode(), Outgoing(number, address, MsgOut(f"{number}")), purpose)


@pytest.mark.parametrize("rate", [30, 1000])
def test_broadcast_is_spread_evenly_without_refusals(rate):
    async def push() -> Strict:
        channel = Strict(Limits(workers=400, per_second=rate))
        async with queue_of(channel) as queue:
            for number in range(rate * 20):
                queue.put(item(number, f"p{number}", "broadcast"))
            await queue.idle.wait()
        return channel

    channel = run(push(), lateness=0.004)
    assert channel.refused == 0
    full = in_whole_seconds([moment for moment, _ in channel.arrived], rate)[:19]  # then the queue runs dry
    assert statistics.pstdev(full) / statistics.mean(full) < 0.01, full
    assert statistics.mean(full) > 0.96 * rate, "the channel's pace is used"
    assert channel.most_at_once < 400, "no more workers than the pace needs"


def test_burst_of_replies_keeps_the_rate_of_each_chat():
    async def burst() -> Strict:
        channel = Strict(TELEGRAM)
        async with queue_of(channel) as queue:
            for number in range(60):
                queue.put(item(number, f"{'-' if number % 3 == 0 else ''}{number % 6}"))
            await queue.idle.wait()
        return channel

    channel = run(burst(), lateness=0.004)
    assert channel.refused == 0
    assert len(channel.arrived) == 60
    for address in set(channel.addresses()):
        ids = [message.id for _, message in channel.arrived if message.address == address]
        assert ids == sorted(ids), "order is kept in each chat"


def test_replies_stay_fast_while_a_thousand_get_a_broadcast():
    async def push() -> tuple[Strict, list[float]]:
        channel = Strict(TELEGRAM)
        asked: dict[int, float] = {}
        async with queue_of(channel) as queue:
            for number in range(1000):
                queue.put(item(number, f"p{number}", "broadcast"))
            clock, number = asyncio.get_running_loop().time, 1000
            while len(asked) < 400:
                await asyncio.sleep(0.1)
                number += 1
                asked[number] = clock()
                queue.put(item(number, f"r{number}"))
            await queue.idle.wait()
        return channel, [moment - asked[message.id] for moment, message in channel.arrived if message.id in asked]

    channel, delays = run(push(), lateness=0.004)
    assert channel.refused == 0
    assert len(channel.arrived) == 1000 + len(delays)
    assert len(delays) == 400
    assert max(delays) < 0.3, "a reply waits for one slot"


def test_broadcasts_that_hang_leave_workers_for_replies():
    class Hanging(Strict):
        async def send(self, message: Outgoing) -> Delivery:
            if message.address.startswith("slow"):
                await asyncio.sleep(60)
            return await super().send(message)

    async def push() -> list[tuple[float, Outgoing]]:
        channel = Hanging(Limits(workers=8), takes=(0.01, 0.01))
        async with queue_of(channel) as queue:
            for number in range(20):
                queue.put(item(number, f"slow{number}", "broadcast"))
            await asyncio.sleep(5)
            for number in range(20, 40):
                queue.put(item(number, f"r{number}"))
            await asyncio.sleep(2)
            return channel.arrived

    assert len(run(push())) == 20


def test_one_chat_that_hangs_keeps_nobody_else_waiting():
    class Hanging(Strict):
        async def send(self, message: Outgoing) -> Delivery:
            if message.address == "slow":
                await asyncio.sleep(60)
            return await super().send(message)

    async def talk() -> list[str]:
        channel = Hanging(TELEGRAM, takes=(0.001, 0.001))
        async with queue_of(channel) as queue:
            queue.put(item(0, "slow"))
            for number in range(1, 20):
                queue.put(item(number, f"p{number}"))
            await asyncio.sleep(2)
            return channel.addresses()

    assert len(run(talk())) == 19


def test_who_was_just_answered_keeps_their_place_in_a_broadcast():
    async def push() -> list[int]:
        channel = Strict(Limits(workers=1), takes=(0.01, 0.01))
        async with queue_of(channel) as queue:
            queue.put(item(1, "a"))
            queue.put(item(2, "a"))
            await asyncio.sleep(0.001)  # the first is on its way, and the chat stands in line for both
            queue.put(item(3, "b", "broadcast"))
            queue.put(item(4, "c", "broadcast"))
            queue.put(item(5, "a", "broadcast"))
            await queue.idle.wait()
        return [message.id for _, message in channel.arrived]

    assert run(push()) == [1, 2, 3, 4, 5]


def test_one_worker_sends_in_order_and_slow_sends_step_aside():
    class Hanging(Strict):
        async def send(self, message: Outgoing) -> Delivery:
            if message.address.startswith("slow"):
                await asyncio.sleep(60)
            return await super().send(message)

    async def talk() -> tuple[int, list[str], list[str]]:
        channel = Hanging(TELEGRAM._replace(workers=1, per_second=0), takes=(0.04, 0.04))
        async with queue_of(channel) as queue:
            for number in range(20):
                queue.put(item(number, f"p{number}"))
            await queue.idle.wait()
            together, channel.arrived = channel.most_at_once, []
            for number in range(3):
                queue.put(item(20 + number, f"slow{number}"))
            queue.put(item(30, "a"))
            await asyncio.sleep(2.9)
            early = channel.addresses()
            await asyncio.sleep(0.3)
            return together, early, channel.addresses()

    together, early, late = run(talk())
    assert together == 1
    assert early == [], "each of the three keeps its place for a second"
    assert late == ["a"]


def test_unpersisted_sends_keep_their_slot_while_db_is_down():
    async def talk() -> list[str]:
        channel = Strict(TELEGRAM._replace(workers=1), takes=(0.01, 0.01))
        async with queue_of(channel, note_seconds=60) as queue:
            for number in range(5):
                queue.put(item(number, f"p{number}"))
            await asyncio.sleep(30)
            return channel.addresses()

    assert run(talk()) == ["p0"]


def test_chats_of_dropped_broadcasts_are_forgotten():
    async def push() -> int:
        async with queue_of(Strict(Limits(workers=1, per_second=10))) as queue:
            for number in range(50):
                queue.put(item(number, f"p{number}", "broadcast"))
            await asyncio.sleep(1)
            queue.drop_broadcasts({number: b"p%d" % number for number in range(50)})
            await asyncio.sleep(20)
            return len(queue._chats)

    assert run(push()) == 0


def test_retry_after_pauses_the_channel_or_only_one_chat():
    class Flooded(Strict):
        answers: list[RetryAfter]

        async def send(self, message: Outgoing) -> Delivery:
            return self.answers.pop(0) if self.answers else await super().send(message)

    async def talk(is_overall: bool) -> dict[str, float]:
        channel = Flooded(Limits(workers=4), takes=(0, 0))
        channel.answers = [RetryAfter(30, is_overall=is_overall)]
        async with queue_of(channel) as queue:
            began = asyncio.get_running_loop().time()
            queue.put(item(1, "a"))
            queue.put(item(2, "a"))
            await asyncio.sleep(1)
            queue.put(item(3, "b"))
            await asyncio.sleep(100)
        assert [message.id for _, message in channel.arrived if message.address == "a"] == [1, 2]
        return {message.address: moment - began for moment, message in channel.arrived}

    overall, one_chat = run(talk(is_overall=True)), run(talk(is_overall=False))
    assert overall["b"] > 30
    assert one_chat["b"] < 2
    assert one_chat["a"] > 30


@pytest.mark.parametrize(("pace", "takes", "most"), [(30, 0.005, 1), (30, 0.2, 12), (0, 0.001, 1)])
def test_concurrent_sends_are_as_few_as_the_rate_needs(pace, takes, most):
    """With an idle channel without pace: one after another, and never a second before the first is noted."""

    async def talk() -> Strict:
        channel = Strict(Limits(workers=100, per_second=pace), takes=(takes, takes))
        async with queue_of(channel) as queue:
            for number in range(200):
                queue.put(item(number, f"p{number}"))
                await asyncio.sleep(0.03 if pace else 0.02)
            await queue.idle.wait()
        return channel

    channel = run(talk())
    assert channel.refused == 0
    assert len(channel.arrived) == 200
    assert channel.most_at_once <= most


def test_dropped_broadcasts_are_not_sent_nor_waited_for():
    async def push() -> list[int]:
        channel = Strict(Limits(workers=1, per_second=10, idempotent=True))
        async with queue_of(channel) as queue:
            for number in range(30):
                queue.put(item(number, f"p{number % 10}", "broadcast"))
            await asyncio.sleep(1)
            queue.drop_broadcasts({number: f"p{number % 10}".encode() for number in range(30) if number % 10 > 4})
            await queue.idle.wait()
        return [message.id for _, message in channel.arrived]

    sent = run(push())
    assert {number for number in range(30) if number % 10 <= 4} <= set(sent)
    assert len([number for number in sent if number % 10 > 4]) <= 5, "only what was sent before"


def test_a_chat_that_moves_takes_everything_along_in_order():
    moved = []

    def settle(given: QueuedMessage, delivery: Delivery) -> Retry | None:
        if given.message.address == "old":
            moved.append(given.message.id)
            there = given._replace(lookup=b"new", message=given.message._replace(address="new"))
            return Retry(there)
        return None

    async def talk() -> list[tuple[str, int]]:
        channel = Strict(Limits(workers=1), takes=(0, 0))
        async with queue_of(channel, settle) as queue:
            queue.put(item(1, "old"))
            queue.put(item(2, "old"))
            queue.put(item(3, "old", "broadcast"))
            queue.put(item(4, "new"))
            await queue.idle.wait()
        return [(message.address, message.id) for _, message in channel.arrived]

    assert run(talk()) in (
        [("old", 1), ("new", 1), ("new", 2), ("new", 4), ("new", 3)],
        [("old", 1), ("new", 4), ("new", 1), ("new", 2), ("new", 3)],
    )
    assert moved == [1]


def test_slow_persisting_is_hurried_when_messages_wait():
    """Nothing else waits: the note has time. How long that was tells nothing about how many should go at once."""

    async def talk() -> None:
        channel: Any = Strict(Limits(workers=8))
        is_noted, hurried = asyncio.Event(), asyncio.Event()

        async def persisted() -> None:
            await is_noted.wait()

        queue = ChannelQueue(channel, lambda *_: None, persisted, hurried.set)
        task = asyncio.create_task(queue.run())
        queue.put(item(1, "a"))
        await asyncio.sleep(30)
        assert channel.addresses() == ["a"]
        assert not hurried.is_set()
        assert not queue.idle.is_set()
        queue.put(item(2, "b"))
        queue.put(item(3, "c"))
        assert hurried.is_set()
        await asyncio.sleep(0.1)
        assert channel.addresses() == ["a"], "none is sent while another one is not noted"
        is_noted.set()
        await queue.idle.wait()
        assert channel.addresses() == ["a", "b", "c"]
        task.cancel()
        await asyncio.wait([task])

    run(talk())
