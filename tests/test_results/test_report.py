"""The whole result: published figures add up, and no small one is published."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.cli.results import as_plain_value
from bot.results.methods.matrix import VoteEvent, VoteLog
from bot.results.report import statement_report
from tests.test_results.test_groups import planted


def log_of(matrix) -> VoteLog:
    cells = [
        VoteEvent(person, statement, int(matrix.votes[row, column]), False, row)
        for row, person in enumerate(matrix.people)
        for column, statement in enumerate(matrix.statements)
        if matrix.voted[row, column]
    ]
    return VoteLog.of(cells, matrix.statements)


def test_a_large_conversation_is_told_whole():
    matrix, _ = planted(240)
    sectors = {name: frozenset(matrix.people[place::5]) for place, name in enumerate("abcde")}
    found = statement_report(log_of(matrix), matrix.statements[:18], sectors)
    assert found.people == 240
    assert len(found.statements) == 18
    assert sorted(found.group_sizes, reverse=True) == list(found.group_sizes)
    assert sum(found.group_sizes) == 240
    assert dict(found.sector_people) == dict.fromkeys("abcde", 48)
    one = found.statements[0]
    agrees = int((matrix.votes[:, 0] == 1).sum())
    assert one.by_last_vote.agrees == agrees == one.overall.agrees
    cells = one.groups.cells
    assert one.group_informed is not None
    assert one.group_informed.low == pytest.approx(cells[0].agreement.low * cells[1].agreement.low)
    assert {it.group for it in found.highlights} == {None, 0, 1}
    assert statement_report(log_of(matrix), matrix.statements[:18], sectors) == found, "the same again"
    assert json.loads(json.dumps(as_plain_value(found)))["people"] == 240


def test_a_small_conversation_has_figures_but_no_groups():
    matrix, _ = planted(30)
    found = statement_report(log_of(matrix), matrix.statements, {})
    assert found.people == 30
    assert found.group_sizes == ()
    assert found.no_groups_because.startswith("30 people")
    assert all(it.group_informed is None for it in found.statements)


def test_of_four_people_nothing_is_told():
    matrix, _ = planted(4)
    found = statement_report(log_of(matrix), matrix.statements, {})
    assert (found.people, found.votes, found.statements, found.highlights) == (None, None, (), ())
    nobody = statement_report(VoteLog.of([], ("s1",)), ("s1",), {})
    assert nobody.people == 0


def test_both_ways_of_counting_hide_the_same():
    events = [VoteEvent(f"p{n}", "s", 1, n < 7, n) for n in range(20)]
    events += [
        VoteEvent("p0", "s", -1, False, 30),
        VoteEvent("p1", "s", 0, False, 31),
        VoteEvent("p1", "s", 1, True, 32),
    ]
    (one,) = statement_report(VoteLog.of(events), ("s",), {}).statements
    assert one.by_last_vote == (19, 1, 0, 20), "one of twenty is nobody in particular"
    # Three votes were replaced, all of them agreement but one: who knows whose would know how they voted before.
    assert one.by_vote_events == (None, None, None, None)
    assert one.important == 6
    assert one.overall.agreement.low == pytest.approx(20 / 22)


votes = st.lists(
    st.builds(
        VoteEvent,
        st.integers(0, 14).map(str),
        st.sampled_from("xy"),
        st.sampled_from((-1, 0, 1)),
        st.booleans(),
        st.integers(0, 9),
    ),
    max_size=60,
)


@settings(max_examples=60)
@given(votes, st.lists(st.integers(0, 14), max_size=10))
def test_nothing_small_is_ever_told(events, members):
    found = statement_report(VoteLog.of(events), ("x", "y"), {"a": frozenset(map(str, members))}, least_people=10)
    numbers = [found.people, found.votes, *found.sector_people.values(), *found.group_sizes]
    for it in found.statements:
        numbers += [it.by_last_vote.votes, it.by_vote_events.votes]
        numbers += [cell.seen for cell in (it.overall, *it.sectors.cells, *it.groups.cells)]
        assert len({n is None for n in it.by_last_vote[:3]}) == 1, "all of a row, or nothing"
        counts = [n for n in it.by_last_vote[:3] if n is not None]
        assert max(counts, default=0) <= max(0, sum(counts) - 2), "of one mind"
    assert all(n is None or n == 0 or n >= 5 for n in numbers)


def test_a_hidden_statement_is_told_nowhere():
    matrix, _ = planted(150)
    found = statement_report(log_of(matrix), matrix.statements[5:], {})
    names = {it.name for it in found.statements} | {it.name for it in found.highlights}
    assert names == set(matrix.statements[5:]) | (names - set(matrix.statements))
    assert not names & set(matrix.statements[:5])
    assert all(it.overall.seen for it in found.statements)
