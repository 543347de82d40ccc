"""The sums of opinion groups against an attacker that knows the sectors and the (unpublished) group of every person.

Page, open data and API tell the cells of `bot.results.report`; `tests/city` compares them.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import pytest

from bot.results.counts import suppression
from bot.results.counts.disclosure import MIN_CELL_SIZE, OTHERS
from bot.results.methods.groups import LEAST_IN_GROUP, LEAST_PEOPLE, opinion_groups
from bot.results.methods.matrix import VoteLog, last_votes
from bot.results.report import StatementReport, StatementResult, statement_report
from tests.test_disclosure.attacker import Attack, Cell, Figure
from tests.test_disclosure.city import SECTORS

VOTES = {"1": 1, "-1": -1, "0": 0}
ANY = tuple(VOTES)
SEEDS = (1, 3, 4, 13, 14, 20)
"""Drawn consultations of up to 220 people in which there are groups."""


class Voter(NamedTuple):
    name: str
    sectors: frozenset[str]
    votes: dict[int, int]


class Read(NamedTuple):
    """A drawn consultation, its published figures, and the group of each person."""

    voters: list[Voter]
    told: StatementReport
    group: dict[str, int]


def drawn(chance: random.Random) -> tuple[list[Voter], int]:
    """People of a few minds; sectors hang together with them more or less."""
    people, statements, minds = (
        chance.choice((110, 150, 220, 400)),
        chance.choice((8, 15, 30)),
        chance.choice((2, 2, 3)),
    )
    leaning = [[chance.choice((0.05, 0.95, 0.95, 0.6, 1.0, 0.0)) for _ in range(statements)] for _ in range(minds)]
    of_minds = [chance.random() ** 2 + 0.1 for _ in range(minds)]
    sectors = chance.sample(SECTORS, chance.randint(1, 5))
    of_sectors = [chance.random() ** 2 + 0.03 for _ in sectors]
    pull, share = chance.random(), chance.choice((0.4, 0.7, 0.95))
    found = []
    for number in range(people):
        mind = chance.choices(range(minds), of_minds)[0]
        mine = frozenset(chance.choices(sectors, of_sectors, k=chance.randint(0, chance.choice((1, 1, 2)))))
        if chance.random() < pull:
            mine = frozenset([sectors[mind % len(sectors)]])
        votes = {
            place: 1 if chance.random() < leaning[mind][place] else chance.choice((-1, -1, 0))
            for place in range(statements)
            if chance.random() < share
        }
        found.append(Voter(f"p{number}", mine, votes))
    return [it for it in found if it.votes], statements


def read(seed: int) -> Read:
    voters, statements = drawn(random.Random(seed))
    names = [f"s{place}" for place in range(statements)]
    events = [(it.name, names[place], vote, False) for it in voters for place, vote in it.votes.items()]
    columns = [*zip(*events, strict=True), range(len(events))]
    log = VoteLog.of_columns([columns], statements=names)
    told = statement_report(
        log, names, {sector: frozenset(it.name for it in voters if sector in it.sectors) for sector in SECTORS}
    )
    matrix = last_votes(log)
    least = max(2 * MIN_CELL_SIZE, LEAST_IN_GROUP)
    groups = opinion_groups(matrix, np.zeros(statements, dtype=np.bool_), 0, LEAST_PEOPLE, least)
    assert len(told.group_sizes) == groups.number > 1
    return Read(voters, told, dict(zip(matrix.people, groups.label.tolist(), strict=True)))


class Knowing:
    """The attacker's knowledge of every person."""

    def __init__(self, found: Read) -> None:
        self.statements = found.told.statements
        self._classes: dict[str, tuple[frozenset[str], int, list[Voter]]] = {}
        for it in found.voters:
            mine, number = it.sectors, found.group[it.name]
            name = f"{' '.join(sorted(mine))}|{number}"
            self._classes.setdefault(name, (mine, number, []))[2].append(it)

    def attacks(self) -> Iterator[Attack]:
        for place, statement in enumerate(self.statements):
            sizes = {who: len(voters) for who, (_, _, voters) in self._classes.items()}
            truth = {
                Cell(who, statement.name, answer): sum(it.votes.get(place) == vote for it in voters)
                for who, (_, _, voters) in self._classes.items()
                for answer, vote in {**VOTES, "": None}.items()
            }
            yield Attack(sizes, truth, self._figures(statement))

    def _figures(self, statement: StatementResult) -> Iterator[Figure]:
        def figure(who: Sequence[str], answers: Sequence[str], n: int | None) -> Iterator[Figure]:
            if n is not None and who:
                yield Figure({Cell(it, statement.name, answer): 1.0 for it in who for answer in answers}, n, n)

        everybody, counts = list(self._classes), statement.by_last_vote
        for answer, n in zip(ANY, (counts.agrees, counts.disagrees, counts.passes), strict=True):
            yield from figure(everybody, (answer,), n)
        yield from figure(everybody, ANY, counts.votes)
        small = {it.sector for it in statement.sectors.cells if it.reason == "merged"}
        for cell in statement.sectors.cells:
            counted = small if cell.sector == OTHERS else {cell.sector}
            members = [who for who, (mine, _, _) in self._classes.items() if counted & mine]
            yield from figure(members, ("1",), cell.agrees)
            yield from figure(members, ANY, cell.seen)
        for cell in statement.groups.cells:
            members = [who for who, (_, number, _) in self._classes.items() if str(number) == cell.sector]
            yield from figure(members, ("1",), cell.agrees)
            yield from figure(members, ANY, cell.seen)


def test_sums_of_opinion_groups_determine_nobody():
    told = every = 0
    for seed in SEEDS:
        found = read(seed)
        cells = [cell for it in found.told.statements for cell in it.groups.cells]
        told, every = told + sum(it.agrees is not None for it in cells), every + len(cells)
        assert [cell for attack in Knowing(found).attacks() for cell in attack.determined()] == [], seed
    assert told / every > 0.4, "a rule that tells nothing protects everybody"


def test_checking_sectors_and_groups_apart_reveals_people(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(suppression, "suppressed_beside", lambda *_: [])
    attacks = (attack for seed in SEEDS for attack in Knowing(read(seed)).attacks())
    assert any(attack.determined() for attack in attacks)
