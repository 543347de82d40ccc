"""The conversations of the web page: one on the server for each door, whatever line it is shown over.

WebSocket, server-sent events, long poll and plain HTML forms all read the same numbered log and write with message ids
of their own, so that resending is harmless and nothing is lost or doubled when a line breaks in mid-message.

The log is memory only. After a restart, or on another device, the page asks the bot to repeat where one stands: answers
are in the database, and the database is the only place where they are.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections import OrderedDict, deque
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import NamedTuple

from adapters.base import Delivery, Limits, Outgoing, Receive, Refused, Sent
from flows.messages import Mode, MsgIn, MsgOut

LOG_LENGTH = 40
"""Entries of a conversation that are kept; older ones are not needed to go on."""
MOST_WAITING = 20
"""Messages of one person that may wait to be stored; more are refused with `TooMany`."""
MOST_CHATS = 50_000
IDLE_SECONDS = 3600.0


class TooMany(Exception):  # noqa: N818 - says what happened
    """The person writes faster than anybody can; what is refused was not stored."""


class Entry(NamedTuple):
    """One line of a conversation: a message of the bot, or (where `msg` is None) the person's own words."""

    seq: int
    msg: MsgOut | None
    own: str = ""
    client_id: str = ""


@dataclass(slots=True)
class Chat:
    """One conversation in memory. `seq` rises with every entry and never repeats within this process."""

    entries: deque[Entry] = field(default_factory=lambda: deque(maxlen=LOG_LENGTH))
    seq: int = 0
    waiting: int = 0
    seen: float = 0.0
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def add(self, msg: MsgOut | None, own: str = "", client_id: str = "") -> None:
        self.seq += 1
        self.entries.append(Entry(self.seq, msg, own, client_id))
        # Whoever waits holds the old event; a new one is for those who come next.
        self.changed.set()
        self.changed = asyncio.Event()

    def after(self, seq: int) -> list[Entry]:
        return [entry for entry in self.entries if entry.seq > seq]


class WebHub:
    """The channel `web`: conversations by address. An address is a secret of the browser (or a resume code).

    >>> hub = WebHub()                                                    # doctest: +SKIP
    >>> await hub.say("address", "c1", text="/start mein-kiez")           # returns when it is stored
    >>> for entry in await hub.wait("address", after=0, seconds=5): ...   # what is new
    """

    limits = Limits(text_utf16=100_000, buttons=True, idempotent=True, workers=1)

    def __init__(self, name: str = "web") -> None:
        self.name = name
        self._receive: Receive | None = None
        self._chats: OrderedDict[str, Chat] = OrderedDict()

    async def start(self, receive: Receive) -> None:
        self._receive = receive

    async def stop(self) -> None:
        self._receive = None

    async def send(self, message: Outgoing) -> Delivery:
        chat = self._chats.get(message.address)
        if chat is None:
            return Refused("the page is closed")
        chat.add(message.msg)
        return Sent(str(chat.seq))

    def chat(self, address: str) -> Chat:
        """The conversation of an address, a new and empty one if it is not in memory."""
        chat = self._chats.get(address)
        if chat is None:
            self._forget_idle()
            chat = self._chats[address] = Chat()
        self._chats.move_to_end(address)
        chat.seen = time.monotonic()
        return chat

    def is_known(self, address: str) -> bool:
        """Whether the conversation is in memory; if not, the page should ask the bot to repeat."""
        return address in self._chats

    def forget(self, address: str) -> None:
        """Wipes a conversation from memory (kiosk, after deletion)."""
        self._chats.pop(address, None)

    async def say(
        self,
        address: str,
        client_id: str,
        *,
        text: str = "",
        choice: str = "",
        shown: str = "",
        language_hint: str = "",
        mode: Mode = "self",
        place_code: str = "",
    ) -> None:
        """Hands one message of the person over; returns when it is stored. The same `client_id` again changes nothing.

        `shown` is how the person's own words are shown in the log (the label of a tapped answer); empty for messages
        nobody typed, such as the start. Raises TooMany.
        """
        chat = self.chat(address)
        if self._receive is None or chat.waiting >= MOST_WAITING:
            raise TooMany
        if shown and all(entry.client_id != client_id for entry in chat.entries):
            chat.add(None, shown, client_id)
        msg = MsgIn(
            self.name,
            address,
            _external_id(address, client_id),
            datetime.now(UTC),
            text=text,
            choice=choice,
            language_hint=language_hint,
            mode=mode,
            place_code=place_code,
        )
        chat.waiting += 1
        try:
            await self._receive([msg])
        finally:
            chat.waiting -= 1

    async def wait(self, address: str, after: int, seconds: float) -> list[Entry]:
        """What came after this entry; waits up to so many seconds for the first of it."""
        chat = self.chat(address)
        if not (entries := chat.after(after)) and seconds > 0:
            try:
                async with asyncio.timeout(seconds):
                    await chat.changed.wait()
            except TimeoutError:
                return []
            entries = chat.after(after)
        return entries

    def _forget_idle(self) -> None:
        """Makes room: conversations nobody has looked at for long, oldest first."""
        limit = time.monotonic() - IDLE_SECONDS
        while self._chats:
            address, chat = next(iter(self._chats.items()))
            if chat.seen > limit and len(self._chats) < MOST_CHATS:
                return
            del self._chats[address]


def _external_id(address: str, client_id: str) -> str:
    """Names the message without naming the conversation: it is stored for days, and the address is a secret."""
    return hashlib.blake2b(f"{address}/{client_id}".encode(), digest_size=16).hexdigest()
