"""Stores submitted proposals and votes: new and changed proposals wait for review, withdrawn ones disappear."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection

from bot.common.erasure_log import ErasedRecord
from bot.consultations.batch_context import BatchContext
from bot.consultations.event_handlers import handles
from bot.consultations.participant import Person
from bot.proposals import lineage
from flows.events import Proposed, Rated
from flows.flow import Flow
from flows.understanding.flags import flags_of
from flows.values import Value
from storage.tables import moderation
from storage.tables.moderation import (
    ModerationReset,
    NewModeration,
    erase_translations,
    insert_moderations,
    reset_moderations,
    restore_decision,
)
from storage.tables.proposals import (
    NewProposal,
    ProposalRelease,
    ProposalRewording,
    StoredProposal,
    Withdrawal,
    insert_proposals,
    proposals_by_code,
    release_proposals,
    reword_proposals,
    withdraw_proposals,
)
from storage.tables.ratings import NewRatingEvent, store_votes


class SubmittedIdea(NamedTuple):
    """A submitted or changed idea with its consultation, district and topic."""

    event: Proposed
    consultation_id: int
    pseudonym: str
    district: str | None
    topic: str | None
    at: datetime


class IdeaRows:
    """The ideas of a batch by pseudonym and question, of which the last one counts, and the withdrawn ones."""

    def __init__(self) -> None:
        self.submitted: dict[tuple[str, str], SubmittedIdea] = {}
        self._taken_back: set[tuple[str, str]] = set()

    def submit(self, one: SubmittedIdea) -> None:
        self.submitted[one.pseudonym, one.event.key] = one

    def take_back(self, pseudonym: str, key: str, code: str) -> None:
        """Withdraws the idea with this code, which no longer answers this question."""
        self.submitted.pop((pseudonym, key), None)
        self._taken_back.add((pseudonym, code))

    def write(self, batch: BatchContext) -> None:
        withdrawn = _take_back(batch.connection, self._taken_back, batch.hour)
        batch.outcome.erased_records += [ErasedRecord("withdrawn", code) for code in withdrawn]
        _receive(batch.connection, self.submitted.values(), batch.ids, batch.hour)


@handles(Proposed)
def record_proposal(batch: BatchContext, person: Person, event: Proposed, hour: datetime) -> None:
    place = person.require_participation()
    flow, given = place.published.flow, place.session.answers
    district, topic = (_code_of(flow, key, given) for key in flow.question(event.key).place_keys())
    one = SubmittedIdea(
        event,
        consultation_id=place.published.consultation_id,
        pseudonym=place.pseudonym,
        district=district,
        topic=topic,
        at=hour,
    )
    batch.section(IdeaRows).submit(one)


@handles(Rated)
def record_rating(batch: BatchContext, person: Person, event: Rated, hour: datetime) -> None:
    row = NewRatingEvent(
        id=batch.ids(),
        proposal_id=event.proposal,
        pseudonym=person.require_participation().pseudonym,
        vote=event.vote,
        important=event.important,
        at=hour,
        question_key=event.key or None,
    )
    batch.add(store_votes, row)


def _code_of(flow: Flow, key: str | None, given: Mapping[str, Value]) -> str | None:
    """Returns the answer to a choice question; free text is neither a district nor a topic."""
    value = given.get(key) if key else None
    possible = flow.question(key).values() if key in flow.questions else None
    return value if isinstance(value, str) and isinstance(possible, frozenset) and value in possible else None


def _receive(
    connection: Connection, submitted: Iterable[SubmittedIdea], new_id: Callable[[], int], now: datetime
) -> None:
    """Stores ideas. Each waits for review, also a released one that its author has changed."""
    by_code = {one.event.code: one for one in submitted}
    known = proposals_by_code(connection, list(by_code)) if by_code else {}
    new = [(new_id(), one) for code, one in by_code.items() if code not in known]
    insert_proposals(connection, [_row(id_, one) for id_, one in new])
    waiting = [
        NewModeration(id_, state="waiting", flags=_flags(one.event), merged_into=None, original=None, changed_at=now)
        for id_, one in new
    ]
    insert_moderations(connection, waiting)
    changed = [(known[code], by_code[code].event) for code in known]
    if changed:
        _change(connection, changed, new_id, now)


def _take_back(connection: Connection, gone: Iterable[tuple[str, str]], now: datetime) -> list[str]:
    """Withdraws proposals (pseudonym, code) and their copies in other waves, and returns the codes. Votes for proposals
    of others stay.
    """
    pairs = set(gone)
    known = proposals_by_code(connection, sorted({code for _, code in pairs})) if pairs else {}
    own = [row for row in known.values() if (row.pseudonym, row.code) in pairs]
    codes = [row.code for row in own]
    copies = lineage.copies_of_codes(connection, codes) if codes else []
    withdraw_proposals(connection, [Withdrawal(row.id, now) for row in (*own, *copies)])
    return codes


def _change(
    connection: Connection,
    changed: list[tuple[StoredProposal, Proposed]],
    new_id: Callable[[], int],
    now: datetime,
) -> None:
    ids = [row.id for row, _ in changed]
    reword_proposals(connection, [ProposalRewording(row.id, event.title or None, event.text) for row, event in changed])
    release_proposals(connection, [ProposalRelease(id_, None) for id_ in ids])
    again = [
        ModerationReset(row.id, state="waiting", flags=_flags(event), original=None, changed_at=now)
        for row, event in changed
    ]
    reset_moderations(connection, again)
    erase_translations(connection, ids)
    # an approval was about the earlier text
    moderation.add_decisions(connection, [restore_decision(new_id(), id_, now) for id_ in ids])


def _row(id_: int, one: SubmittedIdea) -> NewProposal:
    event = one.event
    return NewProposal(
        id=id_,
        consultation_id=one.consultation_id,
        pseudonym=one.pseudonym,
        question_key=event.key,
        code=event.code,
        title=event.title or None,
        text=event.text,
        language=event.language,
        district=one.district,
        topic=one.topic,
        source=None,
        source_id=None,
        created_at=one.at,
    )


def _flags(event: Proposed) -> list[str]:
    return flags_of("\n".join(filter(None, (event.title, event.text))), event.language)
