"""When figures about a consultation may be seen by everybody: hidden until closing means hidden everywhere."""

from __future__ import annotations

from datetime import datetime

from flows.definition import Consultation
from storage.consultations import PublishedRevision


def is_over(revision: PublishedRevision, now: datetime) -> bool:
    """Whether nobody can take part any more."""
    return revision.state != "open" or (revision.closes_at is not None and now >= revision.closes_at)


def are_results_public(consultation: Consultation, revision: PublishedRevision, now: datetime) -> bool:
    """Whether everybody may see figures now."""
    return consultation.results == "live" or is_over(revision, now)
