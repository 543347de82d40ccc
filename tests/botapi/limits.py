"""How fast a bot may send: Telegram's published limits, enforced to the letter."""

import math
from collections import defaultdict, deque
from typing import NamedTuple

TOLERANCE = 0.05
"""Seconds by which messages may come closer than they were sent: they travel, and this process is busy as well."""


class Rates(NamedTuple):
    """Messages a second overall and per private chat, and a minute per group. 0: as many as one likes."""

    overall: float = 30
    chat: float = 1
    group: float = 20


FREE = Rates(0, 0, 0)


class Limiter:
    """Says whether a message may be sent now; what is refused does not count."""

    def __init__(self, rates: Rates) -> None:
        self.rates = rates
        self._overall: deque[float] = deque()
        self._chats: dict[int, deque[float]] = defaultdict(deque)

    def wait(self, chat_id: int, now: float) -> int:
        """Seconds the bot has to wait before this message; 0 where it is taken."""
        rates = self.rates
        chat = (rates.group, 60.0) if chat_id < 0 else (rates.chat, 1.0)
        waits = [
            _wait(self._overall, rates.overall, 1.0, now),
            _wait(self._chats[chat_id], *chat, now) if chat[0] else 0.0,
        ]
        if any(waits):
            return math.ceil(max(waits))
        if rates.overall:
            self._overall.append(now)
        if chat[0]:
            self._chats[chat_id].append(now)
        return 0


def _wait(sent: deque[float], most: float, seconds: float, now: float) -> float:
    """Seconds until one more is allowed within the window."""
    if not most:
        return 0.0
    while sent and sent[0] <= now - seconds + TOLERANCE:
        sent.popleft()
    return seconds - (now - sent[0]) if len(sent) >= most else 0.0
