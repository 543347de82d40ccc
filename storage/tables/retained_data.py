"""Proposals without an author that are kept after the retention period. Figures: ``storage.tables.editions``."""

from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, delete, select, true, update

from storage.core.base import table_of
from storage.tables.moderation import ModerationRow
from storage.tables.proposals import ProposalRow
from storage.tables.ratings import RatingEventRow, RatingRow
from storage.tables.rooms import RoomRow

_proposals = table_of(ProposalRow)
_moderations = table_of(ModerationRow)
_ratings = table_of(RatingRow)
_events = table_of(RatingEventRow)
_rooms = table_of(RoomRow)


def has_votes(connection: Connection, consultation_id: int) -> bool:
    """Whether there is a vote on any proposal of this consultation."""
    own = select(_proposals.c.id).where(_proposals.c.consultation_id == consultation_id)
    return connection.execute(select(_events.c.id).where(_events.c.proposal_id.in_(own)).limit(1)).first() is not None


def anonymise_consultation(
    connection: Connection, consultation_id: int, people: Select[tuple[str]] | None = None
) -> int:
    """Deletes ratings per person, unpublished texts (hidden, withdrawn, or originals of edited ones), and the link from
    proposals to people; returns how many ratings and proposals were affected. ``people``: only for these.
    """
    own = select(_proposals.c.id).where(_proposals.c.consultation_id == consultation_id)

    def theirs(column: ColumnElement[Any]) -> ColumnElement[bool]:
        return true() if people is None else column.in_(people)

    is_own = (_proposals.c.consultation_id == consultation_id) & theirs(_proposals.c.pseudonym)
    gone = 0
    for table in (_ratings, _events):
        rated = delete(table).where(table.c.proposal_id.in_(own), theirs(table.c.pseudonym))
        gone += connection.execute(rated).rowcount
    hidden = select(_moderations.c.proposal_id).where(_moderations.c.state == "hidden")
    is_unseen = _proposals.c.withdrawn_at.is_not(None) | _proposals.c.id.in_(hidden)
    gone += connection.execute(delete(_proposals).where(is_own, is_unseen)).rowcount
    sealed = _moderations.c.proposal_id.in_(select(_proposals.c.id).where(is_own)) & _moderations.c.original.is_not(
        None
    )
    connection.execute(update(_moderations).where(sealed).values(original=None))
    linked = is_own & _proposals.c.pseudonym.is_not(None)
    gone += connection.execute(update(_proposals).where(linked).values(pseudonym=None)).rowcount
    return gone


def erase_proposals_of_consultation(connection: Connection, consultation_id: int) -> None:
    """Deletes all proposals of a consultation, with votes on them and all other data about them."""
    own = select(_proposals.c.id).where(_proposals.c.consultation_id == consultation_id)
    for table in (_ratings, _events):
        connection.execute(delete(table).where(table.c.proposal_id.in_(own)))
    connection.execute(delete(_proposals).where(_proposals.c.consultation_id == consultation_id))


def erase_rooms_of_consultation(connection: Connection, consultation_id: int) -> None:
    """Deletes the rooms of a consultation."""
    connection.execute(delete(_rooms).where(_rooms.c.consultation_id == consultation_id))
