"""What a channel learns about a message after it was sent: bounces and failures of the network behind it."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from datetime import datetime
from typing import Final, NamedTuple

import structlog

from adapters.base import Channel, Delivery, Refused, Reporting, Unreachable
from bot.delivery.channel_queue import QueuedMessage
from bot.delivery.delivery_outcomes import delivery_state
from bot.delivery.pending_outcomes import PendingOutcomes
from storage.tables.contacts import AddressMissed, AddressState
from storage.tables.outbox import Purpose, SendOutcome

log = structlog.get_logger()

MOST_REFERENCES: Final = 20_000
"""Per channel; the oldest are dropped."""


class _SentMessage(NamedTuple):
    id: int
    lookup: bytes
    purpose: Purpose
    attempts: int
    is_question: bool


class SentReferences:
    """The messages that reporting channels sent, by reference. In memory only: on disk a reference would identify the
    contact without any key. Reports about messages from before the last start are ignored.
    """

    def __init__(self, channels: Mapping[str, Channel]) -> None:
        self._sent: dict[str, OrderedDict[str, _SentMessage]] = {
            name: OrderedDict() for name, channel in channels.items() if isinstance(channel, Reporting)
        }

    def note(self, channel: str, item: QueuedMessage, reference: str) -> None:
        """Remembers a sent message of a reporting channel."""
        sent = self._sent.get(channel)
        if sent is None or not reference:
            return
        sent[reference] = _SentMessage(
            item.message.id,
            item.lookup,
            item.purpose,
            item.attempts + 1,
            item.purpose == "reply" and item.is_question(),
        )
        if len(sent) > MOST_REFERENCES:
            sent.popitem(last=False)

    def failure(self, channel: str, reference: str, delivery: Delivery, today: datetime) -> PendingOutcomes | None:
        """Returns what has to be stored for this report; None for receipts and unknown messages."""
        sent = self._sent.get(channel)
        found = sent.pop(reference, None) if sent else None
        if found is None or not isinstance(delivery, Unreachable | Refused):
            return None
        log.warning("message_failed_later", channel=channel, outbox_id=found.id)
        failed = PendingOutcomes()
        if found.purpose == "broadcast":  # the row of a reply is gone
            state, error = delivery_state(delivery)
            outcome = SendOutcome(id=found.id, state=state, attempts=found.attempts, settled_at=today, error=error)
            failed.outcomes, failed.broadcasts = [outcome], [outcome]
        if found.is_question:
            failed.missed = [AddressMissed(found.lookup, question_missed=True)]
        if isinstance(delivery, Unreachable):
            failed.unreachable = [AddressState(found.lookup, today, delivery.reason)]
        return failed
