"""One channel's part of the outbox: which chat is next, and when."""

from __future__ import annotations

import asyncio
import math
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from itertools import takewhile
from typing import NamedTuple

import structlog

from adapters.base import Channel, Delivery, Outgoing, RetryAfter, Unknown
from bot.delivery.rate_limit import DurationAverage, RateLimiter
from storage.tables.outbox import UNASKED, Purpose

log = structlog.get_logger()

PATIENCE_SECONDS = 0.5
"""Longer than this no message should wait only because others are on their way."""
FEW = 8
"""More than this wait: then the channel's pace is what counts."""
HANGS_SECONDS = 1.0
"""A message that takes longer gives its place away: nobody waits for one that hangs."""
SPARE = 8
"""So many may hang beside the others."""
LOOK_AGAIN_SECONDS = 0.005
"""When nothing may start because enough is on its way."""


class QueuedMessage(NamedTuple):
    """A message on its way."""

    lookup: bytes
    message: Outgoing
    purpose: Purpose
    attempts: int = 0
    may_be_there: bool = False
    """It was sent, and nothing was heard of it."""

    def is_question(self) -> bool:
        """Whether it waits for an answer, or offers some."""
        return bool(self.message.msg.expects or self.message.msg.quick_replies)


class Retry(NamedTuple):
    """A message to be tried once more: as it is now (its chat may have moved), in so many seconds."""

    item: QueuedMessage
    wait: float = 0.0


Settle = Callable[[QueuedMessage, Delivery], Retry | None]
"""Takes down what became of a message; says how to try again, None when it is done with."""
Persisted = Callable[[], Awaitable[None]]
"""Returns when everything taken down so far is stored for good, which has time until the next batch."""
Hurry = Callable[[], None]
"""Something waits for that: it has no time any more."""


class _Chat:
    """What waits for one address, each kind in order. `is_busy`: a message is on its way, or a pause; `is_put_off`:
    a pause that somebody else decided on, which nobody waits for.
    """

    __slots__ = ("broadcasts", "is_busy", "is_put_off", "replies")

    def __init__(self) -> None:
        # Lists, because there is mostly one message in them, and for a moment only.
        self.replies: list[QueuedMessage] = []
        self.broadcasts: list[QueuedMessage] = []
        self.is_busy = False
        self.is_put_off = False

    def __len__(self) -> int:
        return len(self.replies) + len(self.broadcasts)

    def queue(self) -> list[QueuedMessage]:
        """Replies overtake broadcasts."""
        return self.replies or self.broadcasts

    def queue_for(self, purpose: Purpose) -> list[QueuedMessage]:
        return self.broadcasts if purpose in UNASKED else self.replies


class ChannelQueue:
    """Messages of one channel: replies before broadcasts, several at once, but never two to the same chat.

    Which message goes is decided when its slot begins, so a reply waits for one slot, whatever else is queued; a
    quarter of the workers is kept free of broadcasts. Where sending twice is not the same as once, a message counts as
    on its way until it is noted, and as few are on their way at once as the pace needs: so many a crash can double.
    What hangs keeps nobody waiting.
    """

    def __init__(self, channel: Channel, settle: Settle, persisted: Persisted, hurry: Hurry = lambda: None) -> None:
        self.channel = channel
        self.idle = asyncio.Event()
        """Set while nothing is on its way; what waits for a later moment does not count."""
        self.idle.set()
        self._settle = settle
        self._persisted = persisted
        self._hurry = hurry
        self._at_leisure: dict[int, float] = {}
        """What was sent last and is noted with the next batch, by id and since when: nothing else is to be sent yet."""
        self._chats: dict[bytes, _Chat] = {}
        self._replies: deque[bytes] = deque()
        self._broadcasts: deque[bytes] = deque()
        self._wake = asyncio.Event()
        self._pending = 0
        self._pace = RateLimiter(channel.limits.per_second)
        self._paused_until = 0.0
        self._cycle = DurationAverage()
        self._started: dict[int, float] = {}
        """When each message on its way began, by id, in that order; until it is noted where that is waited for."""
        self._unanswered: dict[int, float] = {}
        """Those of them that the channel has not answered yet."""
        self._broadcasting = 0
        self._is_held = False

    def hold(self) -> None:
        """Begins to send nothing more, until `go_on`."""
        self._is_held = True

    def go_on(self) -> None:
        """Sends again."""
        self._is_held = False
        self._wake.set()

    def put(self, item: QueuedMessage, wait: float = 0) -> None:
        """Queues a message behind the others of its kind for the same chat, for `wait` seconds from now."""
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
        """Forgets broadcasts that wait, given by id and address. What is on its way arrives."""
        for lookup in set(waiting.values()):
            chat = self._chats.get(lookup)
            if chat is None:
                continue
            before = len(chat)
            chat.broadcasts = [item for item in chat.broadcasts if item.message.id not in waiting]
            if not chat.is_put_off:
                self._count(len(chat) - before)

    def waits(self, lookup: bytes) -> bool:
        """Whether a question to this address was put off: it is neither there nor on its way. From any thread."""
        chat = self._chats.get(lookup)
        if chat is None or not (chat.is_put_off or (not chat.is_busy and time.monotonic() < self._paused_until)):
            return False
        return any(item.is_question() and not item.may_be_there for item in tuple(chat.replies))

    async def run(self) -> None:
        """Sends until it is cancelled. Workers come when there is something to send, and go when there is not."""
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
        """Sends a message, and then others for as long as some may go at once."""
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
        """Returns when it is noted what became of a message. Until then it keeps its place, so that however long that
        takes no more are doubled by a crash.
        """
        clock = asyncio.get_running_loop().time
        self._at_leisure[id_] = clock()
        if not is_done or self._pending > len(self._started):
            self._end_leisure()
        await self._persisted()
        if (since := self._at_leisure.pop(id_, None)) is not None:
            self._started[id_] += clock() - since

    def _end_leisure(self) -> None:
        """Something waits to be sent. How long nothing did counts for nobody."""
        if self._at_leisure:
            now = asyncio.get_running_loop().time()
            for id_, since in self._at_leisure.items():
                self._started[id_] += now - since
            self._at_leisure.clear()
            self._hurry()

    def _next(self) -> QueuedMessage | None:
        """The message that may go now, if any."""
        now = asyncio.get_running_loop().time()
        if self._is_held or now < max(self._paused_until, self._pace.free_at):
            return None
        if self._on_their_way(now) >= self._most_at_once(now):
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
        item = chat.queue().pop(0)
        self._started[item.message.id] = self._unanswered[item.message.id] = now
        self._broadcasting += item.purpose in UNASKED
        return item

    def _ready(self, queue: deque[bytes], has_any: Callable[[_Chat], bool]) -> bytes | None:
        """The first chat in line for which something may go. Chats may stand there in vain: those are passed over."""
        while queue:
            chat = self._chats.get(queue[0])
            lookup = queue.popleft()
            if chat is None or chat.is_busy:
                continue
            if has_any(chat):
                return lookup
            if not chat.queue():  # what waited was taken back
                del self._chats[lookup]
        return None

    def _on_their_way(self, now: float) -> int:
        """How many places are taken. What only waits for its note keeps its place: while the database is away, nothing
        more may be sent that a crash would double.
        """
        hanging = sum(1 for _ in takewhile(lambda began: now - began > HANGS_SECONDS, self._unanswered.values()))
        return len(self._started) - min(hanging, SPARE)

    def _most_at_once(self, now: float) -> int:
        """How many may be on their way: what waits, at the channel's pace, by Little's law; and, because no two take
        equally long, twice the square root of it more (square-root staffing). Without a pace all workers hurry.
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
        # Where one hangs, others must not wait for it: its age is what a message takes at the moment.
        age = now - next(iter(self._started.values()), now)
        takes = max(self._cycle.seconds, age if is_pressed or age > PATIENCE_SECONDS else 0)
        needed = rate * takes
        return min(workers, max(1, round(needed + 2 * math.sqrt(needed))))

    def _next_look(self) -> float | None:
        """When something that waits may go, as far as that is known."""
        if self._is_held or (not self._replies and not self._broadcasts):
            return None
        now = asyncio.get_running_loop().time()
        later = max(self._paused_until, self._pace.free_at)
        return later if later > now else now + LOOK_AGAIN_SECONDS

    async def send(self, message: Outgoing) -> Delivery:
        """One message, now. Raises nothing, whatever the channel does."""
        try:
            return await self.channel.send(message)
        except Exception as fault:  # noqa: BLE001 - a fault in a channel must not end the sending of all others
            log.error("channel_send_failed", channel=self.channel.name, fault=type(fault).__name__)
            return Unknown(type(fault).__name__)

    def _finish(self, item: QueuedMessage, retry: Retry | None) -> None:
        """What comes next in the chat of a message that was sent, or is to be sent again."""
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
        """Seconds until the next message to the same chat."""
        limits = self.channel.limits
        if limits.per_group_per_minute and limits.group_prefix and address.startswith(limits.group_prefix):
            return 60 / limits.per_group_per_minute
        return 1 / limits.per_chat_per_second if limits.per_chat_per_second else 0.0

    def _move(self, old: bytes, new: bytes, address: str) -> None:
        """Everything that waits for a chat goes on under another address, before what waits there already."""
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
        """Lets a chat wait. Meanwhile its messages count as put off, or as on their way."""
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
        """Puts a chat in line. It may stand there twice."""
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
