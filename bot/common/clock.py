"""Guards deletion against a clock that jumped ahead.

An empty battery or a wrong time server may set the clock ahead by years. Data deleted by such a clock would be lost. So
the last time is stored in the data folder, and deletion waits after a jump, also after days without the service.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from bot.common.atomic_file import write_whole

FILE: Final = "clock"
"""File in the data folder with the last time that was read, as ISO 8601 in UTC."""
LEAP: Final = timedelta(days=2)
"""The minimum jump since the last reading that is doubted."""
DOUBT_SECONDS: Final = 6 * 3600.0
"""How long a jump is doubted, by the monotonic clock: time servers correct it in seconds, operators in hours."""


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
        """Returns the time and stores it in the data folder; None while it is doubted. Raises OSError."""
        now, last = self._now(), self._last()
        if last and now - last > LEAP:
            self._doubted_at = self._steady() if self._doubted_at is None else self._doubted_at
            if self._steady() - self._doubted_at < DOUBT_SECONDS:
                return None
        self._doubted_at = None
        write_whole(f"{now.isoformat()}\n".encode("ascii"), self._data, FILE)
        return now

    def _last(self) -> datetime | None:
        """Returns the stored time; None if it is missing or unreadable."""
        try:
            return datetime.fromisoformat((self._data / FILE).read_text("ascii").strip()).astimezone(UTC)
        except (FileNotFoundError, ValueError):
            return None
