"""Whom Telegram means by "too fast": it does not say. One chat, until several are told so one after another."""

from __future__ import annotations

import time
from typing import Final

from adapters.base import RetryAfter

SEVERAL: Final = 3
WINDOW_SECONDS: Final = 10.0
REST_SECONDS: Final = 30.0
"""So long everybody waits at most; then it is tried again. A chat of its own has waited for hours (10,072 seconds)."""


class Floods:
    """The chats that were refused since a message last went out. Groups have a pace of their own and do not count."""

    def __init__(self) -> None:
        self._refused: dict[str, float] = {}

    def refused(self, address: str, delivery: RetryAfter) -> RetryAfter:
        """The delivery as it is to be understood: for this chat, or for all."""
        now = time.monotonic()
        self._refused = {chat: at for chat, at in self._refused.items() if now - at < WINDOW_SECONDS}
        if not address.startswith("-"):
            self._refused[address] = now
        if len(self._refused) < SEVERAL:
            return delivery
        return delivery._replace(seconds=min(delivery.seconds, REST_SECONDS), is_overall=True)

    def sent(self) -> None:
        """A message went out: whoever was refused was meant alone."""
        self._refused.clear()
