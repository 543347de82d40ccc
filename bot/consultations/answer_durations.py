"""Measures how long answers take, as classes, for funnels and the burden of questions.

Exact times could identify a person, so only the class of each answer is stored. The time of the last question is kept
in memory for the newest participations; after a restart the next answer has no class.
"""

from __future__ import annotations

import time
from bisect import bisect_left
from collections.abc import Callable
from typing import Final

CLASSES: Final = (5, 15, 30, 60, 120, 300, 900, 3600)
"""Upper ends in seconds. Longer durations include a break and say nothing about the question."""
MAX_TRACKED: Final = 50_000


def duration_class(seconds: float) -> int | None:
    """Returns the class of a duration by its upper end in seconds; None beyond the last class.

    >>> [duration_class(seconds) for seconds in (0, 5, 5.1, 3600, 3601)]
    [5, 5, 15, 3600, None]
    """
    place = bisect_left(CLASSES, seconds)
    return CLASSES[place] if place < len(CLASSES) else None


class QuestionClock:
    """Tracks the waiting question of the newest participations and its time. Used by the writing thread only."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._since: dict[int, tuple[str, float]] = {}

    def __len__(self) -> int:
        return len(self._since)

    def note(self, session_id: int, key: str) -> None:
        """Notes the question a participation waits at; an empty key means none."""
        known = self._since.get(session_id)
        if known is not None and known[0] == key:
            return
        if known is not None:
            del self._since[session_id]
        if key:
            self._since[session_id] = (key, self._clock())
            if len(self._since) > MAX_TRACKED:
                del self._since[next(iter(self._since))]

    def took(self, session_id: int, key: str) -> int | None:
        """Returns the class of the time since this question was asked; None if unknown."""
        known = self._since.get(session_id)
        return duration_class(self._clock() - known[1]) if known is not None and known[0] == key else None
