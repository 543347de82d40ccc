"""Rows that are updated while others stay, over several moments, against an attacker with all of them."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import pytest

from bot.results.counts import moments
from bot.results.counts.disclosure import DisclosureRule, FrequencyRow, FrequencyTable
from bot.results.counts.moments import ALL_ANSWERED, Moment, PublishedRow, first_moment, next_moments
from tests.test_disclosure.attacker import Attack, Cell, Figure

ANSWERS = ("agrees", "others")


class Somebody(NamedTuple):
    """Who rated, and what others know of them: the groups, and at which moments they were there."""

    groups: frozenset[str]
    answer: str
    came: int
    went: int

    def is_there(self, moment: int) -> bool:
        return self.came <= moment < self.went

    def is_in(self, line: PublishedRow) -> bool:
        return not line or not line.isdisjoint(self.groups)

    @property
    def known(self) -> str:
        return f"{' '.join(sorted(self.groups))} {self.came} {self.went}"


def drawn(chance: random.Random, groups: Sequence[str], number: int) -> list[Somebody]:
    leaning = {group: chance.choice((0.0, 0.3, 0.7, 1.0)) for group in groups}
    weights = [chance.random() ** 2 + 0.02 for _ in groups]
    minded, most = chance.random(), chance.choice((1, 1, 2))
    found = []
    for moment in range(number):
        size = chance.choice((8, 14, 25, 60, 150)) if moment == 0 else chance.choice((1, 3, 6, 9, 15, 30))
        for _ in range(size):
            mine = frozenset(chance.choices(groups, weights, k=chance.randint(0, most))) if groups else frozenset()
            share = 0.5 + minded * (max((leaning[it] for it in mine), default=0.5) - 0.5)
            went = chance.randint(moment + 1, number) if chance.random() < 0.03 else number
            found.append(Somebody(mine, ANSWERS[chance.random() >= share], moment, went))
    return found


def table_of(people: Sequence[Somebody], moment: int) -> FrequencyTable:
    counts: dict[frozenset[str], dict[str, int]] = {}
    for it in people:
        if it.is_there(moment):
            counts.setdefault(it.groups, dict.fromkeys(ANSWERS, 0))[it.answer] += 1
    return {groups: FrequencyRow(sum(n.values()), n) for groups, n in counts.items()}


class Read(NamedTuple):
    """The published figures of drawn people over several moments."""

    people: list[Somebody]
    lines: dict[int, frozenset[PublishedRow]]
    """By moment; of moments at which nothing went on there is none."""
    is_new: bool
    """Whether the row of all people was the newest one at the end."""
    stayed: int
    """How often the row of all people was updated while others stayed."""

    def determined(self) -> list[Cell]:
        sizes: dict[str, int] = {}
        truth: dict[Cell, int] = {}
        for it in self.people:
            sizes[it.known] = sizes.get(it.known, 0) + 1
            for answer in ANSWERS:
                cell = Cell(it.known, "q", answer)
                truth[cell] = truth.get(cell, 0) + (it.answer == answer)
        figures = []
        for moment, lines in self.lines.items():
            for line in lines:
                counted = {it.known for it in self.people if it.is_there(moment) and it.is_in(line)}
                for answer in ANSWERS:
                    cells = {Cell(who, "q", answer): 1.0 for who in counted}
                    n = sum(truth[cell] for cell in cells)
                    figures += [Figure(cells, n, n)] if cells else []
        return Attack(sizes, truth, figures).determined()


def read(chance: random.Random, number: int) -> Read:
    groups = [f"g{n}" for n in range(chance.choice((0, 1, 2, 3, 5)))]
    people = drawn(chance, groups, number)
    past: tuple[Moment, ...] = ()
    lines: dict[int, frozenset[PublishedRow]] = {}
    stayed = 0
    for moment in range(number):
        new = first_moment(table_of(people, moment), groups, DisclosureRule())
        found = next_moments(past, new, DisclosureRule(), is_last=moment == number - 1)
        if found is not None and found != past:
            past, lines[moment] = found, found[-1].lines
            stayed += ALL_ANSWERED in found[-1].lines and found[-1].lines != new.lines
    return Read(people, lines, number - 1 in lines, stayed)


def reads() -> Iterator[Read]:
    """Drawn one by one, so that a change of the rule draws the same people again."""
    for seed in range(250):
        yield read(random.Random(seed), random.Random(seed).choice((3, 5, 8)))


def test_several_moments_determine_nobody():
    told = list(reads())
    assert [it for it in told if it.determined()] == []
    assert sum(it.is_new for it in told) > 100, "a rule by which all stays protects everybody"
    assert sum(it.stayed for it in told) > 30, "rows that stay did not hold up the others"


def only_what_was_told_again(told: tuple[Moment, ...], stay: frozenset[PublishedRow]) -> tuple[Moment, ...]:
    """Without the moments of which every row was told again: so it was once."""
    every = {line for it in told for line in it.lines}
    return told[min(max(place for place, it in enumerate(told) if line in it.lines) for line in every) :]


@pytest.mark.parametrize(
    ("name", "off"),
    [
        ("_exposed", lambda moments, rule: 0),
        ("_remembered", only_what_was_told_again),
        ("_since", lambda told: told[-2:]),
    ],
)
def test_the_attacker_breaks_each_part_that_is_off(
    monkeypatch: pytest.MonkeyPatch, name: str, off: Callable[..., object]
):
    monkeypatch.setattr(moments, name, off)
    assert any(it.determined() for it in reads())


def told_after(*tables: FrequencyTable, is_last: bool = False) -> tuple[Moment, ...]:
    past: tuple[Moment, ...] = ()
    for table in tables:
        found = next_moments(past, first_moment(table, ["a", "b"], DisclosureRule()), DisclosureRule(), is_last=is_last)
        past = past if found is None else found
    return past


def two(a: tuple[int, int], rest: tuple[int, int]) -> FrequencyTable:
    return {
        frozenset({"a"}): FrequencyRow(sum(a), dict(zip(ANSWERS, a, strict=True))),
        frozenset(): FrequencyRow(sum(rest), dict(zip(ANSWERS, rest, strict=True))),
    }


def test_everybody_goes_on_while_a_sector_waits():
    found = told_after(two((5, 4), (20, 25)), two((6, 4), (38, 44)))
    assert [it.lines for it in found] == [{ALL_ANSWERED, frozenset({"a"})}, {ALL_ANSWERED}]
    again = told_after(two((5, 4), (20, 25)), two((6, 4), (38, 44)), two((9, 7), (50, 54)))
    assert [it.lines for it in again][2:] == [{ALL_ANSWERED, frozenset({"a"})}]
    assert len(again) == 3, "what was told before stays known"


def test_late_sector_counts_people_of_all_earlier_editions():
    """The two of a who agree were there first, since all others agreed then: so all six who came last do, none of a."""
    three = two((2, 12), (13, 0)), two((2, 16), (16, 1)), two((2, 23), (22, 1))
    assert [it.lines for it in told_after(*three)] == [{ALL_ANSWERED}] * 3


def test_a_few_more_wait_while_a_sector_waits():
    small = two((5, 4), (200, 245)), two((6, 4), (203, 248))
    assert len(told_after(*small)) == 1, "not a tenth more"
    assert len(told_after(*small, is_last=True)) == 2


def test_a_sector_waits_for_enough_people_not_of_one_mind():
    old, sector = two((15, 4), (20, 25)), frozenset({"a"})
    for more, may in (((5, 0), False), ((5, 1), False), ((3, 2), True), ((0, 0), True)):
        new = two((15 + more[0], 4 + more[1]), (38, 44))
        assert (sector in told_after(old, new)[-1].lines) is may, more
