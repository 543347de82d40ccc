"""Proposals and answers that wait for moderation: their numbers, and the words to compare them by."""

from __future__ import annotations

from collections import Counter
from typing import Any

from sqlalchemy import Connection, Select, func, select

from storage.core.base import table_of
from storage.core.hints import WithoutIndex
from storage.tables.moderation import ModerationRow, ModerationState
from storage.tables.proposals import ProposalRow

_moderations = table_of(ModerationRow)
_proposals = table_of(ProposalRow)
_orphaned = (_moderations.c.state == "merged") & _moderations.c.merged_into.is_(None)


def comparable_proposals(
    connection: Connection, consultation_id: int, state: ModerationState, limit: int
) -> dict[int, str]:
    """Returns the words of the newest proposals in this state by id, newest first, without withdrawn ones."""
    query = (
        select(_proposals.c.id, func.coalesce(_proposals.c.title + "\n", "") + _proposals.c.text)
        .join_from(_moderations, _proposals, _proposals.c.id == _moderations.c.proposal_id)
        .where(_moderations.c.state == state, _proposals.c.withdrawn_at.is_(None))
        # Not by the index of the consultation: the order of (state, proposal_id) ends the search at the limit.
        .where(WithoutIndex(_proposals.c.consultation_id) == consultation_id)
        .order_by(_moderations.c.proposal_id.desc())
        .limit(limit)
    )
    # Thousands are read each time a queue is opened: all at once, without an object for each.
    return dict(connection.execute(query).all())


def count_waiting(connection: Connection) -> dict[int, int]:
    """Returns the numbers of proposals and answers that wait, by consultation, without withdrawn proposals. Costs what
    it counts: few of many texts wait.
    """
    number = func.count()
    of_proposals = (
        select(_proposals.c.consultation_id, number)
        .join_from(_moderations, _proposals, _proposals.c.id == _moderations.c.proposal_id)
        .where(_proposals.c.withdrawn_at.is_(None))
        .group_by(_proposals.c.consultation_id)
    )
    of_answers = select(_moderations.c.consultation_id, number).group_by(_moderations.c.consultation_id)
    is_answer = _moderations.c.consultation_id.is_not(None)
    parts = (
        of_proposals.where(_moderations.c.state == "waiting"),
        of_proposals.where(_orphaned),
        of_answers.where(is_answer, _moderations.c.state == "waiting"),
    )
    found: Counter[int] = Counter()
    for part in parts:
        found.update({row[0]: row[1] for row in connection.execute(part)})
    return found


def moderation_queue(
    connection: Connection,
    consultation_id: int,
    state: ModerationState = "waiting",
    *,
    after_id: int = 0,
    limit: int = 50,
    newest: bool = False,
    only_proposals: bool = False,
) -> list[int]:
    """Returns ids of proposals and answers in this state, oldest (or newest) first, without withdrawn ones; with an id,
    only those after it.

    A proposal whose merge target was deleted is in the queue again.
    """
    order, ids = _moderations.c.id, select(_moderations.c.id).limit(limit)
    states = [_moderations.c.state == state, *([_orphaned] if state == "waiting" else [])]
    parts = [_queued_proposals(ids, consultation_id, after_id, newest).where(is_there) for is_there in states]
    if not only_proposals:
        answers = ids.where(_moderations.c.consultation_id == consultation_id, _moderations.c.state == state)
        parts.append(answers.where(order > after_id).order_by(order.desc() if newest else order))
    found = {id_ for part in parts for id_ in connection.scalars(part)}
    return sorted(found, reverse=newest)[:limit]


def _queued_proposals(query: Select[Any], consultation_id: int, after_id: int, newest: bool) -> Select[Any]:
    """Returns the moderations of a consultation's proposals, which have the ids of the proposals, in their order."""
    order = _moderations.c.proposal_id
    # Not by the index of the consultation: that of (state, proposal_id) reads what waits, not all that came before.
    return (
        query.join_from(_moderations, _proposals, _proposals.c.id == order)
        .where(WithoutIndex(_proposals.c.consultation_id) == consultation_id, _proposals.c.withdrawn_at.is_(None))
        .where(order > after_id)
        .order_by(order.desc() if newest else order)
    )
