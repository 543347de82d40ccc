"""Row ids, and coarsened times where an exact time would identify a person.

Ids are created here so that a batch is written without asking the database first. Ids of participation rise in the
order of the messages and reveal only the hour. Ids of identity are random.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Final, NamedTuple

from bot.common.code_alphabet import group_code, random_code
from bot.common.sources import SYSTEM_RANDOM, Now, system_now

_BITS = 63
_LONGEST = len(str(2**_BITS))
_EPOCH: Final = datetime(2026, 1, 1, tzinfo=UTC)
_HOUR_MS: Final = 3_600_000
_STEP: Final = 1 << 10
_POOL: Final = 512

Masks = Callable[[Sequence[int]], list[int]]
"""`bot.common.keys.Keys.order_masks`."""


class OutgoingId(NamedTuple):
    """Marks an outgoing message: a random id, and its queue position, which only the key reveals."""

    id: int
    hidden_order: int


class Ids:
    """Generates rising ids: 41 bits of milliseconds since 2026, 12 bits of a counter, 10 bits of this process.

    The layout of Twitter's Snowflake, but the moment is that at which counting began, with the process or with the
    hour. From then on ids rise by one step each, whenever they are given out, and where there are many the counter runs
    on into the milliseconds. So they tell the hour and the order. Two processes draw different ids unless they drew the
    same 10 bits *and* count over the same numbers; the database then refuses the second row, and its batch is tried
    again with new ids. Within one hour, what two processes write has no order among it.
    """

    def __init__(self, masks: Masks | None = None, now: Now = system_now, random: Random = SYSTEM_RANDOM) -> None:
        """`masks`: encrypt the queue positions; needed for `letter` only."""
        self._masks = masks
        self._now, self._random = now, random
        self._process = random.getrandbits(10)
        self._ready: list[tuple[int, int]] = []
        self._last = 0
        self._begin(self._milliseconds())

    def __call__(self) -> int:
        self._last += _STEP
        return self._last

    def tick(self) -> None:
        """Advances to the current hour; once per batch is enough. After the clock was set back, ids still rise."""
        hour = self._milliseconds() // _HOUR_MS
        if hour > self._hour:
            self._begin(hour * _HOUR_MS)

    def letter(self) -> OutgoingId:
        """Returns the id and queue position of an outgoing message. Raises LookupError without a key."""
        if self._masks is None:
            raise LookupError("ids of outgoing messages need the secret key")
        if not self._ready:  # generating many at once takes a tenth of the time
            numbers = [number >> 1 for number in struct.unpack(f"={_POOL}Q", self._random.randbytes(8 * _POOL))]
            self._ready = list(zip(numbers, self._masks(numbers), strict=True))
        number, mask = self._ready.pop()
        return OutgoingId(number, self() ^ mask)

    def _begin(self, moment: int) -> None:
        self._hour = moment // _HOUR_MS
        self._last = max(self._last, (moment << 22) | self._process)

    def _milliseconds(self) -> int:
        """Since the beginning of 2026."""
        return (self._now() - _EPOCH) // timedelta(milliseconds=1)


def random_id(random: Random = SYSTEM_RANDOM) -> int:
    """Returns an id for identity rows: 63 random bits, which reveal neither time nor order.

    Rising ids would connect identity and participation: the contact created right before a session would be its owner.
    """
    return random.getrandbits(_BITS)


def parse_id(text: str) -> int:
    """Parses a typed id; returns 0, which no row has, for anything else.

    >>> parse_id("17"), parse_id("²"), parse_id("9" * 19), parse_id("9" * 5000)
    (17, 0, 0, 0)
    """
    number = int(text) if text.isdecimal() and len(text) <= _LONGEST else 0
    return number if number.bit_length() <= _BITS else 0


def day_of(moment: datetime) -> datetime:
    """Returns the day of a moment. Identity rows store days only: a moment would match that of a session."""
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)


def hour_of(moment: datetime) -> datetime:
    """Returns the hour of a moment, the precision with which message times are stored."""
    return moment.replace(minute=0, second=0, microsecond=0)


def receipt(random: Random = SYSTEM_RANDOM) -> str:
    """Returns a random code of 50 bits that can be written down: "7K2MP-X0Q4Z". It is not linked to a person."""
    return group_code(random_code(10, random), 5)
