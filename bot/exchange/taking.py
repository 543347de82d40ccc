"""What another program gave, taken into the store: all of it or nothing, and a second time nothing more."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final, NamedTuple

from sqlalchemy import Connection

from bot.consultations import publishing
from bot.consultations.publishing import Desk
from bot.errors import HouseError
from bot.exchange import ballots
from bot.exchange.bundle import Bundle, Statement, final, pseudonym
from bot.exchange.definition import STATEMENTS, definition
from bot.proposals.codes import new_code
from storage import consultations, moderation, proposals, ratings
from storage.moderation import NewDecision, NewModeration
from storage.proposals import NewProposal, NewStatus, Release
from storage.ratings import NewRatingEvent

AT_ONCE: Final = 10_000


class Wish(NamedTuple):
    """Where it goes: into the consultation of this name, which is made where there is none."""

    slug: str
    language: str = "de"
    is_open: bool = False


class Taken(NamedTuple):
    """What came in, and what was there already."""

    slug: str
    is_new: bool
    statements: int
    known_statements: int
    votes: int
    known_votes: int


def take(connection: Connection, bundle: Bundle, wish: Wish, desk: Desk) -> Taken:
    """Takes a bundle over, within the caller's transaction. Raises HouseError."""
    consultation_id, is_new = _consultation(connection, bundle, wish, desk)
    if bundle.budgeting:
        given, added = len(bundle.budgeting.ballots), ballots.add(connection, bundle, wish.slug, desk)
        return Taken(wish.slug, is_new, 0, 0, added, given - added)
    wanted = {it.source_id for it in bundle.statements}
    there = [it for it in proposals.of_source(connection, bundle.source) if it.source_id in wanted]
    if elsewhere := [it for it in there if it.consultation_id != consultation_id]:
        other = consultations.newest_of(connection, elsewhere[0].consultation_id)
        raise HouseError(
            f"{bundle.source} was taken over as {other.slug if other else '?'} already; give --as that name"
        )
    ids = {str(it.source_id): it.id for it in there}
    new = [it for it in bundle.statements if it.source_id not in ids]
    ids |= {it.source_id: desk.new_id() for it in new}
    _add_statements(connection, bundle, new, ids, _Context(consultation_id, wish.language, desk))
    added = _add_votes(connection, bundle, ids, consultation_id, desk)
    known = len(bundle.statements) - len(new)
    return Taken(wish.slug, is_new, len(new), known, added, len(bundle.votes) - added)


class _Context(NamedTuple):
    consultation_id: int
    language: str
    desk: Desk


def _consultation(connection: Connection, bundle: Bundle, wish: Wish, desk: Desk) -> tuple[int, bool]:
    """The consultation's id, and whether it was made now."""
    before = consultations.latest(connection, wish.slug)
    if before is not None:
        return before.consultation_id, False
    made = definition(wish.slug, bundle.title, wish.language, bundle.home, bundle.budgeting)
    published = publishing.record(connection, made, desk, wish.slug)
    if published.revision is None:
        raise HouseError("; ".join(str(fault) for fault in published.faults if not fault.warning))
    if not wish.is_open:
        consultations.set_state(connection, published.revision.consultation_id, "closed")
    return published.revision.consultation_id, True


def _add_statements(
    connection: Connection, bundle: Bundle, new: Sequence[Statement], ids: Mapping[str, int], context: _Context
) -> None:
    now = context.desk.now
    into = final(bundle.statements)
    proposals.insert(connection, [_proposal(bundle, it, ids[it.source_id], context) for it in new])
    shown = [it for it in new if it.state == "released" and it.source_id not in into]
    proposals.release(connection, [Release(ids[it.source_id], it.created_at) for it in shown])
    # What something is merged into comes first: the rows refer to each other.
    order = sorted(new, key=lambda it: it.source_id in into)
    moderation.insert(connection, [_moderation(it, ids, into, now) for it in order])
    decided = [it for it in new if it.state != "waiting"]
    moderation.add_decisions(connection, [_decision(it, ids, into, context) for it in decided])
    proposals.add_statuses(connection, list(_statuses(new, ids, context)))


def _proposal(bundle: Bundle, it: Statement, number: int, context: _Context) -> NewProposal:
    return NewProposal(
        id=number,
        consultation_id=context.consultation_id,
        pseudonym=pseudonym(bundle.source, it.author) if it.author else None,
        question_key=STATEMENTS,
        code=new_code(),
        title=it.title,
        text=it.text,
        language=context.language,
        district=it.district,
        topic=it.topic,
        source=bundle.source,
        source_id=it.source_id,
        created_at=it.created_at,
        place=it.place,
        latitude=it.latitude,
        longitude=it.longitude,
    )


def _moderation(it: Statement, ids: Mapping[str, int], into: Mapping[str, str], now: datetime) -> NewModeration:
    if target := into.get(it.source_id):
        return NewModeration(ids[it.source_id], "merged", [], ids[target], None, now)
    return NewModeration(ids[it.source_id], it.state, [], None, None, now)


def _decision(it: Statement, ids: Mapping[str, int], into: Mapping[str, str], context: _Context) -> NewDecision:
    kind: moderation.Kind = "merge" if it.source_id in into else "approve" if it.state == "released" else "hide"
    return NewDecision(context.desk.new_id(), ids[it.source_id], None, kind, "taken over", context.desk.now)


def _statuses(new: Sequence[Statement], ids: Mapping[str, int], context: _Context) -> Iterator[NewStatus]:
    for it in new:
        if it.status != "received" or it.answer:
            reason = {context.language: it.answer} if it.answer else {}
            number = context.desk.new_id()
            yield NewStatus(number, ids[it.source_id], it.status, reason, None, it.link, context.desk.now)


def _add_votes(connection: Connection, bundle: Bundle, ids: Mapping[str, int], consultation_id: int, desk: Desk) -> int:
    """Stores the votes that are not there yet, in the order in which they were cast; gives how many."""
    if not bundle.votes:
        return 0
    there = Counter(it[1:] for it in ratings.events_of(connection, consultation_id))
    people: dict[str, str] = {}
    new = []
    for it in bundle.votes:
        person = people.get(it.person) or people.setdefault(it.person, pseudonym(bundle.source, it.person))
        cells = (ids[it.statement], person, it.vote, it.important, it.at)
        if there[cells]:
            there[cells] -= 1
        else:
            new.append(cells)
    for start in range(0, len(new), AT_ONCE):
        ratings.rate(connection, [NewRatingEvent(desk.new_id(), *it) for it in new[start : start + AT_ONCE]])
    return len(new)
