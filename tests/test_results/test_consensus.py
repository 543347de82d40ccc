"""Consensus over groups and sectors, picks and representative statements: worked out by hand."""

from __future__ import annotations

import math
from itertools import chain

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.results import consensus
from bot.results.components import plane
from bot.results.groups import Groups
from bot.results.intervals import smoothed, wilson
from bot.results.matrix import NONE, Totals
from bot.results.sectors import agreement, agreements, narrowed
from tests.test_results.test_groups import matrix_of, nothing_hidden

# Six people in two groups. Everybody likes statement 0, group 0 likes 1, group 1 likes 2; nobody saw 3.
VOTES = [
    [1, 1, -1, NONE],
    [1, 1, -1, NONE],
    [1, 1, -1, NONE],
    [1, -1, 1, NONE],
    [1, -1, 1, NONE],
    [0, -1, NONE, NONE],
]


def divided():
    matrix = matrix_of(VOTES)
    hidden = nothing_hidden(matrix)
    label = np.array([0, 0, 0, 1, 1, 1])
    return matrix, hidden, Groups(label, 2, 0.5, plane(matrix, hidden), label >= 0)


def test_group_informed_consensus_by_hand():
    matrix, _, groups = divided()
    expected = [4 / 5 * 3 / 5, 4 / 5 * 1 / 5, 1 / 5 * 3 / 4, 1 / 2 * 1 / 2]
    assert consensus.group_informed(matrix, groups).tolist() == pytest.approx(expected)


def test_picks_by_hand():
    totals = Totals(np.array([9, 5, 0]), np.array([0, 5, 10]), np.array([1, 0, 0]))
    agree, disagree = consensus.picks(totals, np.zeros(3, dtype=np.bool_))
    assert (agree.statement, agree.side, agree.n, agree.seen) == (0, "agree", 9, 10)
    assert agree.share == pytest.approx(10 / 12)
    assert agree.z == pytest.approx(2 * math.sqrt(11) * (10 / 11 - 0.5))
    assert (disagree.statement, disagree.side, disagree.n) == (2, "disagree", 10)
    assert consensus.picks(totals, np.array([True, False, True])) == []


def test_five_picks_at_most_the_strongest_first():
    agrees = np.arange(20, 28)
    picks = consensus.picks(Totals(agrees, 30 - agrees, agrees * 0), np.zeros(8, dtype=np.bool_))
    assert [it.statement for it in picks] == [7, 6, 5, 4, 3]


def test_representatives_by_hand():
    matrix, hidden, groups = divided()
    first, second = consensus.representatives(matrix, groups, hidden)
    # Group 0 agrees 3 of 3 on statement 1; outside 0 of 3. On statement 2 it disagrees 3 of 3, outside 0 of 2.
    assert [(it.statement, it.side, it.is_best_agreed) for it in first] == [(1, "agree", True), (2, "disagree", False)]
    one = first[0]
    assert (one.n, one.seen, one.share) == (3, 3, 4 / 5)
    assert one.ratio == pytest.approx((4 / 5) / (1 / 5))
    assert one.z == pytest.approx(2 * math.sqrt(4) * (4 / 4 - 0.5))
    pooled = (3 + 0 + 2) / (3 + 3 + 2)
    assert one.ratio_z == pytest.approx((4 / 4 - 1 / 4) / math.sqrt(pooled * (1 - pooled) * (1 / 4 + 1 / 4)))
    assert one.strength == pytest.approx(one.ratio * one.ratio_z * one.share * one.z)
    assert [(it.statement, it.side) for it in second] == [(2, "agree"), (1, "disagree")]


def test_hidden_statements_stand_for_nobody():
    matrix, _, groups = divided()
    hidden = np.array([False, True, True, True])
    assert {it.statement for it in chain(*consensus.representatives(matrix, groups, hidden))} == {0}
    assert consensus.representatives(matrix, groups, np.ones(4, dtype=np.bool_)) == [[], []]


def test_wilson_as_in_the_literature():
    # Newcombe (1998), table I: 81 of 263, 15 of 148, 0 of 20, 1 of 29
    for n, of, low, high in (
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ):
        assert [round(end, 4) for end in wilson(n, of)] == [low, high]


SEEN = {"politics": 20, "business": 14, "science": 30, "society": 15, "residents": 200, "": 11}
AGREES = {"politics": 12, "business": 8, "science": 20, "society": 9, "residents": 150, "": 6}


def test_agreed_by_all_five_is_the_smallest_smoothed_agreement():
    found = agreement("s", SEEN, AGREES)
    assert found.smallest == (9 / 16, 9 / 16)
    assert found.is_agreed_by_all
    assert found.missing == ()
    assert [cell.agreement.low for cell in found.cells] == [13 / 22, 9 / 16, 21 / 32, 10 / 17, 151 / 202]
    assert not agreement("s", SEEN, AGREES | {"business": 7}).is_agreed_by_all, "one half is no agreement"


def test_a_sector_with_too_few_people_is_missing_and_hides_no_one_behind_the_total():
    found = agreement("s", SEEN | {"business": 4}, AGREES | {"business": 4})
    cells = {cell.sector: cell for cell in found.cells}
    assert cells["business"].seen is None
    assert "business" in found.missing
    assert len(found.missing) == 1, "the rest, whose count is not shown, is the cover"
    assert not found.is_agreed_by_all
    alone = agreement("s", SEEN | {"business": 4, "": 0}, AGREES | {"business": 4, "": 0})
    assert alone.missing == ("business", "society"), "the next larger one goes too"


def test_where_all_but_a_few_agree_only_a_range_is_told():
    found = agreement("s", SEEN, AGREES | {"science": 28})
    science = next(cell for cell in found.cells if cell.sector == "science")
    assert (science.seen, science.agrees, science.chance) == (30, None, None)
    assert science.agreement == (smoothed(26, 30), smoothed(30, 30))
    assert found.is_agreed_by_all, "28 of 30 is agreement, although the number is not told"


def test_nobody_at_all():
    found = agreement("s", dict.fromkeys(SEEN, 0), dict.fromkeys(SEEN, 0))
    assert found.smallest is None
    assert len(found.missing) == 5


@st.composite
def counts(draw):
    seen = {name: draw(st.integers(0, 14)) for name in SEEN}
    return seen, {name: draw(st.integers(0, n)) for name, n in seen.items()}


@given(counts())
def test_ranges_hold_the_truth_and_nothing_small_is_told(drawn):
    seen, agrees = drawn
    found = agreement("s", seen, agrees)
    for cell in found.cells:
        truth = smoothed(agrees[cell.sector], seen[cell.sector])
        assert cell.agreement.low - 1e-12 <= truth <= cell.agreement.high + 1e-12
        assert cell.seen is None or cell.seen >= 5
        if cell.agrees is not None and cell.seen is not None:
            assert all(n == 0 or n >= 5 for n in (cell.agrees, cell.seen - cell.agrees))
    for column, truth in (("seen", seen), ("agrees", agrees)):
        untold = [cell.sector for cell in found.cells if getattr(cell, column) is None]
        assert len(untold) != 1 or truth[""] or not truth[untold[0]], f"{column}: one alone is missing up to the total"


def test_sectors_from_the_table_and_several_per_person():
    votes = np.ones((20, 1), dtype=np.int8)
    votes[:10] = -1
    people = np.arange(20)
    found = agreements(matrix_of(votes), {"a": people < 15, "b": people >= 5})
    (one,) = found
    assert [(cell.seen, cell.agrees) for cell in one.cells] == [(15, 5), (15, 10)]
    assert one.smallest == (6 / 17, 6 / 17)
    assert agreements(matrix_of(votes), {})[0].smallest is None


parts = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)).map(lambda two: (max(two), min(two))), min_size=3)


@settings(max_examples=300)
@given(parts)
def test_ranges_of_groups_are_as_narrow_as_what_is_told_makes_them(people):
    """The truth lies in them, and who knows everything that is told finds nothing narrower than was found before."""
    names = ["", *map(str, range(len(people) - 1))]
    seen, agrees = ({name: it[place] for name, it in zip(names, people, strict=True)} for place in (0, 1))
    before = agreement("s", seen, agrees)
    whole = agreement("s", {"all": sum(seen.values())}, {"all": sum(agrees.values())}).cells[0]
    after = narrowed(before, whole)
    for wide, cell in zip(before.cells, after.cells, strict=True):
        assert wide.agreement.low <= cell.agreement.low + 1e-12
        assert cell.agreement.high <= wide.agreement.high + 1e-12
        if cell.seen:
            truth = smoothed(agrees[cell.sector], seen[cell.sector])
            assert cell.agreement.low - 1e-12 <= truth <= cell.agreement.high + 1e-12
            counts = round((cell.agreement.high - cell.agreement.low) * (cell.seen + 2)) + 1
            assert cell.agrees is not None or counts >= min(5, cell.seen + 1), "a small number is not found out"
    assert narrowed(before, before.cells[0]._replace(agrees=None)) == before, "where the whole is not told, nothing is"
