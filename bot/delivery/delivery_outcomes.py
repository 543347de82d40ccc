"""The consequence of a delivery for its message: the pause before the next attempt, or the final state."""

from __future__ import annotations

from adapters.base import Delivery, Moved, Refused, RetryAfter, Sent, Unknown, Unreachable
from bot.delivery.channel_queue import QueuedMessage
from storage.tables.outbox import UNASKED, OutboxState

MOST_ATTEMPTS = 12


def seconds_to_retry(item: QueuedMessage, delivery: Delivery) -> float | None:
    """Returns the pause before the next attempt; None: the delivery is final."""
    if isinstance(delivery, RetryAfter) and (delivery.is_overall or item.attempts + 1 < MOST_ATTEMPTS):
        return delivery.seconds
    # An unknown outcome is retried once if a repeated reply is harmless; a broadcast is never repeated.
    if isinstance(delivery, Unknown) and item.purpose not in UNASKED and item.attempts == 0:
        return 1.0
    return None


def delivery_state(delivery: Delivery) -> tuple[OutboxState, str | None]:
    """Returns the final state of the message, and the reason if it was not sent."""
    match delivery:
        case Sent():
            return "sent", None
        case Unreachable(reason):
            return "unreachable", reason
        case Moved():
            return "unreachable", "moved"
        case Refused(reason):
            return "refused", reason
        case RetryAfter(_, reason):
            return "refused", f"gave up: {reason}"
        case Unknown(reason):
            return "unknown", reason
