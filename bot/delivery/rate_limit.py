"""Limits the rate of a channel: evenly spread, never above the messages per second that the channel permits."""

from __future__ import annotations

MARGIN = 0.02
"""Unused share of a rate (at least one message per second above 20, and 5 % of lower rates)."""


class RateLimiter:
    """Slots at equal intervals. A late start may catch up a little, so that late timers do not lower the rate.

    The generic cell rate algorithm (ITU-T I.371). The rate is lowered and the catching up bounded so that any window of
    one second contains at most `per_second` sends: with rate r and slack s at most r(1 + s) + 1. One half of the margin
    is the slack, the other half covers different transmission times.

    >>> limiter = RateLimiter(30)
    >>> limiter.take(100.0)
    >>> round(limiter.free_at - 100.0, 4)  # 29 a second; a timer may be 17 ms late before anything is lost
    0.0172
    """

    def __init__(self, per_second: float) -> None:
        self.rate = per_second - max(MARGIN * per_second, min(1, 0.05 * per_second))
        """Messages per second; 0 without a limit."""
        self.free_at = 0.0
        """Start of the next slot, on the clock of `take`."""
        self._interval = 1 / self.rate if per_second else 0.0
        self._slack = (per_second / self.rate - 1) / 2 if per_second else 0.0

    def take(self, now: float) -> None:
        """Uses the current slot."""
        if self._interval:
            self.free_at = max(self.free_at, now - self._slack) + self._interval


class DurationAverage:
    """Moving average of the seconds from the start of a message to its persisted outcome."""

    WEIGHT = 0.1

    def __init__(self) -> None:
        self.seconds = 0.0

    def add(self, seconds: float) -> None:
        self.seconds += (seconds - self.seconds) * self.WEIGHT
