"""Ids for rows, and what is left of moments where an exact one would tell who somebody is.

Ids are made here so that a batch is written without asking the database first. Those of participation rise, so that
what was said later stands behind what was said before; of time they carry the hour. Those of identity are random.
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
    """What marks a message that is to be sent: a random id, and where it stands in line, which only the key tells."""

    id: int
    hidden_order: int


class Ids:
    """Gives out ids that rise: 41 bits of milliseconds since 2026, 12 bits of a counter, 10 bits of this process.

    The layout of Twitter's Snowflake, but the moment is that at which counting began, with the process or with the
    hour. From then on ids rise by one step each, whenever they are given out, and where there are many the counter runs
    on into the milliseconds. So they tell the hour and the order. Two processes draw different ids unless they drew the
    same 10 bits *and* count over the same numbers; the database then refuses the second row, and its batch is tried
    again with new ids. Within one hour, what two processes write has no order among it.
    """

    def __init__(self, masks: Masks | None = None, now: Now = system_now, random: Random = SYSTEM_RANDOM) -> None:
        """`masks`: with what the order of letters is encrypted; needed for `letter` only."""
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
        """Moves on to the present hour; once per batch is enough. A clock set back must not repeat anything: then
        counting goes on.
        """
        hour = self._milliseconds() // _HOUR_MS
        if hour > self._hour:
            self._begin(hour * _HOUR_MS)

    def letter(self) -> OutgoingId:
        """The id of a message to somebody, and its place behind all that were given out before. Raises LookupError
        where there is no key.
        """
        if self._masks is None:
            raise LookupError("letters are numbered with the key of the house")
        if not self._ready:  # many at once cost a tenth
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
    """An id for what belongs to identity: 63 random bits, which say neither when it was made nor what was made next.

    Ids that rise with time would join the halves: the contact made right before a session would be its owner.
    """
    return random.getrandbits(_BITS)


def parse_id(text: str) -> int:
    """An id that somebody typed; 0, which no row has, for what cannot be one.

    >>> parse_id("17"), parse_id("²"), parse_id("9" * 19), parse_id("9" * 5000)
    (17, 0, 0, 0)
    """
    number = int(text) if text.isdecimal() and len(text) <= _LONGEST else 0
    return number if number.bit_length() <= _BITS else 0


def day_of(moment: datetime) -> datetime:
    """The day of a moment, all that identity knows of times: a moment would be that of a session as well."""
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)


def hour_of(moment: datetime) -> datetime:
    """The hour of a moment, all that is kept of when somebody said something."""
    return moment.replace(minute=0, second=0, microsecond=0)


def receipt(random: Random = SYSTEM_RANDOM) -> str:
    """A random code of 50 bits which a person can write down: "7K2MP-X0Q4Z". It says nothing about anybody."""
    return group_code(random_code(10, random), 5)
