"""Where time and chance come from. What needs them is given them, so that tests and simulations can give others."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from datetime import UTC, datetime
from random import Random
from typing import Final, NamedTuple

Now = Callable[[], datetime]
"""Tells the time, in UTC."""
SYSTEM_RANDOM: Final[Random] = secrets.SystemRandom()
"""Chance that nobody can foresee: for keys, codes and ids."""


def system_now() -> datetime:
    """The time of this machine."""
    return datetime.now(UTC)


def draw_seed(pseudonym: str, left_out: int) -> int:
    """What a draw of statements follows from: the same person at the same point gets the same."""
    return Random(f"{pseudonym} {left_out}").getrandbits(64)  # noqa: S311 - not a secret


class Sources(NamedTuple):
    """The clock, the clock that only counts seconds, chance, and from which seed statements are drawn for a person."""

    now: Now = system_now
    steady: Callable[[], float] = time.monotonic
    random: Random = SYSTEM_RANDOM
    draw_seed: Callable[[str, int], int] = draw_seed


SYSTEM: Final = Sources()
"""Those of the machine."""
