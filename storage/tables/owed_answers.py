"""What the team owes: public proposals by their official answer, in pages."""

from typing import Literal

from sqlalchemy import Connection, func, select
from sqlalchemy.sql.elements import TextClause

from storage.core.base import table_of
from storage.tables.proposals import ANSWERED, OWED, ProposalRow

AnswerList = Literal["owed", "answered", "all"]

_proposals = table_of(ProposalRow)
_CONDITIONS: dict[AnswerList, TextClause | None] = {"owed": OWED, "answered": ANSWERED, "all": None}


def proposals_by_answer(
    connection: Connection, consultation_id: int, which: AnswerList, *, after_id: int = 0, limit: int
) -> list[int]:
    """Returns ids of public proposals above an id, in order: without a final official answer, with one, or all."""
    query = select(_proposals.c.id).where(_proposals.c.consultation_id == consultation_id, _proposals.c.id > after_id)
    condition = _CONDITIONS[which]
    if condition is None:
        query = query.where(_proposals.c.released_at.is_not(None), _proposals.c.withdrawn_at.is_(None))
    else:
        query = query.where(condition)
    return list(connection.scalars(query.order_by(_proposals.c.id).limit(limit)))


def count_by_answer(connection: Connection, consultation_id: int, which: Literal["owed", "answered"]) -> int:
    """Returns the number of these proposals, from the index alone."""
    query = select(func.count()).select_from(_proposals).where(_proposals.c.consultation_id == consultation_id)
    condition = _CONDITIONS[which]
    assert condition is not None  # noqa: S101 - for the type checker: true for both
    return connection.scalar(query.where(condition)) or 0
