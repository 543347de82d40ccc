"""The alphabet of codes that people read out and type: unambiguous characters."""

from __future__ import annotations

import re
from random import Random
from typing import Final

from bot.common.sources import SYSTEM_RANDOM

ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base 32: no I, L, O, U to misread."""
MISREAD: Final = str.maketrans("OIL", "011")
_BETWEEN: Final = re.compile(r"[\s\u00ad\u200b-\u200f\u2010-\u2015_.-]")


def random_code(count: int, random: Random = SYSTEM_RANDOM) -> str:
    """Returns a random code of `count` characters, five bits each."""
    number = random.getrandbits(5 * count)
    return "".join(ALPHABET[(number >> shift) & 31] for shift in range(0, 5 * count, 5))


def group_code(letters: str, size: int = 4) -> str:
    """Splits a code into groups for reading out.

    >>> group_code("7K2MPX0Q")
    '7K2M-PX0Q'
    """
    return "-".join(letters[start : start + size] for start in range(0, len(letters), size))


def normalise_code(typed: str) -> str:
    """Normalises a typed code: without blanks and hyphens, in capitals.

    >>> normalise_code(" 7k2m-pxoq ")
    '7K2MPXOQ'
    """
    return _BETWEEN.sub("", typed).upper()
