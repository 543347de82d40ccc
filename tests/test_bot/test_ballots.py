"""Orders, budgets and comparisons: from answers given in chat to figures in public."""

from __future__ import annotations

import csv

import pytest

from bot.exports import package
from bot.exports.package import Wish
from bot.results.ballots import Comparison, Order, Spread, comparison, order, spread
from flows.questions.points import Points
from storage.store import Store
from tests.house import consultation, publish, running, say
from tests.test_bot.browser import serving
from tests.test_bot.test_web_results import NOW

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
        for number in range(6):
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
        assert "Menschen: 6" in words
        assert "Schule 6 60 % (60 %) Park 6 40 % (40 %) Brücke 0 0 % (0 %)" in words, "all said the same"
        assert "(Equal Shares) für: Brücke, Park" in words
    assert package.write(store, Wish("park", tmp_path / "open", "public"), NOW) == 6
    with (tmp_path / "open" / "ballots.csv").open(encoding="utf-8", newline="") as file:
        rows = [(row["question_key"], row["method"], row["option"]) for row in csv.DictReader(file)]
    assert rows[:3] == [("first", "kemeny", "school"), ("first", "kemeny", "park"), ("first", "kemeny", "bridge")]
    assert ("money", "equal shares", "bridge") in rows
    store.dispose()


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
    found = order(["a", "b", "c"], {("a", "b", "c"): 3, ("b", "c", "a"): 2})
    assert isinstance(found, Order)
    # a before b 3:2, b before c 5:0, a before c 3:2.
    assert (found.options, found.ranking.agreements, found.ranking.comparisons) == (("a", "b", "c"), 11, 15)


def test_who_cannot_decide_counts_for_neither():
    found = comparison(["a", "b"], {("a>b", "a=b"): 4, ("b>a",): 1, ("nonsense",): 1})
    assert isinstance(found, Comparison)
    assert [(found.options[it.option], it.wins, it.losses) for it in found.strengths] == [("a", 4, 1), ("b", 1, 4)]


def test_small_numbers_of_a_budget_are_left_out():
    question = Points.model_validate(FUND)
    found = spread(question, ["park", "school", "bridge"], {(("park", 10),): 7, (("school", 10),): 2}, 5)
    assert isinstance(found, Spread)
    assert {share.option: share.people for share in found.shares} == {"park": None, "school": None, "bridge": 0}
    assert all(share.mean is None for share in found.shares if share.people is None), "the mean would tell it"
