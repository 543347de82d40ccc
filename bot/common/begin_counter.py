"""Counts begun web participations by consultation, hour and network, with a key that exists for a day.

The key is random, is only in the memory of this process and is replaced when the day (UTC) ends. So a stored hash leads
back to no network, not even with the secret of the installation. A restart begins with another key: a network then has
two rows in this hour.
"""

from __future__ import annotations

import hmac
import secrets
from collections import Counter
from datetime import date, datetime
from typing import Final

from storage.tables.begin_counts import BeginCount

HASH_BYTES: Final = 16
MOST_COUNTED: Final = 100_000
"""Networks counted between two writes; further ones are not counted."""


class BeginCounter:
    """Counts in memory until the hourly jobs write the totals.

    >>> from datetime import UTC
    >>> counter, moment = BeginCounter(), datetime(2026, 12, 1, 9, 30, tzinfo=UTC)
    >>> for _ in range(3): counter.note(7, "192.0.2.1", moment)
    >>> [(row.consultation_id, row.hour.hour, row.begins) for row in counter.totals()]
    [(7, 9, 3)]
    """

    def __init__(self) -> None:
        self._day: date | None = None
        self._key = b""
        self._counts: Counter[tuple[int, datetime, bytes]] = Counter()

    def note(self, consultation_id: int, network: str, now: datetime) -> None:
        """Counts one begun participation of a network."""
        if now.date() != self._day:
            self._day, self._key = now.date(), secrets.token_bytes(32)
        hour = now.replace(minute=0, second=0, microsecond=0)
        row = (consultation_id, hour, hmac.digest(self._key, network.encode(), "sha256")[:HASH_BYTES])
        if row in self._counts or len(self._counts) < MOST_COUNTED:
            self._counts[row] += 1

    def totals(self) -> list[BeginCount]:
        """Returns the totals of all hours that are in memory."""
        return [BeginCount(*row, begins) for row, begins in self._counts.items()]

    def written(self, rows: list[BeginCount], now: datetime) -> None:
        """Notes that these totals are stored: those of earlier hours, to which nothing was added since, leave the
        memory.
        """
        hour = now.replace(minute=0, second=0, microsecond=0)
        for consultation_id, of_hour, network, begins in rows:
            if of_hour < hour and self._counts[consultation_id, of_hour, network] == begins:
                del self._counts[consultation_id, of_hour, network]
