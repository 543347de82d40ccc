"""Computes retention periods of answers: the promised end and the retention days of their revision."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import Connection

from bot.consultations import stored_revisions
from storage.tables.revisions import PublishedRevision, revisions_once_live
from storage.tables.stages import StagePeriod, stage_history


class ExpiredAnswers(NamedTuple):
    """Expired answers: those of sessions of a revision that began in one live period."""

    revision_id: int
    period: int


def retention_days(revision: PublishedRevision) -> int:
    """Returns the days answers are kept after the end; 0 if the revision cannot be read."""
    consultation = stored_revisions.read_revision(revision)
    return consultation.retention.days if consultation else 0


def is_retention_over(live: PublishedRevision, now: datetime) -> bool:
    """Whether all answers are expired. Without an end nothing expires."""
    return bool(live.closes_at and (kept := retention_days(live)) and live.closes_at + timedelta(days=kept) < now)


def find_expired_answers(connection: Connection, live: PublishedRevision, now: datetime) -> list[ExpiredAnswers]:
    """Returns answers that expire earlier than others of the consultation, because its end was moved or an earlier
    revision promised fewer days.
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
    """Yields the end promised in each period, at most the current one."""
    for period in periods:
        promised = [end for end in (period.ends_at, live.closes_at) if end]
        yield period.period, min(promised, default=None)
