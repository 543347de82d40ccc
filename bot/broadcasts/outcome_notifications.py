"""Notifies subscribers about outcomes of proposals, in pages, once per contact and step."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from functools import partial
from typing import Final, NamedTuple

import structlog
from sqlalchemy import Connection

from bot.broadcasts.messages import STOP
from bot.common.i18n import phrase_catalogues
from bot.common.ids import Ids, day_of
from bot.common.keys import Keys
from bot.common.logs import error_place
from bot.delivery.message_codec import payload_of
from bot.privacy import personal_data
from bot.proposals.contribution_status import step_lines
from bot.proposals.merge_split import authors
from bot.proposals.moderation_rules import ModerationItem, load_items
from flows.messages import MsgOut, QuickReply
from storage.core.errors import StorageError
from storage.core.store import Store
from storage.tables import opt_ins
from storage.tables.contacts import KnownAddress, addresses_of_contacts
from storage.tables.outbox import NewOutboxMessage, insert_messages
from storage.tables.proposals import (
    NewProposalStatus,
    NotificationProgress,
    has_unnotified_status,
    next_unnotified_status,
    record_notification_progress,
)
from storage.tables.ratings import ratings_of_proposals
from storage.tables.revisions import live_revision_of

log = structlog.get_logger()

PORTION: Final = 500
"""Subscribers per transaction."""
EVERY_SECONDS: Final = 3.0
FIRST: Final = "de"


class OutcomeNotifier(NamedTuple):
    """Services for notifications."""

    keys: Keys
    ids: Ids
    public_url: str = ""


def notify_next(connection: Connection, notifier: OutcomeNotifier, now: datetime) -> int | None:
    """Queues the next page of notices about the oldest step; returns their number, None if there is no step.

    Notices and progress are written in one transaction, so that no contact is notified twice.
    """
    step = next_unnotified_status(connection)
    if step is None:
        return None
    standing = load_items(connection, [step.proposal_id])[step.proposal_id]
    about = live_revision_of(connection, standing.proposal.consultation_id)
    wanting = _next_wanting(connection, about.slug if about else "", step)
    here = personal_data.contacts_among(
        wanting, standing.proposal.consultation_id, _concerned(connection, standing), notifier.keys
    )
    rows = [_notice(notifier, step, standing, address, now) for address in _reachable(connection, here)]
    insert_messages(connection, rows)
    is_done = len(wanting) < PORTION
    record_notification_progress(connection, [NotificationProgress(step.id, None if is_done else wanting[-1])])
    return len(rows)


def _next_wanting(connection: Connection, slug: str, step: NewProposalStatus) -> list[int]:
    after = step.tell_after or 0
    return opt_ins.subscriber_ids(connection, "outcome", slug, after_id=after, limit=PORTION)


def _concerned(connection: Connection, standing: ModerationItem) -> frozenset[str]:
    """Returns the pseudonyms of all authors and, for public proposals, of raters."""
    number = standing.proposal.id
    people = authors(connection, [number])[number]
    if standing.is_public:
        people |= ratings_of_proposals(connection, [number])[number].keys()
    return people


def _reachable(connection: Connection, contact_ids: Iterable[int]) -> Iterable[KnownAddress]:
    """Returns the oldest reachable address per contact, without stopped contacts."""
    found: dict[int, KnownAddress] = {}
    for address in addresses_of_contacts(connection, list(contact_ids)):
        if address.contact_id is not None and address.stopped_at is None and address.unreachable_at is None:
            found.setdefault(address.contact_id, address)
    return found.values()


def _notice(
    notifier: OutcomeNotifier, step: NewProposalStatus, standing: ModerationItem, to: KnownAddress, now: datetime
) -> NewOutboxMessage:
    """Builds the notice in the language of a contact as an outbox row."""
    language = read if (read := to.reads()) in phrase_catalogues.catalogue_languages() else FIRST
    code, say = standing.proposal.code, partial(_say, language)
    lines = [say("account.news", code=code), *step_lines(step, say, language)]
    if notifier.public_url:
        lines.append(say("account.page", link=f"{notifier.public_url}/p/{code}"))
    stop = QuickReply(STOP, say("button.stop"))
    payload = payload_of(MsgOut("\n".join([*lines, say("push.stop")]), (stop,), language))
    number, order = notifier.ids.letter()
    return NewOutboxMessage(
        id=number,
        channel=to.channel,
        lookup=to.lookup,
        payload=payload,
        purpose="notice",
        not_before=None,
        created_at=day_of(now),
        hidden_order=order,
    )


def _say(language: str, phrase: str, /, **values: object) -> str:
    return phrase_catalogues.load_phrases(language).text(phrase, "sie", **values)


async def run_notifications(store: Store, notifier: OutcomeNotifier, wake: Callable[[], None]) -> None:
    """Sends pending notifications until cancelled; `wake` triggers the outbox."""
    while True:
        try:
            while await store.read(has_unnotified_status):
                if await store.write(partial(notify_next, notifier=notifier, now=datetime.now(UTC))):
                    wake()
        except StorageError as fault:
            log.error("outcome_notification_failed", **error_place(fault))
        await asyncio.sleep(EVERY_SECONDS)
