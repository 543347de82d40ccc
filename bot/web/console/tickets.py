"""Signed values that a browser keeps for minutes between two steps of the sign-in."""

from __future__ import annotations

import base64
import binascii
import hmac
import json
from collections import OrderedDict
from datetime import datetime, timedelta
from typing import Any, Final

from bot.common.keys import Keys

VALID: Final = timedelta(minutes=10)
LONGEST: Final = 2_000
SIGNATURE_LENGTH: Final = 64
MOST_SPENT: Final = 10_000


class Tickets:
    """Issues signed values for one purpose and accepts each of them once.

    Values are signed, not encrypted: they contain nothing that the browser may not know.
    """

    def __init__(self, keys: Keys, purpose: str) -> None:
        self._keys = keys
        self._purpose = purpose
        self._spent: OrderedDict[str, None] = OrderedDict()

    def issue(self, now: datetime, **values: Any) -> str:
        """Returns the signed values."""
        content = json.dumps({**values, "until": int((now + VALID).timestamp())}).encode()
        text = base64.urlsafe_b64encode(content).decode().rstrip("=")
        return text + self._signature(text)

    def read(self, ticket: str, now: datetime) -> dict[str, Any] | None:
        """Returns the values; None for forged, expired and spent tickets."""
        text, signature = ticket[:-SIGNATURE_LENGTH], ticket[-SIGNATURE_LENGTH:]
        is_ours = hmac.compare_digest(signature.encode("utf-8", "replace"), self._signature(text).encode())
        if not is_ours or len(ticket) > LONGEST or ticket in self._spent:
            return None
        try:
            values: dict[str, Any] = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        except (binascii.Error, ValueError):
            return None
        return values if now.timestamp() < values["until"] else None

    def spend(self, ticket: str) -> None:
        """Makes a ticket invalid."""
        self._spent[ticket] = None
        while len(self._spent) > MOST_SPENT:
            self._spent.popitem(last=False)

    def _signature(self, text: str) -> str:
        content = f"console-{self._purpose}/{text}".encode("utf-8", "replace")
        return hmac.digest(self._keys.staff, content, "sha256").hex()
