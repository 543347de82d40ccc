"""One conversation in memory: its numbered log and its watchers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import NamedTuple

from flows.messages import MsgOut, message_as_text

LOG_LENGTH = 40
"""Entries of a conversation that stay in memory; older ones are not needed to continue."""
LOG_CHARACTERS = 20_000
"""Characters of all entries together: some pages of text, and a bound on the memory that one visitor can use."""


class ChatEntry(NamedTuple):
    """One line of a conversation: a message of the bot, or (if `msg` is None) of the visitor."""

    seq: int
    msg: MsgOut | None
    own: str = ""
    client_id: str = ""
    speak: str = ""
    """The path at which the application reads the message aloud; "" if it cannot, or if there is a recording."""

    @property
    def recording(self) -> str:
        """Returns the path of the recording of the message."""
        return f"/media/{self.msg.audio}" if self.msg and self.msg.audio else ""


class Exchange:
    """The messages of a visitor that are not stored yet, or whose replies are not in the log yet; removed when all
    are."""

    __slots__ = ("_logged", "_missing", "over", "waiting")

    def __init__(self) -> None:
        self.waiting = 0
        """Messages that are being stored."""
        self.over = asyncio.Event()
        self._missing: set[int] = set()
        self._logged: set[int] = set()
        """Replies that arrived before the message they belong to was known."""

    def note(self, reply: int) -> None:
        """Records that a message of the bot is in the log."""
        if reply in self._missing:
            self._missing.discard(reply)
        elif self.waiting:
            self._logged.add(reply)

    def expect(self, replies: Collection[int]) -> None:
        """Records that one message is stored, with its replies."""
        self.waiting -= 1
        self._missing |= {*replies} - self._logged
        if not self.waiting:
            self._logged.clear()

    def lacks(self, replies: Collection[int]) -> bool:
        """Whether some of these are not in the log yet."""
        return not self._missing.isdisjoint(replies)

    def give_up(self, replies: Collection[int]) -> None:
        """Stops waiting for these replies."""
        self._missing -= {*replies}

    def is_over(self) -> bool:
        """Whether everything is stored, and all replies are in the log."""
        return not self.waiting and not self._missing


@dataclass(slots=True)
class WebChat:
    """One conversation in memory. `seq` rises with every entry and never repeats within this process."""

    entries: list[ChatEntry] = field(default_factory=list)
    seq: int = 0
    exchange: Exchange | None = None
    seen: float = 0.0
    lines: tuple[Callable[[], None], ...] = ()
    """The callbacks for new entries. A tuple: small, and copied when it changes."""
    opening: asyncio.Task[None] | None = None
    """The bot is being asked to repeat the current step."""
    is_open: bool = False
    """The bot was asked, and the log shows the current step."""
    is_chosen: bool = False
    """The visitor prefers this log to one question per view."""
    is_gone: bool = False
    """Wiped: watchers should end."""

    @property
    def waiting(self) -> int:
        """Returns the number of the visitor's messages that are being stored."""
        return self.exchange.waiting if self.exchange else 0

    def begin(self) -> Exchange:
        """Records that a message of the visitor is about to be stored; call `end` when it is."""
        if self.exchange is None:
            self.exchange = Exchange()
        self.exchange.waiting += 1
        return self.exchange

    def end(self, exchange: Exchange, replies: Collection[int]) -> None:
        """Records that the message is stored, with its replies; none if it was refused."""
        exchange.expect(replies)
        self._end_exchange()

    def give_up(self, exchange: Exchange, replies: Collection[int]) -> None:
        """Stops waiting for these replies."""
        exchange.give_up(replies)
        self._end_exchange()

    def _end_exchange(self) -> None:
        if self.exchange is not None and self.exchange.is_over():
            self.exchange.over.set()
            self.exchange = None

    def reply(self, id_: int, msg: MsgOut, speak: str = "") -> None:
        """Adds a message of the bot, with the id it is sent under."""
        if self.exchange is not None:
            self.exchange.note(id_)
        self.add(msg, speak=speak)
        self._end_exchange()

    def add(self, msg: MsgOut | None, own: str = "", client_id: str = "", speak: str = "") -> None:
        self.seq += 1
        self.entries.append(ChatEntry(self.seq, msg, own, client_id, speak))
        del self.entries[: self._too_many()]
        for tell in self.lines:
            tell()

    def take_back(self, client_id: str) -> None:
        """Removes a message of the visitor that was not stored; sent again, it gets a new number."""
        self.entries = [entry for entry in self.entries if entry.msg or entry.client_id != client_id]

    def _too_many(self) -> int:
        """Returns how many of the oldest entries exceed the memory bounds; the newest one always stays."""
        size = 0
        for kept, entry in enumerate(reversed(self.entries)):
            size += len(entry.own) + (len(message_as_text(entry.msg)) if entry.msg else 0)
            if kept and (kept == LOG_LENGTH or size > LOG_CHARACTERS):
                return len(self.entries) - kept
        return 0

    def after(self, seq: int) -> list[ChatEntry]:
        return [entry for entry in self.entries if entry.seq > seq]

    def leave(self) -> None:
        """Ends all watchers and all waiting for replies."""
        self.is_gone = True
        if self.exchange is not None:
            self.exchange.over.set()
        for tell in self.lines:
            tell()

    def watch(self, tell: Callable[[], None]) -> None:
        """Calls `tell` at every new entry from now on; it must not block."""
        self.lines = (*self.lines, tell)

    def unwatch(self, tell: Callable[[], None]) -> None:
        self.lines = tuple(line for line in self.lines if line != tell)
