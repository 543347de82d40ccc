"""Ids for rows: 63 bits, rising with time, made here so that a batch is written without asking the database first."""

from __future__ import annotations

import secrets
import time
from datetime import datetime

from bot.letters import in_groups, random_letters

_BITS = 63
_LONGEST = len(str(2**_BITS))
_EPOCH_MS = 1_767_225_600_000  # 2026-01-01


class Ids:
    """Gives out ids: 41 bits of milliseconds since 2026, 10 bits of this process, 12 bits of a counter.

    The layout of Twitter's Snowflake. Two processes draw different ids unless they drew the same 10 bits *and* write in
    the same millisecond; the database then refuses the second row, and its batch is tried again with new ids.
    """

    def __init__(self) -> None:
        self._process = secrets.randbits(10) << 12
        self._last = 0
        self.tick()

    def __call__(self) -> int:
        self._last += 1
        if not self._last & 0xFFF:
            self.tick()
        return self._last

    def tick(self) -> None:
        """Moves on to the present; once per batch is enough. After 4,096 ids it happens by itself."""
        moment = int(time.time() * 1000) - _EPOCH_MS
        # A clock set back must not repeat anything: then the millisecond after the last one serves.
        self._last = (max(moment, (self._last >> 22) + 1) << 22) | self._process


def random_id() -> int:
    """An id for a contact: 63 random bits, which say neither when it was made nor what was made next.

    Ids that rise with time would join the halves: the contact made right before a session would be its owner.
    """
    return secrets.randbits(_BITS)


def parse_id(text: str) -> int:
    """An id that somebody typed; 0, which no row has, for what cannot be one.

    >>> parse_id("17"), parse_id("²"), parse_id("9" * 19), parse_id("9" * 5000)
    (17, 0, 0, 0)
    """
    number = int(text) if text.isdecimal() and len(text) <= _LONGEST else 0
    return number if number.bit_length() <= _BITS else 0


def day_of(now: datetime) -> datetime:
    """The day of a moment, all that identity knows of times: a moment would be that of a session as well."""
    return now.replace(hour=0, minute=0, second=0, microsecond=0)


def receipt() -> str:
    """A random code of 50 bits which a person can write down: "7K2MP-X0Q4Z". It says nothing about anybody."""
    return in_groups(random_letters(10), 5)
