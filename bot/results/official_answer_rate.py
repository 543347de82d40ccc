"""Official answers to contributions: the public rate, and the contributions without an answer."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median
from typing import Final, NamedTuple

from sqlalchemy import Connection

from storage.tables.moderation import ProposalProgress, proposal_progress
from storage.tables.proposals import ProposalStatus

FINAL_STATUSES: Final[frozenset[ProposalStatus]] = frozenset({"next_phase", "accepted", "rejected", "done"})
"""Statuses that count as an official answer; "under consideration" does not."""
DAY_SECONDS: Final = 86_400


class OfficialAnswerRate(NamedTuple):
    """Public figures; figures about too few people are None."""

    contributions: int | None
    answered: int | None
    median_days: float | None
    """The median of days from submission to the first answer."""

    @property
    def share(self) -> float | None:
        """Returns the answered share, 0 to 1."""
        if not self.contributions or self.answered is None:
            return None
        return self.answered / self.contributions


class UnansweredContribution(NamedTuple):
    """A contribution without a final status."""

    code: str
    status: ProposalStatus
    is_unread: bool


def official_answer_rate(connection: Connection, consultation_id: int, min_cell_size: int) -> OfficialAnswerRate:
    """Counts the contributions, those with an official answer, and the days until the answer."""
    return official_answer_rate_of(proposal_progress(connection, consultation_id), min_cell_size)


def official_answer_rate_of(rows: Sequence[ProposalProgress], min_cell_size: int) -> OfficialAnswerRate:
    """Computes the rate from rows. A split contribution counts by its parts; hiding, even with a reason, is no answer.

    >>> official_answer_rate_of([], min_cell_size=5)
    OfficialAnswerRate(contributions=0, answered=0, median_days=None)
    """
    counted = [row for row in rows if row.state != "split"]
    if 0 < len(counted) < min_cell_size:
        return OfficialAnswerRate(None, None, None)
    waits = [(row.answered_at - row.created_at).total_seconds() for row in counted if row.answered_at]
    days = round(max(0.0, median(waits)) / DAY_SECONDS, 1) if waits and len(waits) >= min_cell_size else None
    return OfficialAnswerRate(len(counted), len(waits), days)


def unanswered_contributions(connection: Connection, consultation_id: int) -> list[UnansweredContribution]:
    """Returns the contributions not yet reviewed and those without a final status, oldest first."""
    return [
        UnansweredContribution(row.code, row.status, row.state == "waiting")
        for row in proposal_progress(connection, consultation_id)
        if row.state not in {"hidden", "split"} and row.status not in FINAL_STATUSES
    ]
