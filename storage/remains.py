"""What remains when the time of a consultation is over: ideas and figures, of nobody any more."""

from datetime import datetime

from sqlalchemy import Connection, ForeignKey, delete, select, update
from sqlalchemy.orm import Mapped, mapped_column

from storage.base import Base, table_of
from storage.moderation import Moderation
from storage.proposals import Proposal
from storage.ratings import Rating, RatingEvent


class KeptReport(Base):
    """The figures of a consultation as everybody may see them, worked out before the votes were deleted."""

    __tablename__ = "kept_reports"

    consultation_id: Mapped[int] = mapped_column(ForeignKey("consultations.id"), primary_key=True, autoincrement=False)
    report: Mapped[str]  # JSON, as the caller wrote it
    made_at: Mapped[datetime]


_reports = table_of(KeptReport)
_proposals = table_of(Proposal)
_moderations = table_of(Moderation)
_ratings = table_of(Rating)
_events = table_of(RatingEvent)


def keep(connection: Connection, consultation_id: int, report: str, made_at: datetime) -> None:
    """Keep the figures of a consultation. Raises Duplicate where there are some."""
    row = {"consultation_id": consultation_id, "report": report, "made_at": made_at}
    connection.execute(_reports.insert(), row)


def kept(connection: Connection, consultation_id: int) -> str | None:
    """The figures that were kept."""
    return connection.execute(select(_reports.c.report).where(_reports.c.consultation_id == consultation_id)).scalar()


def is_anything_rated(connection: Connection, consultation_id: int) -> bool:
    """Whether there is a vote on something of this consultation."""
    own = select(_proposals.c.id).where(_proposals.c.consultation_id == consultation_id)
    return connection.execute(select(_events.c.id).where(_events.c.proposal_id.in_(own)).limit(1)).first() is not None


def forget_people(connection: Connection, consultation_id: int) -> int:
    """Delete who rated what, what people wrote and nobody was to see (hidden, withdrawn, or before it was edited), and
    the link from ideas to people; gives how many ratings and ideas that concerned.
    """
    own = select(_proposals.c.id).where(_proposals.c.consultation_id == consultation_id)
    gone = connection.execute(delete(_ratings).where(_ratings.c.proposal_id.in_(own))).rowcount
    gone += connection.execute(delete(_events).where(_events.c.proposal_id.in_(own))).rowcount
    hidden = select(_moderations.c.proposal_id).where(_moderations.c.state == "hidden")
    is_unseen = _proposals.c.withdrawn_at.is_not(None) | _proposals.c.id.in_(hidden)
    is_own = _proposals.c.consultation_id == consultation_id
    gone += connection.execute(delete(_proposals).where(is_own, is_unseen)).rowcount
    linked = is_own & _proposals.c.pseudonym.is_not(None)
    gone += connection.execute(update(_proposals).where(linked).values(pseudonym=None)).rowcount
    sealed = _moderations.c.proposal_id.in_(own) & _moderations.c.original.is_not(None)
    connection.execute(update(_moderations).where(sealed).values(original=None))
    return gone
