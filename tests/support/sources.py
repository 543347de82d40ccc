"""Time and random numbers for tests: a clock that can be advanced, and predefined codes."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

from bot.common.code_alphabet import ALPHABET, normalise_code
from bot.common.sources import Sources


class Clock:
    """The time of this machine plus the simulated time; the monotonic clock counts simulated time only, so that a busy
    machine changes nothing.
    """

    def __init__(self) -> None:
        self._later = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self._later

    def steady(self) -> float:
        return self._later.total_seconds()

    def let_pass(self, **later: float) -> None:
        """So much time passes: `let_pass(seconds=2)`."""
        self._later += timedelta(**later)

    def let_look(self) -> None:
        """So much that the bot looks at what others have published, closed or released."""
        self.let_pass(seconds=2)

    @property
    def sources(self) -> Sources:
        return Sources(now=self.now, steady=self.steady)


class Chance(random.SystemRandom):
    """A random source with preset codes: a draw of as many letters returns them in turn, then repeats the last one.

    >>> from bot.common.code_alphabet import random_letters
    >>> chance = Chance()
    >>> chance.tell("7K3QP-2M9XD")
    >>> random_letters(10, chance), random_letters(10, chance)
    ('7K3QP2M9XD', '7K3QP2M9XD')
    """

    def __init__(self) -> None:
        super().__init__()
        self._told: dict[int, list[int]] = {}

    def tell(self, *letters: str) -> None:
        """What comes up from now on: the letters of codes of one length, without their prefix."""
        codes = [normalise_code(code) for code in letters]
        self._told[5 * len(codes[0])] = [
            sum(ALPHABET.index(letter) << 5 * at for at, letter in enumerate(code)) for code in codes
        ]

    def getrandbits(self, k: int, /) -> int:
        told = self._told.get(k)
        if not told:
            return super().getrandbits(k)
        return told.pop(0) if len(told) > 1 else told[0]
