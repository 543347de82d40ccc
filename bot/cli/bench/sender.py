"""Measures the sender against a strict stand-in: rejected messages, evenness of the rate, and delay of replies."""

from __future__ import annotations

import asyncio
import math
import random
import statistics
from collections import Counter, deque
from collections.abc import Sequence
from typing import Final, NamedTuple

from adapters.base import Delivery, Limits, Outgoing, RetryAfter, Sent
from bot.delivery.channel_queue import ChannelQueue, QueuedMessage, Retry
from bot.delivery.rate_limit import RateLimiter
from flows.messages import MsgOut

SECONDS: Final = 8
REPLIES_PER_S: Final = 5


class SenderMeasurement(NamedTuple):
    """One run: number of refused messages, standard deviation of the messages per second in per cent of their mean,
    99th percentile of the delay of replies.
    """

    refused: float
    spread_percent: float
    reply_p99_ms: float


class Strict:
    """A channel that accepts at most `per_second` messages in any second, and answers each after 50 to 300 ms."""

    name = "strict"

    def __init__(self, per_second: float) -> None:
        self.limits = Limits(workers=400, per_second=per_second)
        self.arrived: list[tuple[float, int]] = []
        self.refused = 0
        self._recent: deque[float] = deque()
        self._chance = random.Random(30)  # noqa: S311 - delays, not secrets

    async def start(self, receive: object) -> None:
        """Does nothing."""

    async def send(self, message: Outgoing) -> Delivery:
        now = asyncio.get_running_loop().time()
        while self._recent and self._recent[0] <= now - 1:
            self._recent.popleft()
        if len(self._recent) >= self.limits.per_second:
            self.refused += 1
            return RetryAfter(1, is_overall=True)
        self._recent.append(now)
        self.arrived.append((now, message.id))
        await asyncio.sleep(self._chance.uniform(0.05, 0.3))
        return Sent()

    async def stop(self) -> None:
        """Does nothing."""

    def trouble(self) -> str:
        return ""


async def measure_sender(per_second: int, seconds: int = SECONDS) -> SenderMeasurement:
    """Measures a broadcast at this rate for this number of seconds, with some replies in between."""
    channel = Strict(per_second)
    queue = ChannelQueue(channel, _settle, _persisted)
    sending = asyncio.create_task(queue.run())
    clock = asyncio.get_running_loop().time
    for number in range(per_second * (seconds + 2)):
        queue.put(_item(number, "broadcast"))
    asked: dict[int, float] = {}
    for number in range(seconds * REPLIES_PER_S):
        await asyncio.sleep(1 / REPLIES_PER_S)
        asked[-number - 1] = clock()
        queue.put(_item(-number - 1, "reply"))
    await asyncio.sleep(1)
    sending.cancel()
    await asyncio.wait([sending])
    return _figures(channel, asked, seconds)


def _figures(channel: Strict, asked: dict[int, float], seconds: int) -> SenderMeasurement:
    full = in_whole_seconds([moment for moment, _ in channel.arrived], channel.limits.per_second)[:seconds]
    delays = sorted(moment - asked[number] for moment, number in channel.arrived if number in asked)
    if len(delays) < len(asked):
        raise AssertionError("replies are missing")
    spread = statistics.pstdev(full) / statistics.mean(full) * 100
    return SenderMeasurement(channel.refused, spread, delays[int(len(delays) * 0.99)] * 1000)


def in_whole_seconds(moments: Sequence[float], per_second: float) -> list[int]:
    """Counts the messages per second in a sorted list of times; seconds start half-way between two slots of the rate.

    If they started at a slot, a deviation of one millisecond would already count.
    """
    rate = RateLimiter(per_second).rate
    slot = statistics.median(moment - number / rate for number, moment in enumerate(moments))
    in_second = Counter(math.floor(moment - slot + 0.5 / rate) for moment in moments)
    return [in_second[second] for second in range(max(in_second) + 1)]


def _item(number: int, purpose: str) -> QueuedMessage:
    chat = f"{number}"
    return QueuedMessage(
        chat.encode(), Outgoing(number, chat, MsgOut(chat)), "reply" if purpose == "reply" else "broadcast"
    )


def _settle(item: QueuedMessage, delivery: Delivery) -> Retry | None:
    return Retry(item, delivery.seconds) if isinstance(delivery, RetryAfter) else None


async def _persisted() -> None:
    """Does nothing: no row is stored."""
