"""Ids, slugs and titles of all consultations, for forms in which an owner chooses among them."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple, get_args

from sqlalchemy import Connection

from bot.consultations.live_revisions import listing_of
from storage.tables.consultations import ConsultationState, ConsultationStateNow
from storage.tables.revisions import PublishedRevision, list_live_revisions, list_unpublished_revisions


class ConsultationTitle(NamedTuple):
    """One consultation of a form."""

    consultation_id: int
    slug: str
    title: str
    state: ConsultationStateNow


def consultation_titles(connection: Connection, language: str, now: datetime) -> list[ConsultationTitle]:
    """Returns all consultations by title, drafts included, without trials of test revisions."""
    live = list_live_revisions(connection, get_args(ConsultationState))
    revisions = {it.consultation_id: it for it in (*list_unpublished_revisions(connection), *live) if not it.is_trial}
    found = [_titled(it, language, now) for it in revisions.values()]
    return sorted(found, key=lambda it: (it.title.casefold(), it.slug))


def _titled(revision: PublishedRevision, language: str, now: datetime) -> ConsultationTitle:
    listing, title = listing_of(revision.content), revision.slug
    if listing:
        tag = language if language in listing.title.languages() else listing.main_language
        title = listing.title.in_language(tag, {})
    return ConsultationTitle(revision.consultation_id, revision.slug, title, revision.state_at(now))
