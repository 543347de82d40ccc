"""One channel's part of the outbox: which chat is next, and when."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import NamedTuple

import structlog

from adapters.base import Channel, Delivery, Outgoing, Unknown
from storage.outbox import Purpose

log = structlog.get_logger()


class Item(NamedTuple):
    """A message on its way."""

    lookup: bytes
    message: Outgoing
    purpose: Purpose
    attempts: int = 0


Settle = Callable[[Item, Delivery], float | None]
"""Takes down what became of a message; gives the seconds after which to try again, None when it is done with."""


class _Chat:
    """What waits for one address, each kind in order. `is_busy`: a message is on its way, or a pause."""

    __slots__ = ("broadcasts", "is_busy", "replies")

    def __init__(self) -> None:
        # Lists, because there is mostly one message in them, and for a moment only.
        self.replies: list[Item] = []
        self.broadcasts: list[Item] = []
        self.is_busy = False

    def queue(self) -> list[Item]:
        """Replies overtake broadcasts."""
        return self.replies or self.broadcasts

    def queue_for(self, purpose: Purpose) -> list[Item]:
        return self.broadcasts if purpose == "broadcast" else self.replies


class Lane:
    """Messages of one channel. Several workers send at once, but never two to the same chat."""

    def __init__(self, channel: Channel, settle: Settle) -> None:
        self.channel = channel
        self.idle = asyncio.Event()
        """Set while nothing is on its way; what waits for a later moment does not count."""
        self.idle.set()
        self._settle = settle
        self._chats: dict[bytes, _Chat] = {}
        self._replies: deque[bytes] = deque()
        self._broadcasts: deque[bytes] = deque()
        self._anything = asyncio.Event()
        self._pending = 0
        self._next_slot = 0.0

    def put(self, item: Item, wait: float = 0) -> None:
        """Queues a message behind the others of its kind for the same chat, for `wait` seconds from now."""
        chat = self._chats.get(item.lookup)
        if chat is None:
            chat = self._chats[item.lookup] = _Chat()
        chat.queue_for(item.purpose).append(item)
        self._pending += 1
        self.idle.clear()
        if not chat.is_busy:
            if wait > 0:
                self._pause(item.lookup, chat, wait)
            else:
                self._enqueue(item.lookup, item.purpose)

    async def work(self) -> None:
        """Sends until it is cancelled. Several of these run at once."""
        while True:
            while not self._replies and not self._broadcasts:
                self._anything.clear()
                await self._anything.wait()
            lookup = (self._replies or self._broadcasts).popleft()
            chat = self._chats.get(lookup)
            if chat is None or chat.is_busy or not chat.queue():
                continue
            chat.is_busy = True
            item = chat.queue().pop(0)
            if self.channel.limits.per_second:
                await self._keep_pace()
            wait = self._settle(item, await self._send(item.message))
            if wait is not None:
                chat.queue_for(item.purpose).insert(0, item._replace(attempts=item.attempts + 1))
                self._pause(lookup, chat, wait)
                continue
            self._done()
            pace = self.channel.limits.per_chat_per_second
            if pace:
                self._pause(lookup, chat, 1 / pace, is_idle=False)
            else:
                self._release(lookup, chat)

    async def _send(self, message: Outgoing) -> Delivery:
        try:
            return await self.channel.send(message)
        except Exception as fault:  # noqa: BLE001 - a fault in a channel must not end the sending of all others
            log.error("channel failed to send", channel=self.channel.name, fault=type(fault).__name__)
            return Unknown(type(fault).__name__)

    async def _keep_pace(self) -> None:
        """Waits for the channel's next slot: evenly spread, so that no second holds more than the channel bears."""
        rate = self.channel.limits.per_second
        now = asyncio.get_running_loop().time()
        self._next_slot = max(self._next_slot, now) + 1 / rate
        await asyncio.sleep(self._next_slot - 1 / rate - now)

    def _pause(self, lookup: bytes, chat: _Chat, seconds: float, *, is_idle: bool = True) -> None:
        """Lets a chat wait. Meanwhile its messages count as put off (`is_idle`) or as on their way."""
        chat.is_busy = True
        waiting = len(chat.replies) + len(chat.broadcasts) if is_idle else 0
        self._pending -= waiting
        self._note_idle()

        def resume() -> None:
            self._pending += waiting
            if waiting:
                self.idle.clear()
            self._release(lookup, chat)

        asyncio.get_running_loop().call_later(seconds, resume)

    def _release(self, lookup: bytes, chat: _Chat) -> None:
        chat.is_busy = False
        if queue := chat.queue():
            self._enqueue(lookup, queue[0].purpose)
        else:
            del self._chats[lookup]

    def _enqueue(self, lookup: bytes, purpose: Purpose) -> None:
        """Lets the next free worker look at this chat. It may stand here twice: who finds nothing to do goes on."""
        (self._broadcasts if purpose == "broadcast" else self._replies).append(lookup)
        self._anything.set()

    def _done(self) -> None:
        self._pending -= 1
        self._note_idle()

    def _note_idle(self) -> None:
        if self._pending <= 0:
            self.idle.set()
