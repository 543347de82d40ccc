"""Notifies subscribers about outcomes of proposals, in pages, once per contact and step."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Final, NamedTuple

import structlog
from sqlalchemy import Connection

from bot.broadcasts.outcome_audience import concerned_people, language_read, outcome_message, reachable
from bot.common.ids import Ids, day_of
from bot.common.keys import Keys
from bot.common.logs import error_place
from bot.delivery.message_codec import payload_of
from bot.privacy import personal_data
from bot.proposals.moderation_rules import ModerationItem, load_items
from storage.core.errors import StorageError
from storage.core.store import Store
from storage.tables import opt_ins
from storage.tables.contacts import KnownAddress
from storage.tables.outbox import NewOutboxMessage, insert_messages
from storage.tables.proposals import (
    NewProposalStatus,
    NotificationProgress,
    has_unnotified_status,
    next_unnotified_status,
    record_notification_progress,
)
from storage.tables.revisions import live_revision_of

log = structlog.get_logger()

PORTION: Final = 500
"""Subscribers per transaction."""
EVERY_SECONDS: Final = 3.0


class OutcomeNotifier(NamedTuple):
    """Services for notifications."""

    keys: Keys
    ids: Ids
    public_url: str = ""


def notify_next(connection: Connection, notifier: OutcomeNotifier, now: datetime) -> int | None:
    """Queues the next page of notices about the oldest step; returns their number, None if there is no step.

    Notices and progress are written in one transaction, so that no contact is notified twice.
    """
    step = next_unnotified_status(connection, now)
    if step is None:
        return None
    standing = load_items(connection, [step.proposal_id])[step.proposal_id]
    about = live_revision_of(connection, standing.proposal.consultation_id)
    wanting = _next_wanting(connection, about.slug if about else "", step)
    here = personal_data.contacts_among(
        wanting, standing.proposal.consultation_id, concerned_people(connection, standing), notifier.keys
    )
    rows = [_notice(notifier, step, standing, address, now) for address in reachable(connection, here)]
    insert_messages(connection, rows)
    is_done = len(wanting) < PORTION
    record_notification_progress(connection, [NotificationProgress(step.id, None if is_done else wanting[-1])])
    return len(rows)


def _next_wanting(connection: Connection, slug: str, step: NewProposalStatus) -> list[int]:
    after = step.tell_after or 0
    return opt_ins.subscriber_ids(connection, "outcome", slug, after_id=after, limit=PORTION)


def _notice(
    notifier: OutcomeNotifier, step: NewProposalStatus, standing: ModerationItem, to: KnownAddress, now: datetime
) -> NewOutboxMessage:
    """Builds the notice in the language of a contact as an outbox row."""
    message = outcome_message(step, standing.proposal.code, language_read(to), notifier.public_url)
    number, order = notifier.ids.letter()
    return NewOutboxMessage(
        id=number,
        channel=to.channel,
        lookup=to.lookup,
        payload=payload_of(message),
        purpose="notice",
        not_before=None,
        created_at=day_of(now),
        hidden_order=order,
    )


async def run_notifications(store: Store, notifier: OutcomeNotifier, wake: Callable[[], None]) -> None:
    """Sends pending notifications until cancelled; `wake` triggers the outbox."""
    while True:
        try:
            while await store.read(partial(has_unnotified_status, now=datetime.now(UTC))):
                if await store.write(partial(notify_next, notifier=notifier, now=datetime.now(UTC))):
                    wake()
        except StorageError as error:
            log.error("outcome_notification_failed", **error_place(error))
        await asyncio.sleep(EVERY_SECONDS)
