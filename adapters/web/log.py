"""One conversation in memory: its numbered log, and who watches it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import NamedTuple

from flows.messages import MsgOut
from flows.plain_text import message_as_text

LOG_LENGTH = 40
"""Entries of a conversation that are kept; older ones are not needed to go on."""
LOG_CHARACTERS = 20_000
"""Characters of all entries together: some pages of reading, and a bound on what one person can make us remember."""


class ChatEntry(NamedTuple):
    """One line of a conversation: a message of the bot, or (where `msg` is None) the person's own words."""

    seq: int
    msg: MsgOut | None
    own: str = ""
    client_id: str = ""
    speak: str = ""
    """Where the application reads the message aloud itself; "" where it cannot, or a person has recorded it."""

    @property
    def recording(self) -> str:
        """Where the recording of the message is."""
        return f"/media/{self.msg.audio}" if self.msg and self.msg.audio else ""


class Exchange:
    """What a person has said that is not stored yet, or whose replies are not in the log yet; gone when all is."""

    __slots__ = ("_logged", "_missing", "over", "waiting")

    def __init__(self) -> None:
        self.waiting = 0
        """Messages that are being stored."""
        self.over = asyncio.Event()
        self._missing: set[int] = set()
        self._logged: set[int] = set()
        """Replies that came before it was known what they are replies to."""

    def note(self, reply: int) -> None:
        """A message of the bot is in the log."""
        if reply in self._missing:
            self._missing.discard(reply)
        elif self.waiting:
            self._logged.add(reply)

    def expect(self, replies: Collection[int]) -> None:
        """One message is stored, and these are the replies."""
        self.waiting -= 1
        self._missing |= {*replies} - self._logged
        if not self.waiting:
            self._logged.clear()

    def lacks(self, replies: Collection[int]) -> bool:
        """Whether some of these are not in the log yet."""
        return not self._missing.isdisjoint(replies)

    def give_up(self, replies: Collection[int]) -> None:
        """These are waited for no longer."""
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
    """Who wants to be told of every new entry. A tuple: it is copied when it changes, and small."""
    opening: asyncio.Task[None] | None = None
    """The bot is being asked to say where one stands."""
    is_open: bool = False
    """The bot was asked, and the log shows where one stands."""
    is_gone: bool = False
    """Wiped: whoever watches should let go."""

    @property
    def waiting(self) -> int:
        """Messages of the person that are being stored."""
        return self.exchange.waiting if self.exchange else 0

    def begin(self) -> Exchange:
        """A message of the person is about to be stored: tell `end` when it is."""
        if self.exchange is None:
            self.exchange = Exchange()
        self.exchange.waiting += 1
        return self.exchange

    def end(self, exchange: Exchange, replies: Collection[int]) -> None:
        """It is stored, and these are the replies; none where it was not taken."""
        exchange.expect(replies)
        self._end_exchange()

    def give_up(self, exchange: Exchange, replies: Collection[int]) -> None:
        """These replies are waited for no longer."""
        exchange.give_up(replies)
        self._end_exchange()

    def _end_exchange(self) -> None:
        if self.exchange is not None and self.exchange.is_over():
            self.exchange.over.set()
            self.exchange = None

    def reply(self, id_: int, msg: MsgOut, speak: str = "") -> None:
        """A message of the bot, by the id it is sent under."""
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
        """The person's own words that were not stored; said again they come again, with a new number."""
        self.entries = [entry for entry in self.entries if entry.msg or entry.client_id != client_id]

    def _too_many(self) -> int:
        """How many of the oldest entries have to go, so that nobody fills the memory; the newest stays in any case."""
        size = 0
        for kept, entry in enumerate(reversed(self.entries)):
            size += len(entry.own) + (len(message_as_text(entry.msg)) if entry.msg else 0)
            if kept and (kept == LOG_LENGTH or size > LOG_CHARACTERS):
                return len(self.entries) - kept
        return 0

    def after(self, seq: int) -> list[ChatEntry]:
        return [entry for entry in self.entries if entry.seq > seq]

    def leave(self) -> None:
        """Whoever watches, or waits for a reply, is told to let go."""
        self.is_gone = True
        if self.exchange is not None:
            self.exchange.over.set()
        for tell in self.lines:
            tell()

    def watch(self, tell: Callable[[], None]) -> None:
        """Calls `tell` at every new entry from now on; it must not wait."""
        self.lines = (*self.lines, tell)

    def unwatch(self, tell: Callable[[], None]) -> None:
        self.lines = tuple(line for line in self.lines if line != tell)
