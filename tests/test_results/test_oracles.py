"""The mathematics against programs of others, which computed the files in `golden/` once; each says which and how."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bot.results.methods import consensus
from bot.results.methods.budgets import equal_shares, greedy
from bot.results.methods.components import plane
from bot.results.methods.groups import Groups
from bot.results.methods.intervals import Z95
from bot.results.methods.matrix import NONE, VoteEvent, VoteLog, VoteMatrix
from bot.results.methods.pairwise import bradley_terry
from bot.results.methods.priority import priority
from bot.results.methods.rankings import rank_options
from bot.results.report import statement_report

GOLDEN = Path(__file__).with_name("golden")


def cases(name: str) -> list[Any]:
    found = json.loads((GOLDEN / f"{name}.json").read_text(encoding="utf-8"))
    assert found["origin"]
    return list(found["cases"])


@pytest.mark.parametrize("case", cases("choix"))
def test_strengths_are_those_of_choix(case):
    found = {it.option: math.log(it.score / (1 - it.score)) for it in bradley_terry(np.array(case["wins"]))}
    assert [found[option] for option in sorted(found)] == pytest.approx(case["log_strength"], abs=1e-7)


@pytest.mark.parametrize("case", cases("choix_intervals"))
def test_intervals_of_strengths_are_those_of_choix(case):
    """`covariance` is of deviations from the plain mean; from it follows that of deviations from any other mean."""
    strengths = sorted(bradley_terry(np.array(case["wins"])), key=lambda it: it.option)
    slope = np.array([it.score * (1 - it.score) for it in strengths])
    contrast = np.eye(len(strengths)) - slope / slope.sum()
    theirs = Z95 * np.sqrt(np.diag(contrast @ np.array(case["covariance"]) @ contrast.T))
    ours = [
        (math.log(high / (1 - high)) - math.log(low / (1 - low))) / 2 for low, high in (s.chance for s in strengths)
    ]
    assert ours == pytest.approx(theirs, rel=0.01), "another way to them, and another prior: close, not equal"


@pytest.mark.parametrize("case", cases("highs"))
def test_no_order_fits_more_preferences_than_kemeny_s(case):
    found = rank_options(case["ballots"], case["options"])
    assert (found.method, found.agreements) == ("kemeny", case["agreements"])


@pytest.mark.parametrize("case", cases("pabutools"))
def test_budgets_buy_what_pabutools_buys(case):
    ballots = [frozenset(it.split()) for it in case["ballots"]]
    assert sorted(equal_shares(case["costs"], ballots, case["budget"]).projects) == case["equal_shares"]
    assert sorted(greedy(case["costs"], ballots, case["budget"]).projects) == case["greedy"]


@pytest.fixture
def rated() -> tuple[VoteMatrix, Groups, dict[str, Any]]:
    (case,) = cases("red_dwarf")
    signs = {"+": 1, "-": -1, "0": 0, ".": NONE}
    votes = np.array([[signs[it] for it in line] for line in case["votes"]], dtype=np.int8)
    people, statements = (tuple(map(str, range(size))) for size in votes.shape)
    matrix = VoteMatrix(people, statements, votes, np.zeros(votes.shape, dtype=np.bool_))
    label = np.array(case["groups"])
    nothing, everybody = np.zeros(len(statements), dtype=np.bool_), np.ones(len(people), dtype=np.bool_)
    return matrix, Groups(label, int(label.max()) + 1, 0.0, plane(matrix, nothing), everybody), case


def test_consensus_is_that_of_red_dwarf(rated):
    matrix, groups, case = rated
    assert consensus.group_informed(matrix, groups) == pytest.approx(case["group_informed"], abs=1e-11)
    hidden = np.zeros(len(matrix.statements), dtype=np.bool_)
    picks = consensus.picks(matrix.totals(), hidden)
    for side in ("agree", "disagree"):
        assert [it.statement for it in picks if it.side == side] == case["consensus"][side]


def test_groups_are_told_apart_as_by_red_dwarf(rated):
    matrix, groups, case = rated
    hidden = np.zeros(len(matrix.statements), dtype=np.bool_)
    found = consensus.representatives(matrix, groups, hidden)
    assert [[[it.statement, it.side] for it in group] for group in found] == case["representative"]


def test_what_a_group_agrees_with_best_is_not_told_as_refused(rated):
    matrix, groups, _ = rated
    events = [
        VoteEvent(person, statement, int(matrix.votes[row, column]), False, row)
        for row, person in enumerate(matrix.people)
        for column, statement in enumerate(matrix.statements)
        if matrix.voted[row, column]
    ]
    found = consensus.representatives(matrix, groups, np.zeros(len(matrix.statements), dtype=np.bool_))[0]
    best = next(it for it in found if it.is_best_agreed)
    assert (best.statement, best.side, best.n, best.seen) == (3, "disagree", 3, 52), "49 of 52 do not disagree"
    told = statement_report(VoteLog.of(events, matrix.statements), matrix.statements, {})
    assert {it.stands_for for it in told.highlights if it.is_best_agreed} == {"agree"}


def test_statements_come_as_often_as_with_red_dwarf(rated):
    matrix, _, case = rated
    agrees, _, passes = (column.astype(float) for column in matrix.totals())
    found = priority(agrees, passes, matrix.totals().seen.astype(float), np.array(case["extremity"]))
    assert found == pytest.approx(case["priority"], rel=1e-9)
