"""Orders, budgets and comparisons of few people against an attacker that tries all ballots that lead to the published
figures.

The attacker does not know who gave which ballot. So a person is determined if in all cases that lead to the same
figures, and would be published, all people (or all that came between two editions) said the same.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from itertools import combinations_with_replacement, permutations, product
from typing import Any

import pytest

from bot.results import ballots
from bot.results.counts import differencing
from bot.results.counts.disclosure import DisclosureRule
from flows.questions.pairwise import Pairwise
from flows.questions.points import Points
from flows.questions.rank import Rank
from tests.support.app import consultation
from tests.test_results.test_ballots import FIRST, FUND, OPTIONS

Ballot = tuple[Any, ...]
Case = tuple[Ballot, ...]
"""The ballots of all people, sorted."""
CODES = tuple(str(it["value"]) for it in OPTIONS)
TWO = FIRST | {"key": "two", "type": "pairwise", "text": {"de": "Eher?", "en": "Rather?"}}
FUND_OF_THREE = FUND | {"budget": 3}
PAIRS = tuple((one, other) for place, one in enumerate(CODES) for other in CODES[place + 1 :])
BALLOTS: dict[str, list[Ballot]] = {
    "rank": list(permutations(CODES)),
    "points": [
        tuple((code, n) for code, n in zip(CODES, given, strict=True) if n)
        for given in product(range(4), repeat=3)
        if sum(given) == 3
    ],
    "pairwise": [
        tuple(f"{one}>{other}" if first else f"{other}>{one}" for (one, other), first in zip(PAIRS, which, strict=True))
        for which in product((True, False), repeat=3)
    ],
}
PEOPLE = {"rank": 7, "points": 5, "pairwise": 6}


def question_of(kind: str) -> Rank | Points | Pairwise:
    asked: dict[str, dict[str, Any]] = {"rank": FIRST, "points": FUND_OF_THREE, "pairwise": TWO}
    (node,) = consultation(questions=[asked[kind]]).questions
    assert isinstance(node, Rank | Points | Pairwise)
    return node


def said(kind: str, ballot: Ballot) -> set[str]:
    """The properties of one ballot that must not be disclosed of all people."""
    if kind == "points":
        return {f"given {code}" for code, n in ballot if n} | {f"all {ballot}"}
    if kind == "pairwise":
        return set(ballot)
    before = {f"{one}>{other}" for place, one in enumerate(ballot) for other in ballot[place + 1 :]}
    return {*before, f"first {ballot[0]}", f"last {ballot[-1]}"}


def in_common(kind: str, cases: list[Case]) -> set[str]:
    """The properties common to all people in each of these cases."""
    return set.intersection(*(said(kind, ballot) for case in cases for ballot in case))


def outcome(kind: str, case: Case) -> str:
    """What is published, exactly; "" where nothing is."""
    found = ballots.question_outcome(question_of(kind), CODES, Counter(case), DisclosureRule())
    return repr(found) if found else ""


@lru_cache(None)
def cases(kind: str, people: int) -> dict[str, list[Case]]:
    """All ballots of this number of people, by what would be published."""
    found: dict[str, list[Case]] = {}
    for case in combinations_with_replacement(sorted(BALLOTS[kind]), people):
        found.setdefault(outcome(kind, case), []).append(case)
    return found


def may_follow(kind: str, first: Case, last: Case) -> bool:
    name, question = "ballots:q", question_of(kind)
    tables = [ballots.ballot_tables({"q": question}, {"q": Counter(it)}) for it in (first, last)]
    return name not in differencing.unpublishable_tables(tables[0], tables[1], {name: DisclosureRule()})


@pytest.mark.parametrize("kind", sorted(BALLOTS))
def test_figures_of_few_people_determine_nobody(kind: str):
    every = cases(kind, PEOPLE[kind])
    assert len(every) > 7
    for published, found in every.items():
        assert not published or in_common(kind, found) == set(), published


def drawn_pairs(kind: str, came: int, number: int) -> Iterator[tuple[Case, Case]]:
    chance = random.Random(5)
    for _ in range(number):
        first = tuple(sorted(chance.choices(BALLOTS[kind], k=PEOPLE[kind])))
        few = chance.sample(BALLOTS[kind], 2)
        yield first, tuple(sorted(chance.choices(few, k=came)))


def test_two_editions_of_an_order_determine_nobody():
    kind, came = "rank", 5
    told = 0
    for first, more in drawn_pairs(kind, came, 60):
        last = tuple(sorted((*first, *more)))
        before, after = outcome(kind, first), outcome(kind, last)
        if not before or not after or not may_follow(kind, first, last):
            continue
        told += 1
        fits = [
            new
            for old in cases(kind, PEOPLE[kind])[before]
            for new in combinations_with_replacement(sorted(BALLOTS[kind]), came)
            if outcome(kind, tuple(sorted((*old, *new)))) == after
        ]
        assert in_common(kind, fits) == set(), (first, more)
    assert told
