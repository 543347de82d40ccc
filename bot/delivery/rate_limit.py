"""How fast a lane may send: evenly spread, and never more in any second than the channel bears."""

from __future__ import annotations

MARGIN = 0.02
"""What is left unused of a rate (but at least one message a second of those above 20, and 5 % of smaller ones)."""


class RateLimiter:
    """Slots at equal distances. Who comes late may catch up a little, so that timers that go off late cost no rate.

    The generic cell rate algorithm (ITU-T I.371), with the rate lowered so far and the catching up bounded so that any
    window of one second holds at most `per_second` sends: with rate r and slack s it holds at most r(1 + s) + 1. Half
    of what is left is the slack, the other half covers messages which travel for different times.

    >>> pace = Pace(30)
    >>> pace.take(100.0)
    >>> round(pace.free_at - 100.0, 4)  # 29 a second; a timer may be 17 ms late before anything is lost
    0.0172
    """

    def __init__(self, per_second: float) -> None:
        self.rate = per_second - max(MARGIN * per_second, min(1, 0.05 * per_second))
        """Messages per second that are sent; 0 where there is no limit."""
        self.free_at = 0.0
        """When the next slot begins, on the clock of `take`."""
        self._interval = 1 / self.rate if per_second else 0.0
        self._slack = (per_second / self.rate - 1) / 2 if per_second else 0.0

    def take(self, now: float) -> None:
        """Uses the slot that is free at this moment."""
        if self._interval:
            self.free_at = max(self.free_at, now - self._slack) + self._interval


class DurationAverage:
    """How long one message takes from its start to its note, as a moving average in seconds."""

    WEIGHT = 0.1

    def __init__(self) -> None:
        self.seconds = 0.0

    def add(self, seconds: float) -> None:
        self.seconds += (seconds - self.seconds) * self.WEIGHT
