"""Pairwise comparisons, orders and budgets: by hand, and against slow and plain ways."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.results.methods.budgets import equal_shares, greedy
from bot.results.methods.pairwise import bradley_terry
from bot.results.methods.rankings import borda, count_agreements, preferences, rank_options


def test_two_options_by_hand():
    # s = (w+1)/(…): with a = 3 wins of 4 the equations are solved by s₀ = √2, s₁ = 1/√2.
    strong, weak = bradley_terry(np.array([[0, 3], [1, 0]]))
    # At the solution wins equal expected wins: 3 + 1 = 4·s₀/(s₀+s₁) + 2·s₀/(s₀+1)
    s0, s1 = (it.score / (1 - it.score) for it in (strong, weak))
    assert pytest.approx(4 * s0 / (s0 + s1) + 2 * s0 / (s0 + 1)) == 4
    assert s0 * s1 == pytest.approx(1)
    assert (strong.option, strong.wins, strong.losses) == (0, 3, 1)
    # Both weigh the same, so the contrast to the mean is (θ₀ − θ₁)/2. Information: 4·s₀s₁/(s₀+s₁)² between them and
    # 2·s/(s+1)² each with the imagined one; the variance of θ₀ − θ₁ is 2/(own + 2·between).
    between, own = 4 / (s0 + s1) ** 2, 2 * s0 / (s0 + 1) ** 2
    spread = math.sqrt(2 / (own + 2 * between)) / 2
    high = math.log(s0) + 1.959964 * spread
    assert strong.chance.high == pytest.approx(1 / (1 + math.exp(-high)), abs=1e-6)


def halves(wins) -> list[float]:
    """Half the width of each interval, in the logarithm of strength, by option."""
    ends = {it.option: [math.log(end / (1 - end)) for end in it.chance] for it in bradley_terry(np.asarray(wins))}
    return [(ends[option][1] - ends[option][0]) / 2 for option in sorted(ends)]


@pytest.mark.parametrize("times", [10, 100, 1000])
def test_an_interval_shrinks_with_the_root_of_the_comparisons(times):
    wins = 100 * np.array([[0, 6, 6, 6], [4, 0, 5, 5], [4, 5, 0, 5], [4, 5, 5, 0]])
    shrunk = [wide / narrow for wide, narrow in zip(halves(wins), halves(times * wins), strict=True)]
    assert shrunk == pytest.approx([math.sqrt(times)] * 4, rel=0.01)


def test_intervals_cover_the_truth_as_often_as_they_say():
    """Also of an option far ahead. The truth is that whose chances against the imagined option are ½ on average."""
    theta = np.array([3.0, 0.0, -0.5, -0.9])
    shifts = np.linspace(-5, 5, 100_001)
    mean = sum(1 / (1 + np.exp(shifts - it)) for it in theta) / len(theta)
    truth = 1 / (1 + np.exp(shifts[np.argmin(abs(mean - 0.5))] - theta))
    chance, covered = np.random.default_rng(7), np.zeros(4)
    for _ in range(80):
        wins = np.zeros((4, 4), dtype=np.int64)
        for i, j in itertools.combinations(range(4), 2):
            wins[i, j] = chance.binomial(40, 1 / (1 + math.exp(theta[j] - theta[i])))
            wins[j, i] = 40 - wins[i, j]
        for it in bradley_terry(wins):
            covered[it.option] += it.chance.low <= truth[it.option] <= it.chance.high
    assert (covered / 80).min() >= 0.86, "95 % of the time, less what chance takes away in 80 draws"


def test_a_planted_order_is_found_again():
    chance = np.random.default_rng(1)
    strength = np.exp(np.linspace(1.5, -1.5, 8))
    wins = np.zeros((8, 8), dtype=np.int64)
    for _ in range(4000):
        a, b = chance.choice(8, 2, replace=False)
        winner, loser = (a, b) if chance.random() < strength[a] / (strength[a] + strength[b]) else (b, a)
        wins[winner, loser] += 1
    found = bradley_terry(wins)
    assert [it.option for it in found] == list(range(8))
    truth = strength / (strength + 1)
    assert sum(it.chance.low <= truth[it.option] <= it.chance.high for it in found) >= 7


def test_who_won_everything_is_strong_but_not_infinitely():
    first = bradley_terry(np.array([[0, 20], [0, 0]]))[0]
    assert 0.7 < first.score < first.chance.high < 1
    assert bradley_terry(np.zeros((1, 1), dtype=np.int64))[0].score == 0.5


ballots = st.lists(
    st.integers(2, 5).flatmap(lambda _: st.lists(st.integers(0, 4), unique=True, max_size=5)), min_size=0, max_size=7
)


@settings(max_examples=60, deadline=None)
@given(ballots)
def test_kemeny_is_the_best_of_all_orders(some):
    found = rank_options(some, 5)
    preferred = preferences(some, 5)
    scores = [count_agreements(order, preferred) for order in itertools.permutations(range(5))]
    assert found.agreements == count_agreements(found.order, preferred) == max(scores)
    assert found.equally_good == scores.count(max(scores))


def test_orders_by_hand():
    # Condorcet's example of a circle: 23 a>b>c, 17 b>c>a, 2 b>a>c, 10 c>a>b, 8 c>b>a
    people = [[0, 1, 2]] * 23 + [[1, 2, 0]] * 17 + [[1, 0, 2]] * 2 + [[2, 0, 1]] * 10 + [[2, 1, 0]] * 8
    found = rank_options(people, 3)
    assert preferences(people, 3).tolist() == [[0, 33, 25], [27, 0, 42], [35, 18, 0]]
    assert (found.order, found.agreements, found.comparisons) == ((1, 2, 0), 104, 180)
    assert borda(people, 3).tolist() == [58, 69, 53]
    assert borda([[2]], 3).tolist() == [0.5, 0.5, 2], "who is not on the ballot shares what is left"


def test_beyond_fourteen_options_it_says_borda():
    fourteen = rank_options([list(range(14))], 14)
    assert (fourteen.method, fourteen.order) == ("kemeny", tuple(range(14)))
    fifteen = rank_options([list(range(15))], 15)
    assert (fifteen.method, fifteen.order, fifteen.equally_good) == ("borda", tuple(range(15)), 0)


def plain_round(costs: Mapping[str, int], voters: Sequence[frozenset[str]], names: Sequence[str], purse: Fraction):
    """One run of Equal Shares word by word, in fractions."""
    purses = [purse] * len(voters)
    bought: list[str] = []
    while True:
        offers = []
        for place, name in enumerate(names):
            mine = [n for n, it in enumerate(voters) if name in it]
            if name not in bought and sum(purses[n] for n in mine) >= costs[name]:
                each = plain_payment(costs[name], sorted(purses[n] for n in mine))
                offers.append((each / costs[name], -len(mine), costs[name], place, name, mine))
        if not offers:
            return bought
        share, _, cost, _, name, mine = min(offers)
        for n in mine:
            purses[n] -= min(purses[n], share * cost)
        bought.append(name)


def plain_payment(cost: int, purses: Sequence[Fraction]) -> Fraction:
    """What each pays who can: the poorer ones give all they have."""
    left = Fraction(cost)
    for place, purse in enumerate(purses):
        if purse * (len(purses) - place) >= left:
            return left / (len(purses) - place)
        left -= purse
    raise AssertionError("the purses do not hold the price")


def plain_shares(costs: Mapping[str, int], people: Sequence[frozenset[str]], budget: int) -> tuple[str, ...]:
    """Equal Shares with steps of one unit until nothing more fits, then the rest greedily."""
    votes = {name: sum(name in it for it in people) for name in costs}
    names = [it for it in costs if votes[it] and costs[it] <= budget]
    voters = [it for it in people if it]
    chosen: list[str] = []
    for raised in itertools.count():
        found = plain_round(costs, voters, names, Fraction(budget, max(len(voters), 1)) + raised)
        if sum(costs[it] for it in found) > budget:
            break
        chosen = found
        if all(sum(costs[it] for it in found) + costs[it] > budget for it in set(names) - set(found)):
            break
    left = budget - sum(costs[it] for it in chosen)
    for name in sorted(set(names) - set(chosen), key=lambda it: (-votes[it], costs[it], names.index(it))):
        if costs[name] <= left:
            chosen.append(name)
            left -= costs[name]
    return tuple(chosen)


@settings(max_examples=80, deadline=None)
@given(
    st.dictionaries(st.sampled_from("abcdef"), st.integers(1, 60), min_size=1),
    st.lists(st.frozensets(st.sampled_from("abcdef"), max_size=4), max_size=9),
    st.integers(1, 120),
)
def test_equal_shares_are_those_of_exact_fractions(costs, people, budget):
    found = equal_shares(costs, people, budget)
    assert found.projects == plain_shares(costs, people, budget)
    assert found.spent == sum(costs[it] for it in found.projects) <= budget
    assert found.step == 1


def test_equal_shares_serve_a_minority_that_greedy_leaves_out():
    costs = {"road": 60, "bridge": 40, "park": 40}
    people = [frozenset({"road", "bridge"})] * 6 + [frozenset({"park"})] * 4
    assert greedy(costs, people, 100).projects == ("bridge", "road")
    found = equal_shares(costs, people, 100)
    # Each voter has 10. The six buy the cheaper one of theirs, the four have 40 and buy the park.
    assert set(found.projects) == {"bridge", "park"}
    assert (found.spent, found.voters, found.votes["park"]) == (80, 10, 4)
    assert equal_shares(costs, [], 100).projects == ()


def test_large_budgets_take_larger_steps_and_say_so():
    found = equal_shares({"a": 3_000_000, "b": 2_000_000}, [frozenset("a"), frozenset("b")], 3_500_000)
    assert found.step == 3_500_000 // 400
    assert found.projects in {("a",), ("b",)}
    assert found.spent <= 3_500_000
