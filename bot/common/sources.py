"""Sources of time and randomness, injected so that tests and simulations can replace them."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from datetime import UTC, datetime
from random import Random
from typing import Final, NamedTuple

Now = Callable[[], datetime]
"""Returns the time in UTC."""
SYSTEM_RANDOM: Final[Random] = secrets.SystemRandom()
"""Cryptographically secure randomness for keys, codes and ids."""


def system_now() -> datetime:
    """Returns the system time."""
    return datetime.now(UTC)


def draw_seed(pseudonym: str, left_out: int) -> int:
    """Returns the seed for drawing statements: the same participation at the same point draws the same ones."""
    return Random(f"{pseudonym} {left_out}").getrandbits(64)  # noqa: S311 - not a secret


class Sources(NamedTuple):
    """Clock, monotonic clock, randomness, and the seed for drawing statements."""

    now: Now = system_now
    steady: Callable[[], float] = time.monotonic
    random: Random = SYSTEM_RANDOM
    draw_seed: Callable[[str, int], int] = draw_seed


SYSTEM: Final = Sources()
"""The sources of the system."""
