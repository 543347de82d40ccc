"""The rule against the attacker: the published parts of drawn tables determine no person."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest

from bot.results.counts import differencing, disclosure, exposure, small_groups
from bot.results.counts.disclosure import (
    LARGE_GROUP,
    WHOLE,
    DisclosureRule,
    FrequencyRow,
    FrequencyTable,
    group_row,
    ungrouped_table,
)
from bot.results.counts.suppression import suppressed_groups
from tests.test_disclosure.attacker import Attack, Cell, Figure

ANSWERS = ("agrees", "others")


def drawn(chance: random.Random, people: int, groups: Sequence[str], *, minded: float) -> FrequencyTable:
    """Some people in some groups; `minded` says how much those of a group are of one mind."""
    leaning = {group: chance.choice((0.0, 0.3, 0.7, 1.0)) for group in groups}
    counts: dict[frozenset[str], list[int]] = {}
    most = chance.choice((1, 1, 2, 3))
    weights = [chance.random() ** 2 + 0.02 for _ in groups]
    for _ in range(people):
        mine = frozenset(chance.choices(groups, weights, k=chance.randint(0, most))) if groups else frozenset()
        pull = max((leaning[it] for it in mine), default=0.5)
        share = 0.5 + minded * (pull - 0.5)
        counts.setdefault(mine, [0, 0])[chance.random() >= share] += 1
    return {mine: FrequencyRow(sum(n), dict(zip(ANSWERS, n, strict=True))) for mine, n in counts.items()}


def attack(table: FrequencyTable, shown: Sequence[str]) -> list[Cell]:
    """What follows from the rows of these groups."""
    sizes = {" ".join(sorted(mine)): row.base for mine, row in table.items()}
    truth = {Cell(" ".join(sorted(mine)), "q", it): row.n[it] for mine, row in table.items() for it in ANSWERS}
    figures = []
    for group in shown:
        for answer in ANSWERS:
            counted = [mine for mine in table if group == WHOLE or group in mine]
            cells = {Cell(" ".join(sorted(mine)), "q", answer): 1.0 for mine in counted}
            said = group_row(table, group).n.get(answer, 0)
            figures += [Figure(cells, said, said)] if cells else []
    return Attack(sizes, truth, figures).determined()


def test_groups_that_are_counted_as_one_determine_nobody():
    chance, merged = random.Random(4), 0
    for _ in range(250):
        groups = [f"g{n}" for n in range(chance.choice((2, 3, 5, 13)))]
        table = drawn(chance, chance.choice((8, 14, 25, 40, 90, 300)), groups, minded=chance.random())
        small = small_groups.groups_to_merge(table, groups, DisclosureRule())
        one = small_groups.with_merged_groups(table, small)
        if small:
            merged += 1
            assert group_row(one, disclosure.OTHERS).base >= DisclosureRule().threshold
        rows = shown_of(one, [*(it for it in groups if it not in small), *([disclosure.OTHERS] if small else [])])
        assert attack(one, rows) == [], table
        assert group_row(one, WHOLE) == group_row(table, WHOLE)
    assert merged > 60


def shown_of(table: FrequencyTable, groups: Sequence[str]) -> list[str]:
    return [group for group, it in suppressed_groups(table, groups, DisclosureRule()).items() if not it.answers]


def test_one_edition_determines_nobody():
    chance, tables, shown = random.Random(1), 0, 0
    for _ in range(250):
        groups = [f"g{n}" for n in range(chance.choice((0, 1, 3, 5, 13)))]
        table = drawn(chance, chance.choice((8, 14, 25, 40, 90, 300)), groups, minded=chance.random())
        rows = shown_of(table, groups)
        tables, shown = tables + len(groups) + 1, shown + len(rows)
        assert attack(table, rows) == [], table
    assert shown / tables > 0.4, "a rule that tells nothing protects everybody"


@pytest.mark.parametrize(("broken", "least"), [("reason", 5), ("exposed", 2)])
def test_the_attacker_breaks_a_rule_that_is_switched_off(monkeypatch: pytest.MonkeyPatch, broken: str, least: int):
    monkeypatch.setattr(exposure, "exposed_people", lambda parts, **_: 0)
    if broken == "reason":
        monkeypatch.setattr(disclosure, "suppression_reason", lambda row, rule: "")
    chance, found = random.Random(1), 0
    for _ in range(150):
        groups = [f"g{n}" for n in range(chance.choice((1, 3, 5)))]
        table = drawn(chance, chance.choice((8, 14, 25, 40, 90)), groups, minded=1.0)
        found += bool(attack(table, shown_of(table, groups)))
    assert found >= least


@pytest.mark.parametrize(
    ("came", "may"),
    [
        ({"yes": 1, "no": 0}, False),
        ({"yes": 4, "no": 0}, False),
        ({"yes": 2, "no": 2}, False),
        ({"yes": 5, "no": 0}, False),
        ({"yes": 5, "no": 1}, False),
        ({"yes": 3, "no": 2}, True),
        ({"yes": 30, "no": 0}, True),
        ({"yes": 0, "no": 0}, True),
        ({"yes": -1, "no": 1}, False),
        ({"yes": 12, "no": -1}, False),
    ],
)
def test_an_edition_waits_for_enough_people_not_of_one_mind(came: dict[str, int], may: bool):
    old = {"yes": 30, "no": 20}
    new = {it: old[it] + came[it] for it in old}
    tables = {"q": ungrouped_table(50, old)}, {"q": ungrouped_table(sum(new.values()), new)}
    assert differencing.may_publish_tables_after(*tables, {}) is may
    assert differencing.unpublishable_tables(*tables, {}) == (frozenset() if may else {"q"})


def test_sensitive_answers_need_more_people_and_never_one_mind():
    strict = DisclosureRule(is_sensitive=True)
    assert disclosure.suppression_reason(FrequencyRow(9, {"yes": 5, "no": 4}), strict) == "few"
    assert disclosure.suppression_reason(FrequencyRow(10, {"yes": 5, "no": 5}), strict) == ""
    assert disclosure.suppression_reason(FrequencyRow(200, {"yes": 199, "no": 1}), strict) == "protected"
    assert disclosure.suppression_reason(FrequencyRow(LARGE_GROUP, {"yes": LARGE_GROUP}), DisclosureRule()) == ""


def test_sector_of_nearly_all_people_is_hidden_next_to_total():
    table = {
        frozenset({"a"}): FrequencyRow(40, {"agrees": 20, "others": 20}),
        frozenset(): FrequencyRow(2, {"agrees": 1, "others": 1}),
    }
    assert suppressed_groups(table, ["a"], DisclosureRule())["a"] == ("protected", "protected")


def test_people_in_two_groups_are_not_what_is_left_of_them():
    """a and b together are all people and one person twice: that one's answer is a + b - all."""
    table = {
        frozenset({"a"}): FrequencyRow(9, {"agrees": 5, "others": 4}),
        frozenset({"b"}): FrequencyRow(9, {"agrees": 5, "others": 4}),
        frozenset({"a", "b"}): FrequencyRow(1, {"agrees": 1, "others": 0}),
    }
    assert attack(table, ["", "a", "b"]), "the attacker sees it"
    assert len(shown_of(table, ["a", "b"])) == 2
