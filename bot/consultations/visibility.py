"""When the figures of a consultation may be seen by everybody. Hidden means hidden everywhere: pages, exports, API."""

from __future__ import annotations

from datetime import datetime

from flows.definition import Consultation
from flows.listing import Listing
from storage.tables.consultations import PublishedRevision, RevisionHead


def takes_no_answers(revision: PublishedRevision | RevisionHead, now: datetime) -> bool:
    """Whether no more answers are taken."""
    return revision.state_at(now) in {"closed", "archived"}


def figures_are_public(
    consultation: Consultation | Listing, revision: PublishedRevision | RevisionHead, now: datetime
) -> bool:
    """Whether everybody may see counts at this moment: always where they are `live`, else once it is closed.

    Figures that are shown while people still decide lead some of them (decidim/decidim#12348 leaked them by an export).
    """
    return consultation.results == "live" or takes_no_answers(revision, now)
