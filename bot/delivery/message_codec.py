"""Encodes messages for the outbox."""

from __future__ import annotations

from typing import Final

from pydantic_core import to_json

from flows.messages import MsgOut


class _Payloads:
    """Encodes messages, with a cache: the same question object is encoded once."""

    MOST = 5000

    def __init__(self) -> None:
        self._known: dict[int, tuple[MsgOut, str]] = {}

    def forget(self) -> None:
        """Clears the cache, which may contain the answer of an erased contact."""
        self._known.clear()

    def __call__(self, msg: MsgOut) -> str:
        known = self._known.get(id(msg))
        if known is not None and known[0] is msg:
            return known[1]
        payload = to_json(msg.as_data()).decode()
        if len(self._known) >= self.MOST:
            self._known.clear()
        self._known[id(msg)] = (msg, payload)
        return payload


payload_of: Final = _Payloads()
"""Encodes a message for the outbox; `bot.delivery.outbox` decodes it after a restart."""
