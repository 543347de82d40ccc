"""Whether the clock can be believed: nothing is deleted, and nobody's participation ended, because it leapt ahead.

A machine whose battery is empty, or a wrong time server, may be years ahead for a while. What was tidied up by that
clock would be gone for good. So the last time is noted in the data folder; after a leap, which may also be a service
that was off for days, tidying waits.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from bot.common.atomic_file import write_whole

FILE: Final = "clock"
"""Its name in the data folder: when it was looked at last, as ISO 8601 in UTC."""
LEAP: Final = timedelta(days=2)
"""A clock that is so far ahead of the last look is doubted."""
DOUBT_SECONDS: Final = 6 * 3600.0
"""For so long, by the clock that only counts: time servers take seconds, people some hours."""


class Clock:
    """The clock of a running service."""

    def __init__(
        self,
        data: Path,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        self._data = data
        self._now, self._steady = now, steady
        self._doubted_at: float | None = None

    def believed(self) -> datetime | None:
        """The time, noted in the data folder; None while it is doubted. Raises OSError."""
        now, last = self._now(), self._last()
        if last and now - last > LEAP:
            self._doubted_at = self._steady() if self._doubted_at is None else self._doubted_at
            if self._steady() - self._doubted_at < DOUBT_SECONDS:
                return None
        self._doubted_at = None
        write_whole(f"{now.isoformat()}\n".encode("ascii"), self._data, FILE)
        return now

    def _last(self) -> datetime | None:
        """What was noted; None where nothing was, or nothing that can be read."""
        try:
            return datetime.fromisoformat((self._data / FILE).read_text("ascii").strip()).astimezone(UTC)
        except (FileNotFoundError, ValueError):
            return None
