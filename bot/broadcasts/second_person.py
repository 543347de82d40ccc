"""The agreement of a second member to a large push: asked for where the push is started (console, chat, command line),
given in the console, recorded in the audit log.

A request is a counted draft with an audit entry, whose object has a digest of the draft, its audience, time and rate,
and the text. A change of one of them needs a new request.
"""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection

from bot.broadcasts.messages import broadcast_message
from bot.broadcasts.sending import BroadcastProcessor
from bot.common import audit
from bot.common.audit import Actor
from bot.settings import Settings
from storage.tables.audit import StoredAuditEntry
from storage.tables.broadcasts import StoredBroadcast

REQUEST_HOLDS: Final = timedelta(days=3)
"""So long a request waits for the agreement."""
COUNT_HOLDS: Final = timedelta(hours=1)
"""So long the count of a draft decides whether a second member is needed; later it is counted again."""


def needs_second(settings: Settings, number: int) -> bool:
    """Whether a push to this number of people starts only after a second member agreed."""
    return 0 < settings.push.second_above < number


def where_to_agree(settings: Settings, slug: str) -> dict[str, object]:
    """Returns the values of the phrase `push.asked`: the number, and the page on which the other member agrees."""
    address = f"{settings.web.public_url}/console/consultations/{slug}/push"
    return {"number": settings.push.second_above, "address": address}


def audience_now(processor: BroadcastProcessor, connection: Connection, push: StoredBroadcast, now: datetime) -> int:
    """Returns the counted number of people, counted again if that was long ago."""
    if push.counted is None or now - push.created_at > COUNT_HOLDS:
        return processor.count(connection, push, now).total
    return push.counted


def ask(
    processor: BroadcastProcessor, connection: Connection, draft: StoredBroadcast, now: datetime, by: Actor
) -> None:
    """Records the request for the agreement of another member to a stored, counted draft; once for each draft."""
    if request_for(processor, connection, draft, now):
        return
    purpose = f"{draft.segment}, {draft.counted or 0} people"
    audit.record_entry(connection, processor.keys, by.did("push.ask", _about(processor, draft), purpose, now))


def request_for(
    processor: BroadcastProcessor, connection: Connection, push: StoredBroadcast, now: datetime
) -> StoredAuditEntry | None:
    """Returns the request for exactly this draft; None without one, or if it is too old or its text has changed."""
    if push.state != "draft" or now - push.created_at > REQUEST_HOLDS:
        return None
    return audit.last_entries(connection, "push.ask", _about(processor, push))


def may_start(
    processor: BroadcastProcessor, connection: Connection, push: StoredBroadcast, now: datetime, by: Actor
) -> bool:
    """Whether this actor may start a draft; records the agreement to one that needs it.

    An agreement is given on the page only, which shows number and text, and never by the member who asked.
    """
    settings = processor.settings
    if not settings.push.second_above or not needs_second(settings, audience_now(processor, connection, push, now)):
        return True
    asked = request_for(processor, connection, push, now) if by.door == "page" else None
    if asked is None or asked.actor == by.name:
        return False
    audit.record_entry(connection, processor.keys, by.did("push.agree", asked.object, asked.purpose, now))
    return True


def _about(processor: BroadcastProcessor, push: StoredBroadcast) -> str:
    ends = push.expires_at.isoformat() if push.expires_at else ""
    period = (push.starts_at.isoformat(), ends)
    content = repr((push.id, push.segment, push.is_reminder, push.per_hour, period, push.counted))
    content += "".join(_texts(processor, push))
    return f"{push.slug}/{hashlib.sha256(content.encode()).hexdigest()[:32]}"


def _texts(processor: BroadcastProcessor, push: StoredBroadcast) -> list[str]:
    """Returns the message in each language, for people who asked for all news."""
    published = processor.catalogue.newest(push.slug)
    if published is None:
        return []
    return [
        repr(broadcast_message(published, it, ("all", ""), processor.catalogue, is_reminder=push.is_reminder))
        for it in published.flow.languages
    ]
