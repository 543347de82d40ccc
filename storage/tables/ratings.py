"""Ratings of proposals: every vote as an event, and the current vote of each person."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from operator import attrgetter
from typing import Literal, NamedTuple

from sqlalchemy import (
    CheckConstraint,
    ColumnElement,
    Connection,
    ForeignKey,
    Index,
    Integer,
    SmallInteger,
    func,
    literal_column,
    select,
)
from sqlalchemy.orm import Mapped, mapped_column

from storage.core import bulk
from storage.core.base import Base, exactly, table_of
from storage.tables.proposals import ProposalRow

Vote = Literal[-1, 0, 1]
"""Disagree, pass, agree."""

ROWS_AT_ONCE = 10_000


class RatingRow(Base):
    """The current vote of one person on one proposal."""

    __tablename__ = "ratings"
    __table_args__ = (
        CheckConstraint("vote IN (-1, 0, 1)", name="vote"),
        exactly("pseudonym", 32),
        Index(None, "pseudonym"),
        {"sqlite_with_rowid": False},
    )

    proposal_id: Mapped[int] = mapped_column(ForeignKey("proposals.id", ondelete="CASCADE"), primary_key=True)
    pseudonym: Mapped[str] = mapped_column(primary_key=True)
    vote: Mapped[int] = mapped_column(SmallInteger)
    important: Mapped[bool]
    rated_at: Mapped[datetime]  # the hour; of two votes within it the one stored later counts
    carried_from: Mapped[int | None]  # the original proposal, which was merged into this one


class RatingEventRow(Base):
    """One vote as it was given. Rows are added, never changed: results can be recomputed from them."""

    __tablename__ = "rating_events"
    __table_args__ = (
        CheckConstraint("vote IN (-1, 0, 1)", name="vote"),
        exactly("pseudonym", 32),
        Index(None, "proposal_id", "id"),
        Index(None, "pseudonym"),
    )

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    proposal_id: Mapped[int] = mapped_column(ForeignKey("proposals.id", ondelete="CASCADE"))
    pseudonym: Mapped[str]
    vote: Mapped[int] = mapped_column(SmallInteger)
    important: Mapped[bool]
    at: Mapped[datetime]  # the hour; within it ids give the order of storing
    question_key: Mapped[str | None]  # in which question it was given; NULL: not in a consultation of ours, or long ago
    carried_from: Mapped[int | None]  # as in `ratings`


class NewRating(NamedTuple):
    proposal_id: int
    pseudonym: str
    vote: Vote
    important: bool
    rated_at: datetime
    carried_from: int | None = None


class NewRatingEvent(NamedTuple):
    id: int
    proposal_id: int
    pseudonym: str
    vote: Vote
    important: bool
    at: datetime
    question_key: str | None = None
    carried_from: int | None = None


class CountedVote(NamedTuple):
    """A vote as counters need it."""

    id: int
    proposal_id: int
    vote: Vote


class RatingCount(NamedTuple):
    """The numbers of current votes on a proposal, one per person."""

    proposal_id: int
    agree: int
    disagree: int
    pass_: int
    important: int


class _Event(NamedTuple):
    id: int


class _Person(NamedTuple):
    pseudonym: str


class _Rated(NamedTuple):
    pseudonym: str
    proposal_id: int


def _how_many(condition: str) -> ColumnElement[int]:
    # Written out, because ``ByKeys`` supports no parameters besides its keys.
    return literal_column(f"CAST(sum(CASE WHEN {condition} THEN 1 ELSE 0 END) AS INTEGER)", Integer)


_ratings = table_of(RatingRow)
_events = table_of(RatingEventRow)
_proposals = table_of(ProposalRow)
_stored = select(*(_ratings.c[field] for field in NewRating._fields))
_of_people = bulk.ByKeys(NewRating, _stored, _ratings.c.pseudonym)

_set_last = bulk.upsert(_ratings, NewRating, key=("proposal_id", "pseudonym"), newest_by="rated_at")
_add_events = bulk.insert(_events, NewRatingEvent)
_erase_last = bulk.delete(_ratings, _Person)
_erase_events = bulk.delete(_events, _Person)
_erase_votes = bulk.delete(_events, _Rated)
_erase_copies = bulk.delete(_events, _Event)
_of_proposals = bulk.ByKeys(NewRating, _stored, _ratings.c.proposal_id)
_count = bulk.ByKeys(
    RatingCount,
    select(
        _ratings.c.proposal_id,
        _how_many("ratings.vote = 1"),
        _how_many("ratings.vote = -1"),
        _how_many("ratings.vote = 0"),
        _how_many("ratings.important"),
    ).group_by(_ratings.c.proposal_id),
    _ratings.c.proposal_id,
)
_take_back = bulk.delete(_ratings, _Rated)
_event_columns = [_events.c[field] for field in NewRatingEvent._fields]
_events_of = bulk.ByKeys(NewRatingEvent, select(*_event_columns), _events.c.pseudonym)
_events_on = bulk.ByKeys(NewRatingEvent, select(*_event_columns), _events.c.proposal_id)
_whose = bulk.ByKeys(_Rated, select(_events.c.pseudonym, _events.c.proposal_id), _events.c.id)

_as_given = (_events.c.at, _events.c.id)
"""The order of votes, by the hour and within it as they were stored. Ids alone are not enough: votes imported later may
have been given earlier.
"""


def store_votes(connection: Connection, rows: Sequence[NewRatingEvent]) -> None:
    """Stores votes: each as an event, and the one given last as the current vote, in any order of storing.

    Raises BadRow for a proposal that does not exist (any more).
    """
    _add_events(connection, rows)
    _set_last(connection, [NewRating(*row[1:6], row.carried_from) for row in sorted(rows, key=attrgetter("at", "id"))])


def take_back_ratings(connection: Connection, pairs: Iterable[tuple[str, int]]) -> int:
    """Deletes the current votes of these pairs (pseudonym, proposal id); the events stay. Returns how many ratings."""
    return _take_back(connection, [_Rated(*pair) for pair in pairs])


def erase_votes(connection: Connection, pairs: Iterable[tuple[str, int]]) -> int:
    """Deletes the current votes and all events of these pairs (pseudonym, proposal id); returns how many ratings."""
    rows = [_Rated(*pair) for pair in pairs]
    _erase_votes(connection, rows)
    return _take_back(connection, rows)


def carried_votes(votes: Sequence[NewRatingEvent], merged: Mapping[int, int]) -> list[NewRatingEvent]:
    """Returns which of these votes were only carried over from a proposal to the one it was merged into (`merged`: from
    →
    into).
    """
    return [it for it in votes if it.carried_from is not None and merged.get(it.carried_from) == it.proposal_id]


def erase_carried_votes(connection: Connection, rows: Sequence[NewRatingEvent]) -> None:
    """Deletes votes that were only copied; the last other vote of each person on the same proposal becomes current
    again."""
    gone = {row.id for row in rows}
    pairs = {(row.pseudonym, row.proposal_id) for row in rows}
    _erase_copies(connection, [_Event(number) for number in gone])
    _take_back(connection, [_Rated(*pair) for pair in pairs])
    left = votes_on(connection, sorted({row.proposal_id for row in rows}))
    last = {(it.pseudonym, it.proposal_id): it for it in left if it.id not in gone}
    _set_last(
        connection, [NewRating(*last[pair][1:6], last[pair].carried_from) for pair in sorted(pairs & last.keys())]
    )


def ratings_of_proposals(connection: Connection, ids: Sequence[int]) -> dict[int, dict[str, NewRating]]:
    """Returns all current ratings of these proposals, by proposal and pseudonym."""
    found: dict[int, dict[str, NewRating]] = {id_: {} for id_ in ids}
    for row in _of_proposals(connection, ids):
        found[row.proposal_id][row.pseudonym] = row
    return found


def count_ratings(connection: Connection, ids: Sequence[int]) -> dict[int, RatingCount]:
    """Counts the ratings of these proposals; those without ratings are left out."""
    return {row.proposal_id: row for row in _count(connection, ids)}


def ratings_of_people(connection: Connection, pseudonyms: Sequence[str]) -> list[NewRating]:
    """Returns all current ratings of these pseudonyms."""
    return list(_of_people(connection, pseudonyms))


def votes_by(connection: Connection, pseudonyms: Sequence[str]) -> list[NewRatingEvent]:
    """Returns every vote of these pseudonyms."""
    return list(_events_of(connection, pseudonyms))


def votes_on(connection: Connection, proposal_ids: Sequence[int]) -> list[NewRatingEvent]:
    """Returns every vote on these proposals, in the order they were given."""
    return sorted(_events_on(connection, proposal_ids), key=attrgetter("at", "id"))


def newest_vote_ids(connection: Connection, pseudonyms: Sequence[str]) -> dict[tuple[int, str], int]:
    """Returns the id of the vote stored last for each (proposal id, pseudonym) of these pseudonyms."""
    votes = sorted(_events_of(connection, pseudonyms), key=attrgetter("at", "id"))
    return {(row.proposal_id, row.pseudonym): row.id for row in votes}


def voters_of(connection: Connection, event_ids: Sequence[int]) -> set[tuple[str, int]]:
    """Returns (pseudonym, proposal id) of those of these votes that (still) exist."""
    return {(row.pseudonym, row.proposal_id) for row in _whose(connection, event_ids)}


def ratings_of_consultation(connection: Connection, consultation_id: int) -> Iterator[NewRating]:
    """Yields all current ratings of a consultation, by proposal and pseudonym, read as they are consumed."""
    query = (
        _stored.join_from(_ratings, _proposals)
        .where(_proposals.c.consultation_id == consultation_id)
        .order_by(_ratings.c.proposal_id, _ratings.c.pseudonym)
    )
    for row in connection.execute(query.execution_options(yield_per=ROWS_AT_ONCE)):
        yield NewRating._make(row)


def rating_events_of(connection: Connection, consultation_id: int) -> Iterator[NewRatingEvent]:
    """Yields all votes of a consultation in the order they were given, read as they are consumed."""
    query = (
        select(*(_events.c[field] for field in NewRatingEvent._fields))
        .join_from(_events, _proposals)
        .where(_proposals.c.consultation_id == consultation_id)
        .order_by(*_as_given)
    )
    for row in connection.execute(query.execution_options(yield_per=ROWS_AT_ONCE)):
        yield NewRatingEvent._make(row)


def vote_batches(connection: Connection, consultation_id: int) -> Iterator[Sequence[tuple[str, int, int, bool]]]:
    """Yields all votes of a consultation as (pseudonym, proposal id, vote, important), for counting; in the order they
    were given, in batches.

    Ids rise with time, so what was voted lies behind the first proposal. Reading on from there, past the votes of other
    consultations, is several times as fast as picking a million rows out of the table through the index of proposals;
    the sum keeps SQLite from doing that.
    """
    own = select(_proposals.c.id).where(_proposals.c.consultation_id == consultation_id)
    first = select(func.min(_proposals.c.id)).where(_proposals.c.consultation_id == consultation_id).scalar_subquery()
    columns = (_events.c.pseudonym, _events.c.proposal_id, _events.c.vote, _events.c.important)
    query = select(*columns).where(_events.c.id >= first, (_events.c.proposal_id + 0).in_(own)).order_by(*_as_given)
    result = connection.execute(query.execution_options(yield_per=ROWS_AT_ONCE))
    yield from result.partitions()


def newest_vote_id(connection: Connection) -> int:
    """Returns the id of the newest vote of all, 0 if there is none."""
    return connection.execute(select(func.max(_events.c.id))).scalar() or 0


def votes_after(connection: Connection, after_id: int) -> list[CountedVote]:
    """Returns all votes with greater ids, in all consultations, in order."""
    query = select(*(_events.c[field] for field in CountedVote._fields)).where(_events.c.id > after_id)
    return [CountedVote._make(row) for row in connection.execute(query.order_by(_events.c.id))]


def erase_ratings(connection: Connection, pseudonyms: Iterable[str]) -> int:
    """Deletes the ratings and votes of these pseudonyms; returns how many ratings."""
    people = [_Person(pseudonym) for pseudonym in pseudonyms]
    _erase_events(connection, people)
    return _erase_last(connection, people)
