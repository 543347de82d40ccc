"""Orders, budgets and comparisons: from answers given in chat to figures in public."""

from __future__ import annotations

import csv

import pytest

from bot.exchange.exports import package
from bot.exchange.exports.package import ExportRequest
from bot.results.ballots import (
    BudgetOutcome,
    PairwiseOutcome,
    RankingOutcome,
    pairwise_outcome,
    question_outcome,
    ranking_outcome,
)
from bot.results.counts.disclosure import DisclosureRule
from flows.questions.points import Points
from storage.core.store import Store
from tests.support.app import consultation, publish, running, say
from tests.support.browser import serving
from tests.test_web.test_results import NOW

OPTIONS = [
    {"value": "park", "label": {"de": "Park", "en": "Park"}},
    {"value": "school", "label": {"de": "Schule", "en": "School"}},
    {"value": "bridge", "label": {"de": "Brücke", "en": "Bridge"}},
]
PRICED = [option | {"cost": cost} for option, cost in zip(OPTIONS, (60, 50, 40), strict=True)]
FIRST = {"key": "first", "type": "rank", "text": {"de": "Zuerst?", "en": "First?"}, "options": OPTIONS}
FUND = {"key": "fund", "type": "points", "budget": 10, "text": {"de": "Punkte?", "en": "Points?"}, "options": OPTIONS}
MONEY = FUND | {"key": "money", "budget": 100, "text": {"de": "Geld?", "en": "Money?"}, "options": PRICED}


@pytest.fixture
def store(empty):
    return empty


async def test_what_people_said_in_chat_stands_on_the_result_page(store, tmp_path):
    publish(store, consultation("park", [FIRST, FUND, MONEY]))
    async with running(store) as (app, test):
        for number in range(20):
            said = (
                "/start park",
                "Deutsch",
                "2 1 3",
                "Park 4, Schule 6",
                "fertig",
                "Park, Brücke",
                "fertig",
                "absenden",
            )
            for line in said:
                await say(app, test.msg(f"p{number}", line))
    store = Store(str(store.writer.url))
    async with serving(store) as house:
        page = await house.browser(**{"Accept-Language": "de"}).get("/results/park")
        words = page.text
        assert words.index("1. Schule") < words.index("2. Park") < words.index("3. Brücke")
        assert "Menschen: 20" in words
        assert "Schule 20 60 % (60 %) Park 20 40 % (40 %) Brücke 0 0 % (0 %)" in words, "all said the same"
        assert "(Equal Shares) für: Brücke, Park" in words
    assert package.write_export(store, ExportRequest("park", tmp_path / "open", "public"), NOW) == 20
    with (tmp_path / "open" / "ballots.csv").open(encoding="utf-8", newline="") as file:
        rows = [(row["question_key"], row["method"], row["option"]) for row in csv.DictReader(file)]
    assert rows[:3] == [("first", "kemeny", "school"), ("first", "kemeny", "park"), ("first", "kemeny", "bridge")]
    assert ("money", "equal shares", "bridge") in rows
    store.dispose()


async def test_questions_stand_in_the_order_of_the_consultation(store):
    choice = {"type": "choice", "options": OPTIONS}
    before = choice | {"key": "before", "text": {"de": "Davor?", "en": "Before?"}}
    after = choice | {"key": "after", "text": {"de": "Danach?", "en": "After?"}}
    publish(store, consultation("park", [before, FIRST, after]))
    async with running(store) as (app, test):
        for number in range(6):
            order = ("2 1 3", "1 3 2", "3 2 1")[number % 3]  # of no two options all put the same one first
            for line in ("/start park", "Deutsch", "1", order, "2", "absenden"):
                await say(app, test.msg(f"p{number}", line))
    async with serving(Store(str(store.writer.url))) as house:
        words = (await house.browser(**{"Accept-Language": "de"}).get("/results/park")).text
        assert words.index("Davor?") < words.index("Zuerst?") < words.index("Danach?")


async def test_few_people_make_no_order(store, tmp_path):
    publish(store, consultation("park", [FIRST]))
    async with running(store) as (app, test):
        for number in range(4):
            for line in ("/start park", "Deutsch", "2 1 3", "absenden"):
                await say(app, test.msg(f"p{number}", line))
    store = Store(str(store.writer.url))
    async with serving(store) as house:
        page = await house.browser(**{"Accept-Language": "de"}).get("/results/park")
        assert "Schule" not in page.text
    store.dispose()


def test_a_common_order_by_hand():
    found = ranking_outcome(["a", "b", "c"], {("a", "b", "c"): 3, ("b", "c", "a"): 2})
    assert isinstance(found, RankingOutcome)
    # a before b 3:2, b before c 5:0, a before c 3:2.
    assert (found.options, found.ranking.agreements, found.ranking.comparisons) == (("a", "b", "c"), 11, 15)


def test_who_cannot_decide_counts_for_neither():
    found = pairwise_outcome(["a", "b"], {("a>b", "a=b"): 4, ("b>a",): 1, ("nonsense",): 1})
    assert isinstance(found, PairwiseOutcome)
    assert [(found.options[it.option], it.wins, it.losses) for it in found.strengths] == [("a", 4, 1), ("b", 1, 4)]


def test_ballots_of_few_people_of_one_mind_are_left_out():
    question = Points.model_validate(FUND)
    options = ["park", "school", "bridge"]
    few: dict[tuple[object, ...], int] = {(("park", 10),): 7, (("school", 10),): 2}
    alike: dict[tuple[object, ...], int] = {(("park", 10),): 7, (("park", 9), ("school", 1)): 2}
    assert isinstance(question_outcome(question, options, few, DisclosureRule()), BudgetOutcome)
    assert question_outcome(question, options, alike, DisclosureRule()) is None
    assert question_outcome(question, options, few, DisclosureRule(is_sensitive=True)) is None, "it cannot be rounded"
