"""The queue of one channel: decides which chat is next, and when."""

from __future__ import annotations

import asyncio
import math
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from itertools import takewhile
from typing import NamedTuple

import structlog

from adapters.base import Channel, Delivery, Outgoing, RetryAfter, Sent, Unknown
from bot.delivery.rate_limit import DurationAverage, RateLimiter
from storage.tables.outbox import UNASKED, Purpose

log = structlog.get_logger()

PATIENCE_SECONDS = 0.5
"""The maximum time that a message should wait only because others are being sent."""
FEW = 8
"""With more messages waiting, only the rate of the channel limits sending."""
HANGS_SECONDS = 1.0
"""A message that takes longer no longer counts against the concurrency limit."""
SPARE = 8
"""How many slow sends may run beside the others."""
LOOK_AGAIN_SECONDS = 0.005
"""Delay before the next look when the concurrency limit is reached."""


class QueuedMessage(NamedTuple):
    """A message to be sent."""

    lookup: bytes
    message: Outgoing
    purpose: Purpose
    attempts: int = 0
    may_be_there: bool = False
    """It was sent once, with an unknown outcome."""

    def is_question(self) -> bool:
        """Whether it expects an answer or offers replies."""
        return bool(self.message.msg.expects or self.message.msg.quick_replies)

    def supersedes(self, earlier: QueuedMessage) -> bool:
        """Whether it shows a newer state of the question that the message before it shows."""
        return bool(earlier.message.msg.replaces) and self.message.msg.replaces == earlier.message.msg.replaces


class Retry(NamedTuple):
    """A message to be sent again after `wait` seconds; its chat may have moved."""

    item: QueuedMessage
    wait: float = 0.0


Settle = Callable[[QueuedMessage, Delivery], Retry | None]
"""Records the outcome of a message; returns how to retry it, None if it is final."""
Persisted = Callable[[], Awaitable[None]]
"""Returns when all outcomes recorded so far are stored, which may wait for the next batch."""
Hurry = Callable[[], None]
"""Called when a message waits for outcomes to be persisted: they must be written now."""


class _Chat:
    """The messages waiting for one address, in order of their kind.

    `is_busy`: a message is being sent, or the chat is paused. `is_put_off`: the channel asked for the pause.
    """

    __slots__ = ("broadcasts", "is_busy", "is_put_off", "replies")

    def __init__(self) -> None:
        # Lists, because they mostly hold one message for a short time.
        self.replies: list[QueuedMessage] = []
        self.broadcasts: list[QueuedMessage] = []
        self.is_busy = False
        self.is_put_off = False

    def __len__(self) -> int:
        return len(self.replies) + len(self.broadcasts)

    def queue(self) -> list[QueuedMessage]:
        """Returns the replies, or the broadcasts if there are none."""
        return self.replies or self.broadcasts

    def queue_for(self, purpose: Purpose) -> list[QueuedMessage]:
        return self.broadcasts if purpose in UNASKED else self.replies


class ChannelQueue:
    """Messages of one channel: replies before broadcasts, several at once, never two to the same chat.

    The message is chosen when its slot begins, so a reply waits for one slot at most; a quarter of the workers is
    reserved for replies. If the channel is not idempotent, a message counts as being sent until its outcome is
    persisted, and only as many are sent at once as the rate requires: a crash can repeat that many. Slow sends do not
    block other chats.
    """

    def __init__(self, channel: Channel, settle: Settle, persisted: Persisted, hurry: Hurry = lambda: None) -> None:
        self.channel = channel
        self.idle = asyncio.Event()
        """Set while nothing is being sent; postponed messages do not count."""
        self.idle.set()
        self._settle = settle
        self._persisted = persisted
        self._hurry = hurry
        self._at_leisure: dict[int, float] = {}
        """Sent messages whose outcome may be written with the next batch, by id and start time: nothing else waits."""
        self._chats: dict[bytes, _Chat] = {}
        self._replies: deque[bytes] = deque()
        self._broadcasts: deque[bytes] = deque()
        self._wake = asyncio.Event()
        self._pending = 0
        self._pace = RateLimiter(channel.limits.per_second)
        self._paused_until = 0.0
        self._cycle = DurationAverage()
        self._started: dict[int, float] = {}
        """Start time of each message being sent, by id in that order; removed when persisted, if that is awaited."""
        self._unanswered: dict[int, float] = {}
        """Messages that the channel has not answered yet."""
        self._broadcasting = 0
        self._is_held = False

    def hold(self) -> None:
        """Stops sending until `go_on`."""
        self._is_held = True

    def go_on(self) -> None:
        """Resumes sending."""
        self._is_held = False
        self._wake.set()

    def put(self, item: QueuedMessage, wait: float = 0) -> None:
        """Appends a message to its kind in the chat, to be sent in `wait` seconds."""
        chat = self._chat(item.lookup)
        chat.queue_for(item.purpose).append(item)
        if not chat.is_put_off:
            self._count(1)
        if not chat.is_busy:
            if wait > 0:
                self._pause(item.lookup, chat, wait, is_put_off=True)
            else:
                self._enqueue(item.lookup, item.purpose)

    def drop_broadcasts(self, waiting: Mapping[int, bytes]) -> None:
        """Drops waiting broadcasts, given by id and address. Messages being sent still arrive."""
        for lookup in set(waiting.values()):
            chat = self._chats.get(lookup)
            if chat is None:
                continue
            before = len(chat)
            chat.broadcasts = [item for item in chat.broadcasts if item.message.id not in waiting]
            if not chat.is_put_off:
                self._count(len(chat) - before)

    def waits(self, lookup: bytes) -> bool:
        """Whether a question to this address is postponed: neither delivered nor being sent. Thread-safe."""
        chat = self._chats.get(lookup)
        if chat is None or not (chat.is_put_off or (not chat.is_busy and time.monotonic() < self._paused_until)):
            return False
        return any(item.is_question() and not item.may_be_there for item in tuple(chat.replies))

    async def run(self) -> None:
        """Sends until cancelled. Workers are started as needed and end when nothing is left."""
        loop = asyncio.get_running_loop()
        async with asyncio.TaskGroup() as crew:
            while True:
                self._wake.clear()
                while item := self._next():
                    crew.create_task(self._carry(item))
                later = self._next_look()
                timer = None if later is None else loop.call_at(later, self._wake.set)
                try:
                    await self._wake.wait()
                finally:
                    if timer:
                        timer.cancel()

    async def _carry(self, item: QueuedMessage | None) -> None:
        """Sends a message, then further ones as long as some may be sent at once."""
        clock = asyncio.get_running_loop().time
        while item is not None:
            delivery = await self.send(item.message)
            del self._unanswered[item.message.id]
            retry = self._settle(item, delivery)
            if not self.channel.limits.idempotent:
                await self._wait_until_persisted(item.message.id, is_done=retry is None)
            self._cycle.add(clock() - self._started.pop(item.message.id))
            self._broadcasting -= item.purpose in UNASKED
            if retry is not None and isinstance(delivery, RetryAfter) and delivery.is_overall:
                self._paused_until = max(self._paused_until, clock() + retry.wait)
                retry = retry._replace(wait=0)
            self._finish(item, retry)
            item = self._next()
        self._wake.set()

    async def _wait_until_persisted(self, id_: int, *, is_done: bool) -> None:
        """Returns when the outcome of a message is stored. Until then it counts as being sent, so that a crash repeats
        no more than that, however long storing takes.
        """
        clock = asyncio.get_running_loop().time
        self._at_leisure[id_] = clock()
        if not is_done or self._pending > len(self._started):
            self._end_leisure()
        await self._persisted()
        if (since := self._at_leisure.pop(id_, None)) is not None:
            self._started[id_] += clock() - since

    def _end_leisure(self) -> None:
        """Asks for persistence now, because a message waits. The idle time does not count as sending time."""
        if self._at_leisure:
            now = asyncio.get_running_loop().time()
            for id_, since in self._at_leisure.items():
                self._started[id_] += now - since
            self._at_leisure.clear()
            self._hurry()

    def _next(self) -> QueuedMessage | None:
        """Returns the message that may be sent now, if any."""
        now = asyncio.get_running_loop().time()
        if self._is_held or now < max(self._paused_until, self._pace.free_at):
            return None
        most = self._most_at_once(now)
        if len(self._started) >= most and self._on_their_way(now) >= most:
            return None
        lookup = self._ready(self._replies, lambda chat: bool(chat.replies))
        workers = self.channel.limits.workers
        if lookup is None and self._broadcasting < max(1, workers - workers // 4):
            lookup = self._ready(self._broadcasts, lambda chat: bool(chat.queue()))
        if lookup is None:
            return None
        self._pace.take(now)
        chat = self._chats[lookup]
        chat.is_busy = True
        item = self._newest(chat)
        self._started[item.message.id] = self._unanswered[item.message.id] = now
        self._broadcasting += item.purpose in UNASKED
        return item

    def _newest(self, chat: _Chat) -> QueuedMessage:
        """Takes the first message of a chat. One that the next message replaces need not be sent where the channel
        edits messages: fast taps then cost one edit, which shows what is stored."""
        queue = chat.queue()
        item = queue.pop(0)
        while self.channel.limits.edits and queue and queue[0].supersedes(item):
            self._settle(item, Sent())
            self._count(-1)
            item = queue.pop(0)
        return item

    def _ready(self, queue: deque[bytes], has_any: Callable[[_Chat], bool]) -> bytes | None:
        """Returns the first chat in the queue with a message to send, skipping the others."""
        while queue:
            chat = self._chats.get(queue[0])
            lookup = queue.popleft()
            if chat is None or chat.is_busy:
                continue
            if has_any(chat):
                return lookup
            if not chat.queue():  # its messages were recalled
                del self._chats[lookup]
        return None

    def _on_their_way(self, now: float) -> int:
        """Returns the number of messages being sent. A message whose outcome is not stored yet counts: while the
        database is down, no more messages may be sent that a crash would repeat.
        """
        hanging = sum(1 for _ in takewhile(lambda began: now - began > HANGS_SECONDS, self._unanswered.values()))
        return len(self._started) - min(hanging, SPARE)

    def _most_at_once(self, now: float) -> int:
        """Returns the maximum number of messages being sent: the waiting ones, by Little's law at the channel's rate,
        plus twice its square root for the variance of sending times (square-root staffing). Without a rate: all
        workers.
        """
        workers = self.channel.limits.workers
        if self.channel.limits.idempotent:
            return workers
        waiting, rate = len(self._replies) + len(self._broadcasts), self._pace.rate
        is_pressed = waiting > FEW
        if is_pressed and not rate:
            return workers
        if not is_pressed:
            rate = min(rate or math.inf, waiting / PATIENCE_SECONDS)
        # A slow send must not block others: its age is the current estimate of the sending time.
        age = now - next(iter(self._started.values()), now)
        takes = max(self._cycle.seconds, age if is_pressed or age > PATIENCE_SECONDS else 0)
        needed = rate * takes
        return min(workers, max(1, round(needed + 2 * math.sqrt(needed))))

    def _next_look(self) -> float | None:
        """Returns when a waiting message may be sent, if that is known."""
        if self._is_held or (not self._replies and not self._broadcasts):
            return None
        now = asyncio.get_running_loop().time()
        later = max(self._paused_until, self._pace.free_at)
        return later if later > now else now + LOOK_AGAIN_SECONDS

    async def send(self, message: Outgoing) -> Delivery:
        """Sends one message now. Never raises, even for an error in the channel."""
        try:
            return await self.channel.send(message)
        except Exception as error:  # noqa: BLE001 - an error in one channel must not stop the others
            log.error("channel_send_failed", channel=self.channel.name, fault=type(error).__name__)
            return Unknown(type(error).__name__)

    def _finish(self, item: QueuedMessage, retry: Retry | None) -> None:
        """Continues the chat of a message that was sent, or that is to be retried."""
        chat = self._chats[item.lookup]
        if retry is None:
            self._count(-1)
            self._pause(item.lookup, chat, self._pace_of_chat(item.message.address))
            return
        chat.queue_for(item.purpose).insert(0, retry.item)
        if retry.item.lookup != item.lookup:
            self._move(item.lookup, retry.item.lookup, retry.item.message.address)
        else:
            self._pause(item.lookup, chat, retry.wait, is_put_off=True)

    def _pace_of_chat(self, address: str) -> float:
        """Returns the seconds until the next message to the same chat."""
        limits = self.channel.limits
        if limits.per_group_per_minute and limits.group_prefix and address.startswith(limits.group_prefix):
            return 60 / limits.per_group_per_minute
        return 1 / limits.per_chat_per_second if limits.per_chat_per_second else 0.0

    def _move(self, old: bytes, new: bytes, address: str) -> None:
        """Moves the waiting messages of a chat to another address, before those waiting there."""
        moved, chat = self._chats.pop(old), self._chat(new)
        if chat.is_put_off:
            self._count(-len(moved))
        there = lambda item: item._replace(lookup=new, message=item.message._replace(address=address))  # noqa: E731
        chat.replies[:0] = map(there, moved.replies)
        chat.broadcasts[:0] = map(there, moved.broadcasts)
        if not chat.is_busy:
            self._release(new, chat)

    def _chat(self, lookup: bytes) -> _Chat:
        chat = self._chats.get(lookup)
        if chat is None:
            chat = self._chats[lookup] = _Chat()
        return chat

    def _pause(self, lookup: bytes, chat: _Chat, seconds: float, *, is_put_off: bool = False) -> None:
        """Pauses a chat. Meanwhile its messages count as postponed or as being sent."""
        if not seconds:
            self._release(lookup, chat)
            return
        chat.is_busy, chat.is_put_off = True, is_put_off
        if is_put_off:
            self._count(-len(chat))

        def resume() -> None:
            if chat.is_put_off:
                chat.is_put_off = False
                self._count(len(chat))
            self._release(lookup, chat)

        asyncio.get_running_loop().call_later(seconds, resume)

    def _release(self, lookup: bytes, chat: _Chat) -> None:
        chat.is_busy = False
        if queue := chat.queue():
            self._enqueue(lookup, queue[0].purpose)
        else:
            self._chats.pop(lookup, None)

    def _enqueue(self, lookup: bytes, purpose: Purpose) -> None:
        """Adds a chat to the queue, where it may already be."""
        (self._broadcasts if purpose in UNASKED else self._replies).append(lookup)
        self._wake.set()

    def _count(self, more: int) -> None:
        self._pending += more
        if more > 0:
            self._end_leisure()
        if self._pending <= 0:
            self.idle.set()
        else:
            self.idle.clear()
