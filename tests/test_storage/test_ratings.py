from datetime import timedelta

import pytest
from sqlalchemy import Connection

from storage.core.errors import BadRow
from storage.core.store import Store
from storage.tables.proposals import NewProposal, erase_proposals_of_people, insert_proposals
from storage.tables.ratings import (
    NewRating,
    NewRatingEvent,
    Vote,
    erase_ratings,
    rating_events_of,
    ratings_of_consultation,
    ratings_of_people,
    store_votes,
    take_back_ratings,
    vote_batches,
)
from tests.support.rows import LATER, NOW, new_id, proposal, pseudonym, published


def proposed(connection: Connection, number: int = 1) -> NewProposal:
    made = proposal(published(connection).consultation_id, number, f"P-{number}")
    insert_proposals(connection, [made])
    return made


def vote(of: NewProposal, number: int, given: Vote, *, important: bool = False) -> NewRatingEvent:
    return NewRatingEvent(new_id(), of.id, pseudonym(number), given, important, NOW)


def test_the_last_vote_stands_and_every_vote_is_kept(store: Store) -> None:
    with store.begin() as connection:
        bench = proposed(connection)
        store_votes(connection, [vote(bench, at, 1) for at in range(3)])
        store_votes(connection, [vote(bench, 2, -1, important=True)._replace(at=LATER)])
        standing = list(ratings_of_consultation(connection, bench.consultation_id))
        assert [(row.vote, row.important) for row in standing] == [(1, False), (1, False), (-1, True)]
        events = list(rating_events_of(connection, bench.consultation_id))
        assert [event.vote for event in events] == [1, 1, 1, -1]
        assert ratings_of_people(connection, [pseudonym(2)]) == [NewRating(bench.id, pseudonym(2), -1, True, LATER)]


def test_last_vote_is_by_time_given_not_by_time_stored(store: Store) -> None:
    """As when votes are taken over from another program afterwards."""
    with store.begin() as connection:
        bench = proposed(connection)
        last, first = vote(bench, 1, 1)._replace(at=LATER), vote(bench, 1, -1, important=True)
        store_votes(connection, [last])
        store_votes(connection, [first])
        assert ratings_of_people(connection, [pseudonym(1)]) == [NewRating(bench.id, pseudonym(1), 1, False, LATER)]
        assert list(rating_events_of(connection, bench.consultation_id)) == [first, last]
        assert list(vote_batches(connection, bench.consultation_id)) == [
            [(pseudonym(1), bench.id, -1, True), (pseudonym(1), bench.id, 1, False)]
        ]


def test_also_within_one_batch_and_where_the_same_was_said_again(store: Store) -> None:
    with store.begin() as connection:
        bench = proposed(connection)
        again, between = NOW + timedelta(hours=3), NOW + timedelta(hours=2)
        store_votes(connection, [vote(bench, 1, 1)._replace(at=again), vote(bench, 1, 1)])
        store_votes(connection, [vote(bench, 1, -1)._replace(at=between)])
        assert ratings_of_people(connection, [pseudonym(1)]) == [NewRating(bench.id, pseudonym(1), 1, False, again)]


def test_of_two_votes_of_one_moment_the_one_stored_last_counts(store: Store) -> None:
    with store.begin() as connection:
        bench = proposed(connection)
        one, other = vote(bench, 1, 1), vote(bench, 1, -1)
        store_votes(connection, [other, one])
        assert [row.vote for row in ratings_of_people(connection, [pseudonym(1)])] == [-1]
        assert list(rating_events_of(connection, bench.consultation_id)) == [one, other]


def test_a_vote_is_one_of_three(store: Store) -> None:
    with store.begin() as connection:
        bench = proposed(connection)
    with pytest.raises(BadRow), store.begin() as connection:
        store_votes(connection, [vote(bench, 1, 2)])  # type: ignore[arg-type]


def test_what_is_taken_back_does_not_count_any_more(store: Store) -> None:
    with store.begin() as connection:
        bench = proposed(connection)
        store_votes(connection, [vote(bench, 1, 1), vote(bench, 2, 1)])
        assert take_back_ratings(connection, [(pseudonym(1), bench.id)]) == 1
        assert [row.pseudonym for row in ratings_of_consultation(connection, bench.consultation_id)] == [pseudonym(2)]


def test_erasing_takes_ratings_and_votes(store: Store) -> None:
    with store.begin() as connection:
        bench = proposed(connection)
        store_votes(connection, [vote(bench, 1, 1), vote(bench, 2, 1)])
        assert erase_ratings(connection, [pseudonym(1)]) == 1
        assert [event.pseudonym for event in rating_events_of(connection, bench.consultation_id)] == [pseudonym(2)]
        erase_proposals_of_people(connection, [bench.pseudonym or ""])
        assert list(rating_events_of(connection, bench.consultation_id)) == []
