"""Removes votes and proposals that came with answers dropped from a session's path.

A proposal that no staff member has read is withdrawn. One that was read, rated or decided stays, because others refer
to it; its author gets a message with a button to withdraw it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection

from bot.common.erasure_log import ErasedRecord
from bot.consultations.batch_context import BatchContext
from bot.consultations.participant import Participation, Person
from bot.privacy.contributions import contribution_button
from bot.proposals import block_votes, lineage
from flows.messages import MsgOut
from flows.values import Value
from storage.tables import moderation
from storage.tables.moderation import moderations_by_id
from storage.tables.proposals import StoredProposal, Withdrawal, proposals_of_people, withdraw_proposals
from storage.tables.ratings import count_ratings


class DroppedAnswer(NamedTuple):
    """An answer dropped from the path, which may carry votes or a proposal."""

    participation: Participation
    key: str
    value: Value | None
    person: Person
    """The contact to inform."""


class ClearedProposals(NamedTuple):
    """Codes of withdrawn proposals, and the proposals that stay."""

    withdrawn: tuple[str, ...]
    staying: tuple[tuple[DroppedAnswer, str], ...]


def clear_dropped(batch: BatchContext, dropped: list[DroppedAnswer]) -> None:
    """Removes votes and proposals of dropped answers and informs authors of proposals that stay."""
    batch.outcome.has_dropped = True
    cleared = _clear(batch.connection, dropped, batch.hour)
    batch.outcome.erased_records += [ErasedRecord("withdrawn", code) for code in cleared.withdrawn]
    for one, code in cleared.staying:
        batch.say(one.person, _stays(one, code))


def _clear(connection: Connection, dropped: Sequence[DroppedAnswer], now: datetime) -> ClearedProposals:
    """Deletes the votes and withdraws the unread proposals of these answers."""
    blocks = [
        block_votes.block_of(
            one.participation.published.flow,
            one.participation.pseudonym,
            frozenset([one.key]),
            one.participation.session.answers,
        )
        for one in dropped
    ]
    block_votes.delete_block_votes(connection, blocks)
    own = _own(connection, dropped)
    read = _read(connection, [row for _, row in own])
    unread = {row.id: row.code for _, row in own if row.id not in read}
    copies = lineage.copies_of_codes(connection, unread.values())
    withdraw_proposals(connection, [Withdrawal(id_, now) for id_ in (*unread, *(row.id for row in copies))])
    return ClearedProposals(tuple(unread.values()), tuple((one, row.code) for one, row in own if row.id in read))


def _own(connection: Connection, dropped: Sequence[DroppedAnswer]) -> list[tuple[DroppedAnswer, StoredProposal]]:
    """Returns the proposals made by these answers and not withdrawn."""
    by_question: dict[tuple[str | None, str | None], list[StoredProposal]] = {}
    for row in proposals_of_people(connection, sorted({one.participation.pseudonym for one in dropped})):
        if row.withdrawn_at is None:
            by_question.setdefault((row.pseudonym, row.question_key), []).append(row)
    return [
        (one, row)
        for one in dropped
        for row in by_question.get((one.participation.pseudonym, one.key), ())
        if one.value is None or row.code == one.value
    ]


def _read(connection: Connection, rows: Sequence[StoredProposal]) -> set[int]:
    """Returns the ids of proposals that staff have seen or residents have rated."""
    ids = [row.id for row in rows]
    states, rated = moderations_by_id(connection, ids), count_ratings(connection, ids)
    decided = {it.moderation_id for it in moderation.decisions_of(connection, ids) if it.staff_id is not None}
    return {
        row.id
        for row in rows
        if row.released_at is not None
        or row.status != "received"
        or states[row.id].state != "waiting"
        or row.id in rated
        or row.id in decided
    }


def _stays(dropped: DroppedAnswer, code: str) -> MsgOut:
    participation = dropped.participation
    renderer = participation.published.flow.localized[participation.session.language].renderer
    return renderer.message(
        renderer.text("dropped.proposal_stays", code=code), [contribution_button(renderer, "withdraw", code)]
    )
