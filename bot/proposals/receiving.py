"""Ideas as they come in: new ones into the queue, changed ones back into it, taken back ones out of sight."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection

from bot.proposals import chain
from bot.proposals.flags import flags_of
from flows.events import Proposed
from storage import moderation, proposals
from storage.moderation import NewDecision, NewModeration, Reread
from storage.proposals import NewProposal, Release, Rewording, StoredProposal, TakenBack, Withdrawal


class Submitted(NamedTuple):
    """An idea somebody submitted or changed, with where and what it is about."""

    event: Proposed
    consultation_id: int
    pseudonym: str
    district: str | None
    topic: str | None
    at: datetime


def receive(connection: Connection, submitted: Iterable[Submitted], new_id: Callable[[], int], now: datetime) -> None:
    """Stores ideas; each waits for a person to read it, also one that was public before its author changed it."""
    by_code = {one.event.code: one for one in submitted}
    known = proposals.by_codes(connection, list(by_code)) if by_code else {}
    new = [(new_id(), one) for code, one in by_code.items() if code not in known]
    proposals.insert(connection, [_row(id_, one) for id_, one in new])
    moderation.insert(
        connection, [NewModeration(id_, "waiting", _flags(one.event), None, None, now) for id_, one in new]
    )
    changed = [(known[code], by_code[code].event) for code in known]
    if changed:
        _change(connection, changed, new_id, now)


def take_back(connection: Connection, gone: Iterable[tuple[str, str]], now: datetime) -> list[str]:
    """Withdraws what people (pseudonym, question) had proposed, also where it was taken over into another wave; gives
    the codes."""
    pairs, codes = set(gone), []
    if pairs:
        own = proposals.of_people(connection, sorted({pseudonym for pseudonym, _ in pairs}))
        codes = [row.code for row in own if (row.pseudonym, row.question_key) in pairs]
        proposals.withdraw(connection, [Withdrawal(copy.id, now) for copy in chain.copies(connection, codes)])
        proposals.take_back(connection, [TakenBack(pseudonym, key, now) for pseudonym, key in pairs])
    return codes


def _change(
    connection: Connection,
    changed: list[tuple[StoredProposal, Proposed]],
    new_id: Callable[[], int],
    now: datetime,
) -> None:
    ids = [row.id for row, _ in changed]
    proposals.reword(connection, [Rewording(row.id, event.title or None, event.text) for row, event in changed])
    proposals.release(connection, [Release(id_, None) for id_ in ids])
    moderation.reread(connection, [Reread(row.id, "waiting", _flags(event), None, now) for row, event in changed])
    moderation.erase_texts(connection, ids)
    # An approval was one of what stood there before.
    moderation.add_decisions(connection, [NewDecision(new_id(), id_, None, "restore", None, now) for id_ in ids])


def _row(id_: int, one: Submitted) -> NewProposal:
    event = one.event
    return NewProposal(
        id_,
        one.consultation_id,
        one.pseudonym,
        event.key,
        event.code,
        event.title or None,
        event.text,
        event.language,
        one.district,
        one.topic,
        None,
        None,
        one.at,
    )


def _flags(event: Proposed) -> list[str]:
    return flags_of("\n".join(filter(None, (event.title, event.text))), event.language)
