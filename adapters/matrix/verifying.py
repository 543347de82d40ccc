"""Declines requests to verify the bot's device: no person is there to compare emoji, and silence looks like a fault.

The device is signed by the bot's own cross-signing keys instead (`adapters.matrix.cross_signing`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from adapters.matrix.api import object_in

REQUEST: Final = "m.key.verification.request"
CANCEL: Final = "m.key.verification.cancel"
_REASON: Final = "This is a bot and cannot compare emoji. / Das ist ein Bot, er kann keine Emoji vergleichen."


class VerificationRequest(NamedTuple):
    """A request in a room, by its event."""

    room: str
    event: str


def verification_request(room: str, event: Mapping[str, Any], me: str) -> VerificationRequest | None:
    """Returns the request if this (decrypted) event is one to the bot
    (https://spec.matrix.org/v1.11/client-server-api/#key-verification-framework).
    """
    content, name = object_in(event.get("content")), event.get("event_id")
    is_request = content.get("msgtype") == REQUEST and content.get("to") == me
    return VerificationRequest(room, name) if is_request and isinstance(name, str) else None


def refusal(request: VerificationRequest) -> dict[str, Any]:
    """Returns the content of the event that declines a request."""
    relation = {"rel_type": "m.reference", "event_id": request.event}
    return {"code": "m.user", "reason": _REASON, "m.relates_to": relation}
