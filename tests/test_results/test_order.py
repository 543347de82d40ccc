"""The order of rated statements, and what most agree on: honest about what is unknown, few or chance."""

from __future__ import annotations

import math

import numpy as np
import pytest

from bot.results.methods import consensus
from bot.results.methods.intervals import wilson
from bot.results.methods.matrix import VoteEvent, VoteLog, VoteTotals
from bot.results.methods.top import rank_statements, ranked_names
from bot.results.report import statement_report
from bot.results.statement_order import StatementStanding, ordered_statements, rank_statement

SECTORS = ("administration", "business", "science", "civil_society", "residents")


class City:
    """Votes on statements by people of sectors; each vote is by a new person."""

    def __init__(self) -> None:
        self.events: list[VoteEvent] = []
        self.sectors: dict[str, set[str]] = {name: set() for name in SECTORS}

    def rate(self, statement: str, agree: int, other: int, sector: str = "") -> City:
        for number in range(agree + other):
            person = f"{statement}/{sector}/{number}"
            self.events.append(VoteEvent(person, statement, 1 if number < agree else -1, False, len(self.events)))
            if sector:
                self.sectors[sector].add(person)
        return self

    def orders(self, *names: str) -> tuple[list[str], list[str]]:
        """That of the page, and that of a wave."""
        log = VoteLog.of(self.events, names)
        sectors = {name: frozenset(people) for name, people in self.sectors.items()}
        told = statement_report(log, names, sectors).statements
        return [it.name for it in ordered_statements(told)], ranked_names(log, names, sectors, 5)

    def statement(self, name: str):
        sectors = {it: frozenset(people) for it, people in self.sectors.items()}
        (found,) = (
            it for it in statement_report(VoteLog.of(self.events), (name,), sectors).statements if it.name == name
        )
        return found


def test_sectors_without_any_vote_have_nobody():
    report = statement_report(VoteLog.of([]), (), {"business": frozenset()}, min_cell_size=0)
    assert report.sector_people == {"business": 0}


def test_unknown_sectors_lift_nothing():
    city = City().rate("well", 6, 0, "business").rate("well", 4, 7)
    for sector in SECTORS:
        city.rate("bench", 24, 8, sector)
    assert city.statement("well").sectors.missing
    assert city.orders("well", "bench") == (["bench", "well"],) * 2
    assert rank_statement(city.statement("bench")) == (
        StatementStanding.ALL_SECTORS,
        -wilson(24, 32).low,
        -wilson(120, 160).low,
    )


def test_nothing_nobody_rated_comes_before_what_most_agree_with():
    city = City().rate("bench", 146, 54)
    assert city.orders("lamp", "bench", "well")[1] == ["bench", "lamp", "well"]
    assert city.orders("lamp", "bench", "well")[0] == ["bench", "lamp", "well"]


def test_few_ratings_come_behind_many_however_good_they_are():
    city = City().rate("few", 17, 2).rate("many", 60, 40).rate("twenty", 14, 6)
    assert city.orders("few", "many", "twenty")[1] == ["many", "twenty", "few"], "50 to 69 %, 48 to 85 %, 19 ratings"
    assert [rank_statement(city.statement(it)).standing for it in ("many", "few")] == [
        StatementStanding.RATED,
        StatementStanding.FEW,
    ]


def test_of_two_shares_the_surer_one_comes_first():
    assert City().rate("a", 21, 7).rate("b", 300, 100).orders("a", "b") == (["b", "a"],) * 2


def test_page_and_wave_have_one_order():
    chance = np.random.default_rng(3)
    city, names = City(), [f"s{number:02}" for number in range(40)]
    for name in names:
        for sector in ("", *SECTORS):
            agree, other = chance.integers(0, 30, 2) * (chance.random() < 0.7)
            city.rate(name, int(agree), int(other), sector)
    page, wave = city.orders(*names)
    told = [it for it in page if rank_statement(city.statement(it)).standing is not StatementStanding.UNTOLD]
    assert len(told) > 20
    assert told == wave[: len(told)]
    log, sectors = VoteLog.of(city.events, names), {name: frozenset(it) for name, it in city.sectors.items()}
    assert {it.name: it.rank for it in rank_statements(log, names, sectors, 5)} == {
        it: rank_statement(city.statement(it)) for it in names
    }


def test_among_the_untold_a_wave_takes_the_surer_one():
    assert City().rate("a", 1, 2).rate("b", 3, 0).rate("c", 1, 0).orders("a", "b", "c", "d")[1] == ["b", "c", "a", "d"]


def nothing_hidden(size: int) -> np.ndarray:
    return np.zeros(size, dtype=np.bool_)


def totals(*votes: tuple[int, int]) -> VoteTotals:
    agrees, disagrees = (np.array(column) for column in zip(*votes, strict=True))
    return VoteTotals(agrees, disagrees, agrees * 0)


def test_one_statement_is_tested_twice_by_hand():
    # Σ C(20, k) / 2²⁰ for k ≥ 15 is 0.0207, below 0.05 / 2; for k ≥ 14 it is 0.0577
    assert [it.n for it in consensus.agreed_upon(totals((15, 5)), nothing_hidden(1), 20)] == [15]
    assert consensus.agreed_upon(totals((14, 6)), nothing_hidden(1), 20) == []
    assert consensus.agreed_upon(totals((15, 5), (10, 10)), nothing_hidden(2), 20) == [], "two statements, four tests"
    assert [it.side for it in consensus.agreed_upon(totals((3, 17)), nothing_hidden(1), 20)] == ["disagree"]


def test_most_agree_only_on_what_many_rated():
    assert consensus.agreed_upon(totals((19, 0)), nothing_hidden(1), 19) == [], "fewer than twenty"
    assert consensus.agreed_upon(totals((60, 0), (400, 200)), nothing_hidden(2), 601)[0].statement == 1
    assert len(consensus.agreed_upon(totals((60, 0), (400, 200)), nothing_hidden(2), 600)) == 2, "a tenth is enough"
    assert consensus.agreed_upon(totals((60, 0)), np.array([True]), 60) == []
    assert consensus.agreed_upon(totals((0, 0)), nothing_hidden(1), 0) == []


@pytest.mark.parametrize("seen", [8, 20, 200])
def test_random_votes_on_many_statements_give_no_consensus(seen):
    chance = np.random.default_rng(seen)
    by_lot = [VoteTotals(agrees, seen - agrees, agrees * 0) for agrees in chance.binomial(seen, 0.5, (40, 560))]
    wrong = [bool(consensus.agreed_upon(it, nothing_hidden(560), seen)) for it in by_lot]
    assert sum(wrong) <= 5, "5 % of 40 are two"
    assert all(len(consensus.picks(it, nothing_hidden(560))) == 10 for it in by_lot), "the rule of Polis finds ten"


def test_what_most_do_agree_on_is_found_among_hundreds():
    agrees = np.random.default_rng(1).binomial(100, 0.5, 560)
    agrees[[7, 70, 300]] = 80, 78, 84
    found = consensus.agreed_upon(VoteTotals(agrees, 100 - agrees, agrees * 0), nothing_hidden(560), 1000)
    assert [it.statement for it in found] == [300, 7, 70], "the surest one first"


def test_the_tail_is_exact_for_many():
    factorials = consensus._logarithms_of_factorials(2000)
    exact = sum(math.comb(2000, k) for k in range(1080, 2001)) / 2**2000
    assert consensus._tail(1080, 2000, factorials) == pytest.approx(exact, rel=1e-9)
