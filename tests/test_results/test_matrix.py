"""Last votes, both ways of counting, and routing."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.results.methods.matrix import NONE, VoteEvent, VoteLog, event_totals, last_votes
from bot.results.methods.priority import draw, priority

EVENTS = [
    VoteEvent("ana", "trees", 1, True, 10),
    VoteEvent("ben", "trees", -1, False, 20),
    VoteEvent("ana", "trees", 0, False, 30),
    VoteEvent("ben", "lamps", 1, False, 5),
]

events = st.lists(
    st.builds(
        VoteEvent,
        st.sampled_from("abc"),
        st.sampled_from("xyz"),
        st.sampled_from((-1, 0, 1)),
        st.booleans(),
        st.integers(0, 5),
    ),
    max_size=40,
)


def test_a_changed_vote_is_one_last_vote_and_two_events():
    log = VoteLog.of(EVENTS)
    matrix = last_votes(log)
    assert (matrix.people, matrix.statements) == (("ana", "ben"), ("trees", "lamps"))
    assert matrix.votes.tolist() == [[0, NONE], [-1, 1]]
    by_last, by_events = matrix.totals(), event_totals(log)
    assert [it.tolist() for it in by_last] == [[0, 1], [1, 0], [1, 0]]
    assert [it.tolist() for it in by_events] == [[1, 1], [1, 0], [1, 0]]
    assert by_events.seen.tolist() == [3, 1]
    assert matrix.importance().tolist() == [0, 0], "what was important before the change does not count"


@given(events)
def test_the_table_is_what_a_dictionary_would_hold(some):
    expected: dict[tuple[str, str], tuple[int, bool]] = {}
    for it in sorted(some, key=lambda it: it.at):
        expected[it.person, it.statement] = it.vote, it.important
    matrix = last_votes(VoteLog.of(some, statements="xyz"))
    found = {
        (person, statement): (int(matrix.votes[row, column]), bool(matrix.important[row, column]))
        for row, person in enumerate(matrix.people)
        for column, statement in enumerate(matrix.statements)
        if matrix.voted[row, column]
    }
    assert found == expected


@given(events)
def test_totals_add_up(some):
    log = VoteLog.of(some)
    matrix = last_votes(log)
    assert matrix.totals().seen.sum() == matrix.voted.sum() <= event_totals(log).seen.sum() == len(some)


def test_an_empty_log_is_an_empty_table():
    matrix = last_votes(VoteLog.of([], statements=("s1", "s2")))
    assert matrix.votes.shape == (0, 2)
    assert matrix.totals().seen.tolist() == [0, 0]


def test_equal_times_keep_the_order_of_the_log():
    both = [VoteEvent("ana", "trees", 1, False, 7), VoteEvent("ana", "trees", -1, False, 7)]
    assert last_votes(VoteLog.of(both)).votes.tolist() == [[-1]]
    assert last_votes(VoteLog.of(both[::-1])).votes.tolist() == [[1]]


def test_priority_by_hand():
    # (1 − 3/12)·(1+1)·(5/12)·(1+8/4) = 0.75·2·0.41667·3 = 1.875; squared 3.515625
    assert priority(4.0, 2.0, 10.0, 1.0) == pytest.approx(3.515625)
    cells = np.array([0.0, 4.0]), np.array([0.0, 2.0]), np.array([0.0, 10.0]), np.array([0.0, 1.0])
    assert priority(*cells).tolist() == pytest.approx([5.0625, 3.515625])


def test_statements_are_drawn_once_by_weight_and_seed():
    weights = np.array([1.0, 3.0, 0.0])
    assert sorted(draw(weights, 5, 1)) == [0, 1]
    assert draw(weights, 2, 7) == draw(weights, 2, 7)
    first = [draw(weights, 1, seed)[0] for seed in range(2000)]
    assert first.count(1) / 2000 == pytest.approx(0.75, abs=0.03)
    assert first.count(2) == 0
