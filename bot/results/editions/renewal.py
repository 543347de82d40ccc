"""Which consultations are due a new edition of their figures, and the next one of each.

An edition is made where everybody may see the figures (`bot.consultations.visibility`), and only if something changed
since the last.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple, get_args

from sqlalchemy import Connection

from bot.consultations import stored_revisions
from bot.consultations.live_revisions import LiveRevisions, listing_of
from bot.consultations.visibility import figures_are_public, takes_no_answers
from bot.results import edition as editing
from bot.results import settling
from bot.results.edition import Edition
from storage.core.errors import Duplicate
from storage.core.store import Store
from storage.tables.consultations import ConsultationState
from storage.tables.editions import EditionHead, newest_edition_heads

SELDOM: Final = 10
"""The next edition comes at least so many times as late as the last one took."""
SOONEST: Final = timedelta(seconds=30)


class Due(NamedTuple):
    """A consultation whose figures are to be made anew."""

    consultation_id: int
    slug: str
    is_urgent: bool
    """There is no edition yet, or it was closed since: people wait for this one."""


def due(connection: Connection, now: datetime, known: LiveRevisions | None = None) -> Iterator[Due]:
    """Whose figures changed since their newest edition, and long enough ago. Looks at every public consultation;
    `known` spares it to read them again.
    """
    heads = newest_edition_heads(connection)
    for it in (known or LiveRevisions()).look(connection, get_args(ConsultationState)):
        live, head = it.head, heads.get(it.head.consultation_id)
        if live.is_trial or not figures_are_public(it.listing, live, now):
            continue
        if head is None or (takes_no_answers(live, now) and not editing.is_after_closing(head)):
            yield Due(live.consultation_id, live.slug, is_urgent=True)
        elif now >= rested(head) and head.position != editing.position(connection, live, now):
            yield Due(live.consultation_id, live.slug, is_urgent=False)


def rested(head: EditionHead) -> datetime:
    """When the next edition may be made."""
    return head.made_at + max(SOONEST, timedelta(seconds=SELDOM * head.seconds))


def renew(store: Store, slug: str, now: datetime | None = None) -> Edition | None:
    """Makes and stores the next edition, if anything changed; gives it, None where the newest one stays.

    Reads one moment of the database, computes outside any transaction that writes, and stores in a short one. Where
    another process made the same number meanwhile that one stays. Raises CommandError and the classes of
    `storage.core.errors`.
    """
    now = now or datetime.now(UTC)
    with store.reading() as connection:
        live = stored_revisions.live_revision(connection, slug)
        listing = listing_of(live.content)
        if listing is None or not figures_are_public(listing, live, now):
            return None
        previous = editing.newest(connection, live)
        if previous and previous.position == editing.position(connection, live, now):
            return None
        made = editing.make(connection, slug, now, previous=previous)
    if previous:
        told = settling.settled(previous, made, is_closed=takes_no_answers(live, now))
        if told is None:
            return None
        made = told
    try:
        store.run(lambda connection: editing.add(connection, made))
    except Duplicate:
        return None
    return made
