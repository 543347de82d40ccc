"""Decides when figures of a consultation are public; the same rule holds for pages, exports and the API."""

from __future__ import annotations

from datetime import datetime

from flows.definition import Consultation
from flows.listing import Listing
from storage.tables.revisions import PublishedRevision, RevisionHead


def takes_no_answers(revision: PublishedRevision | RevisionHead, now: datetime) -> bool:
    """Whether a consultation takes no more answers."""
    return revision.state_at(now) in {"closed", "archived"}


def figures_are_public(
    consultation: Consultation | Listing, revision: PublishedRevision | RevisionHead, now: datetime
) -> bool:
    """Whether counts are public now: always if results are `live`, else once the consultation is closed.

    Intermediate figures would influence later answers (decidim/decidim#12348 leaked them by an export).
    """
    return consultation.results == "live" or takes_no_answers(revision, now)
