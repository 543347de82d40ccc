"""Tells members in their chats that a colleague asks for agreement: to a push, or to a version that goes live.

The requests of every interface stand in the audit log. That the colleagues were told is recorded there, too, in the
transaction of the messages, so that they are told once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Final, NamedTuple

import structlog
from sqlalchemy import Connection

from bot.common.audit import SYSTEM, last_entries, record_entry
from bot.common.i18n.locale import Locale
from bot.common.ids import Ids, day_of
from bot.common.keys import Keys
from bot.common.logs import error_place
from bot.consultations.live_revisions import listing_of
from bot.delivery.message_codec import payload_of
from bot.staff.assignments import may_in
from bot.staff.policy import Action
from flows.messages import MsgOut
from storage.core.errors import StorageError
from storage.core.store import Store
from storage.tables.audit import StoredAuditEntry, audit_entries_of
from storage.tables.consultations import find_consultation
from storage.tables.contacts import KnownAddress, find_addresses
from storage.tables.outbox import NewOutboxMessage, insert_messages
from storage.tables.revisions import find_live_revision
from storage.tables.staff import all_staff, staff_chat_of

log = structlog.get_logger()

EVERY_SECONDS: Final = 3.0
TOLD_WITHIN: Final = timedelta(days=3)
"""Requests that are older when the service starts are not told any more."""


class _Request(NamedTuple):
    phrase: str
    action: Action
    """What the member who agrees must be permitted to do."""
    page: str


_REQUESTS: Final = {
    "push.ask": _Request("desk.agree_push", "push", "push"),
    "consultation.ask_publish": _Request("desk.agree_publish", "consultations.change", "publish"),
}


class AgreementNotifier(NamedTuple):
    """What the messages need."""

    keys: Keys
    ids: Ids
    public_url: str = ""


def next_request(connection: Connection, since: datetime) -> StoredAuditEntry | None:
    """Returns the oldest request since a moment of which the colleagues were not told."""
    for entry in audit_entries_of(connection, list(_REQUESTS), since):
        told = last_entries(connection, "agreement.tell", entry.object)
        if told is None or told.id < entry.id:
            return entry
    return None


def tell_colleagues(connection: Connection, notifier: AgreementNotifier, entry: StoredAuditEntry, now: datetime) -> int:
    """Queues a message to each member who may agree and works from a chat, and records it; returns their number."""
    rows = [_notice(notifier, entry, to, connection, now) for to in _colleagues(connection, entry, now)]
    insert_messages(connection, rows)
    record_entry(connection, notifier.keys, SYSTEM.did("agreement.tell", entry.object, f"{len(rows)} told", now))
    return len(rows)


async def run_agreement_notices(store: Store, notifier: AgreementNotifier, wake: Callable[[], None]) -> None:
    """Tells of requests until cancelled; `wake` triggers the outbox."""
    since = datetime.now(UTC) - TOLD_WITHIN
    while True:
        try:
            while entry := await store.read(partial(next_request, since=since)):
                now = datetime.now(UTC)
                if await store.write(partial(tell_colleagues, notifier=notifier, entry=entry, now=now)):
                    wake()
                since = entry.at
        except StorageError as error:
            log.error("agreement_notice_failed", **error_place(error))
        await asyncio.sleep(EVERY_SECONDS)


def _colleagues(connection: Connection, entry: StoredAuditEntry, now: datetime) -> Iterator[KnownAddress]:
    found = find_consultation(connection, _slug(entry))
    if found is None:
        return
    action = _REQUESTS[entry.act].action
    for member in all_staff(connection):
        if member.revoked_at or member.name == entry.actor:
            continue
        chat = staff_chat_of(connection, member.id)
        if chat is None or chat.lookup is None or not may_in(connection, member, action, found.id, now):
            continue
        to = find_addresses(connection, [chat.lookup]).get(chat.lookup)
        if to is not None and to.unreachable_at is None:
            yield to


def _notice(
    notifier: AgreementNotifier, entry: StoredAuditEntry, to: KnownAddress, connection: Connection, now: datetime
) -> NewOutboxMessage:
    locale, slug = Locale.of(to.reads() or ""), _slug(entry)
    request = _REQUESTS[entry.act]
    address = f"{notifier.public_url}/console/consultations/{slug}/{request.page}"
    title = _title(connection, slug, locale.tag)
    text = locale.text(request.phrase, name=entry.actor, title=title, address=address)
    number, order = notifier.ids.letter()
    return NewOutboxMessage(
        id=number,
        channel=to.channel,
        lookup=to.lookup,
        payload=payload_of(MsgOut(text, (), locale.tag)),
        purpose="notice",
        not_before=None,
        created_at=day_of(now),
        hidden_order=order,
    )


def _title(connection: Connection, slug: str, language: str) -> str:
    """Returns the title of what is live; the slug of a consultation that was never live."""
    live = find_live_revision(connection, slug)
    listing = listing_of(live.content) if live else None
    if listing is None:
        return slug
    tag = language if language in listing.title.languages() else listing.main_language
    return listing.title.in_language(tag, {})


def _slug(entry: StoredAuditEntry) -> str:
    return entry.object.partition("/")[0]
