"""How long answers are kept: the end that was promised to those who gave them, and the days of their revision."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import Connection

from bot.consultations import stored_revisions
from storage.tables.consultations import PublishedRevision, revisions_once_live
from storage.tables.stages import StagePeriod, stage_history


class ExpiredAnswers(NamedTuple):
    """Answers whose time is over: of sessions of a revision that began in a period of what was live."""

    revision_id: int
    period: int


def retention_days(revision: PublishedRevision) -> int:
    """For how many days after the end answers are kept; 0 where nobody can tell."""
    consultation = stored_revisions.read_revision(revision)
    return consultation.retention.days if consultation else 0


def is_retention_over(live: PublishedRevision, now: datetime) -> bool:
    """Whether all answers have had their time. Without an end nothing is deleted."""
    return bool(live.closes_at and (kept := retention_days(live)) and live.closes_at + timedelta(days=kept) < now)


def find_expired_answers(connection: Connection, live: PublishedRevision, now: datetime) -> list[ExpiredAnswers]:
    """Answers that have had their time while others of the consultation have not, because its end was moved, or because
    an earlier revision promised fewer days.
    """
    kept = retention_days(live)
    ends = list(_ends(stage_history(connection, live.consultation_id), live))
    found: list[ExpiredAnswers] = []
    for revision in revisions_once_live(connection, live.consultation_id):
        promised = retention_days(revision)
        own = min(promised, kept) if promised and kept else promised or kept
        found += [
            ExpiredAnswers(revision.id, period)
            for period, end in ends
            if own and end and end + timedelta(days=own) < now
        ]
    return found


def _ends(periods: list[StagePeriod], live: PublishedRevision) -> Iterator[tuple[int, datetime | None]]:
    """In which period which end was promised; never a later one than that which holds now."""
    for period in periods:
        promised = [end for end in (period.ends_at, live.closes_at) if end]
        yield period.period, min(promised, default=None)
