"""One conversation in memory: its numbered log, and who watches it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from flows.messages import MsgOut

LOG_LENGTH = 40
"""Entries of a conversation that are kept; older ones are not needed to go on."""
LOG_CHARACTERS = 20_000
"""Characters of all entries together: some pages of reading, and a bound on what one person can make us remember."""


class Entry(NamedTuple):
    """One line of a conversation: a message of the bot, or (where `msg` is None) the person's own words."""

    seq: int
    msg: MsgOut | None
    own: str = ""
    client_id: str = ""
    speak: str = ""
    """Where the house reads the message aloud by itself; "" where it cannot, or a person has recorded it."""

    @property
    def recording(self) -> str:
        """Where the recording of the message is."""
        return f"/media/{self.msg.audio}" if self.msg and self.msg.audio else ""


@dataclass(slots=True)
class Chat:
    """One conversation in memory. `seq` rises with every entry and never repeats within this process."""

    entries: list[Entry] = field(default_factory=list)
    seq: int = 0
    waiting: int = 0
    seen: float = 0.0
    lines: tuple[Callable[[], None], ...] = ()
    """Who wants to be told of every new entry. A tuple: it is copied when it changes, and small."""
    opening: asyncio.Task[None] | None = None
    """The bot is being asked to say where one stands."""
    is_open: bool = False
    """The bot was asked, and the log shows where one stands."""
    is_gone: bool = False
    """Wiped: whoever watches should let go."""

    def add(self, msg: MsgOut | None, own: str = "", client_id: str = "", speak: str = "") -> None:
        self.seq += 1
        self.entries.append(Entry(self.seq, msg, own, client_id, speak))
        del self.entries[: self._too_many()]
        for tell in self.lines:
            tell()

    def _too_many(self) -> int:
        """How many of the oldest entries have to go, so that nobody fills the memory; the newest stays in any case."""
        size = 0
        for kept, entry in enumerate(reversed(self.entries)):
            size += len(entry.own) + (len(entry.msg.text) if entry.msg else 0)
            if kept and (kept == LOG_LENGTH or size > LOG_CHARACTERS):
                return len(self.entries) - kept
        return 0

    def after(self, seq: int) -> list[Entry]:
        return [entry for entry in self.entries if entry.seq > seq]

    def leave(self) -> None:
        """Whoever watches is told to let go."""
        self.is_gone = True
        for tell in self.lines:
            tell()

    def watch(self, tell: Callable[[], None]) -> None:
        """Calls `tell` at every new entry from now on; it must not wait."""
        self.lines = (*self.lines, tell)

    def unwatch(self, tell: Callable[[], None]) -> None:
        self.lines = tuple(line for line in self.lines if line != tell)
