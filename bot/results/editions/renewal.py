"""Finds the consultations that are due for a new edition of their figures, and makes it.

An edition is made only where the figures are public (`bot.consultations.visibility`) and have changed since the last.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple, get_args

from sqlalchemy import Connection

from bot.consultations import stored_revisions
from bot.consultations.live_revisions import LiveRevisions, listing_of
from bot.consultations.visibility import figures_are_public, takes_no_answers
from bot.results import successive_editions
from bot.results.edition import (
    ResultsEdition,
    edition_position,
    is_after_closing,
    load_newest_edition,
    make_edition,
    store_edition,
)
from storage.core.errors import Duplicate
from storage.core.store import Store
from storage.tables.consultations import ConsultationState
from storage.tables.editions import EditionHead, newest_edition_heads

REST_FACTOR: Final = 10
"""The pause before the next edition, as a multiple of the time the last one took."""
MIN_REST: Final = timedelta(seconds=30)


class DueEdition(NamedTuple):
    """A consultation that is due for a new edition."""

    consultation_id: int
    slug: str
    is_urgent: bool
    """There is no edition yet, or the consultation was closed since: visitors wait for this one."""


def due_editions(connection: Connection, now: datetime, known: LiveRevisions | None = None) -> Iterator[DueEdition]:
    """Yields the consultations whose figures changed since their newest edition, after the pause. Checks every public
    consultation; `known` avoids reading them again.
    """
    heads = newest_edition_heads(connection)
    for it in (known or LiveRevisions()).look(connection, get_args(ConsultationState)):
        live, head = it.head, heads.get(it.head.consultation_id)
        if live.is_trial or not figures_are_public(it.listing, live, now):
            continue
        if head is None or (takes_no_answers(live, now) and not is_after_closing(head)):
            yield DueEdition(live.consultation_id, live.slug, is_urgent=True)
        elif now >= earliest_renewal(head) and head.position != edition_position(connection, live, now):
            yield DueEdition(live.consultation_id, live.slug, is_urgent=False)


def earliest_renewal(head: EditionHead) -> datetime:
    """The earliest time of the next edition."""
    return head.made_at + max(MIN_REST, timedelta(seconds=REST_FACTOR * head.seconds))


def renew_edition(store: Store, slug: str, now: datetime | None = None) -> ResultsEdition | None:
    """Makes and stores the next edition if anything changed. Returns it, or None where the newest one stays.

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
        previous = load_newest_edition(connection, live)
        if previous and previous.position == edition_position(connection, live, now):
            return None
        made = make_edition(connection, slug, now, previous=previous)
    if previous:
        published = successive_editions.settle_edition(previous, made, is_closed=takes_no_answers(live, now))
        if published is None:
            return None
        made = published
    try:
        store.run(lambda connection: store_edition(connection, made))
    except Duplicate:
        return None
    return made
