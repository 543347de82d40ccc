"""Consensus over groups and sectors, picks and representative statements: worked out by hand."""

from __future__ import annotations

import math
from itertools import chain

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.results.counts.disclosure import OTHERS
from bot.results.methods import consensus
from bot.results.methods.components import plane
from bot.results.methods.groups import Groups
from bot.results.methods.intervals import smoothed, wilson
from bot.results.methods.matrix import NONE, VoteTotals
from bot.results.methods.sectors import sector_agreement, sector_agreements
from tests.test_results.test_groups import matrix_of, nothing_hidden

# Six people in two groups. All like statement 0, group 0 likes 1, group 1 likes 2; statement 3 has no votes.
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
    totals = VoteTotals(np.array([9, 5, 0]), np.array([0, 5, 10]), np.array([1, 0, 0]))
    agree, disagree = consensus.picks(totals, np.zeros(3, dtype=np.bool_))
    assert (agree.statement, agree.side, agree.n, agree.seen) == (0, "agree", 9, 10)
    assert agree.share == pytest.approx(10 / 12)
    assert agree.z == pytest.approx(2 * math.sqrt(11) * (10 / 11 - 0.5))
    assert (disagree.statement, disagree.side, disagree.n) == (2, "disagree", 10)
    assert consensus.picks(totals, np.array([True, False, True])) == []


def test_five_picks_at_most_the_strongest_first():
    agrees = np.arange(20, 28)
    picks = consensus.picks(VoteTotals(agrees, 30 - agrees, agrees * 0), np.zeros(8, dtype=np.bool_))
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
    found = sector_agreement("s", SEEN, AGREES)
    assert found.smallest == (9 / 16, 9 / 16)
    assert found.is_agreed_by_all
    assert found.missing == ()
    assert [cell.agreement.low for cell in found.cells] == [13 / 22, 9 / 16, 21 / 32, 10 / 17, 151 / 202]
    assert not sector_agreement("s", SEEN, AGREES | {"business": 7}).is_agreed_by_all, "one half is no agreement"


def test_small_sector_is_missing_and_needs_a_second_one():
    found = sector_agreement("s", SEEN | {"business": 4}, AGREES | {"business": 4})
    cells = {cell.sector: cell for cell in found.cells}
    assert cells["business"].seen is None
    assert "business" in found.missing
    assert len(found.missing) == 1, "the rest, whose count is not shown, is the cover"
    assert not found.is_agreed_by_all
    alone = sector_agreement("s", SEEN | {"business": 4, "": 0}, AGREES | {"business": 4, "": 0})
    assert alone.missing == ("business", "society"), "the next larger one is counted with it"
    assert [(it.sector, it.seen, it.reason) for it in alone.cells if it.sector in {"business", "society", OTHERS}] == [
        ("business", None, "merged"),
        ("society", None, "merged"),
        (OTHERS, 19, ""),
    ]


def test_small_sectors_are_only_counted_together():
    found = sector_agreement("s", SEEN | {"business": 4, "science": 4}, AGREES | {"business": 2, "science": 4})
    assert found.cells[-1][:3] == (OTHERS, 8, 6)
    assert found.missing == ("business", "science")
    assert found.number == 5
    assert not found.is_agreed_by_all
    assert found.smallest == (10 / 17, 10 / 17), "of the others nothing is said of each of them"


def test_a_small_sector_of_one_mind_keeps_its_answers():
    found = sector_agreement("s", SEEN, AGREES | {"science": 30, "business": 13})
    business, science = (next(it for it in found.cells if it.sector == name) for name in ("business", "science"))
    assert (science.seen, science.agrees) == (30, 30), "that all of thirty agree is a result"
    assert (business.seen, business.agrees, business.reason) == (14, None, "protected")
    assert business.agreement == (smoothed(0, 14), smoothed(14, 14)), "nothing is known"
    assert found.missing == ("business",)
    assert not found.is_agreed_by_all


def test_nobody_at_all():
    found = sector_agreement("s", dict.fromkeys(SEEN, 0), dict.fromkeys(SEEN, 0))
    assert found.smallest is None
    assert len(found.missing) == 5


@st.composite
def counts(draw):
    seen = {name: draw(st.integers(0, 14)) for name in SEEN}
    return seen, {name: draw(st.integers(0, n)) for name, n in seen.items()}


@given(counts())
def test_ranges_hold_the_truth_and_nothing_small_is_told(drawn):
    seen, agrees = drawn
    found = sector_agreement("s", seen, agrees)
    small = {cell.sector for cell in found.cells if cell.reason == "merged"}
    seen, agrees = ({**n, OTHERS: sum(n[it] for it in small)} for n in (seen, agrees))
    for cell in found.cells:
        truth = smoothed(agrees[cell.sector], seen[cell.sector])
        assert cell.agreement.low - 1e-12 <= truth <= cell.agreement.high + 1e-12
        assert cell.seen is None or cell.seen >= 5
        if cell.agrees is not None and cell.seen is not None:
            assert cell.agrees <= cell.seen - 2 or cell.seen >= 20
            assert cell.agrees >= 2 or cell.seen >= 20
    shown = [cell.sector for cell in found.cells if cell.agrees is not None]
    rest = sum(drawn[0].values()) - sum(seen[it] for it in shown)
    assert rest == 0 or rest >= 5 or not shown, "what is left of the whole is none or enough"


def test_sectors_from_the_table_and_several_per_person():
    votes = np.ones((20, 1), dtype=np.int8)
    votes[::2] = -1
    people = np.arange(20)
    found = sector_agreements(matrix_of(votes), {"a": people < 15, "b": people >= 5})
    (one,) = found
    assert [(cell.seen, cell.agrees) for cell in one.cells] == [(15, 7), (15, 8)]
    assert one.smallest == (8 / 17, 8 / 17)
    assert sector_agreements(matrix_of(votes), {})[0].smallest is None
