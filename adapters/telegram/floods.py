"""Decides whether "too fast" limits one chat or the whole bot, which Telegram does not say. It limits one chat, until
several chats in a row are refused."""

from __future__ import annotations

import time
from typing import Final

from adapters.base import RetryAfter

SEVERAL: Final = 3
WINDOW_SECONDS: Final = 10.0
REST_SECONDS: Final = 30.0
"""The longest pause of the whole bot before the next attempt. A single chat has had to wait for hours (10,072
seconds)."""


class Floods:
    """The chats that were refused since the last successful message. Groups have a rate of their own and do not
    count."""

    def __init__(self) -> None:
        self._refused: dict[str, float] = {}

    def refused(self, address: str, delivery: RetryAfter) -> RetryAfter:
        """Returns the delivery with its scope: this chat, or all."""
        now = time.monotonic()
        self._refused = {chat: at for chat, at in self._refused.items() if now - at < WINDOW_SECONDS}
        if not address.startswith("-"):
            self._refused[address] = now
        if len(self._refused) < SEVERAL:
            return delivery
        return delivery._replace(seconds=min(delivery.seconds, REST_SECONDS), is_overall=True)

    def sent(self) -> None:
        """Records a successful message: the refusals before it concerned single chats."""
        self._refused.clear()
