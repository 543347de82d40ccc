"""Measures how fast the next statement is chosen, and how fast similar proposals are found. In memory, no store."""

from __future__ import annotations

import random
import time
from datetime import UTC, datetime
from functools import cache
from typing import Final, NamedTuple

from bot.proposals.pool import StatementPool
from bot.proposals.similarity import SimilarityIndex
from storage.tables.proposals import StoredProposal

PEOPLE: Final = 10_000
STATEMENTS: Final = 1_000
PROPOSALS: Final = 50_000
SEED: Final = 1
_NOW: Final = datetime(2026, 11, 1, tzinfo=UTC)
_SYLLABLES: Final = (
    "ba",
    "bel",
    "dor",
    "en",
    "fu",
    "gra",
    "hin",
    "ker",
    "lich",
    "mo",
    "nung",
    "park",
    "ru",
    "sch",
    "ta",
)


class Routing(NamedTuple):
    """One run: decisions per second, and the median and 99th percentile of one in milliseconds."""

    per_s: float
    p50_ms: float
    p99_ms: float


def route(people: int = PEOPLE, statements: int = STATEMENTS) -> Routing:
    """Chooses the next statement for each participant, who has rated up to 60, and casts a vote on it."""
    chance, pool, ids = random.Random(SEED), StatementPool(), range(1, statements + 1)  # noqa: S311 - not a secret
    pool.add([_proposal(number, f"Aussage {number}") for number in ids], {})
    rated = [set(chance.sample(ids, chance.randint(0, min(60, statements - 1)))) for _ in range(people)]
    latencies = []
    for person, without in enumerate(rated):
        began = time.perf_counter()
        chosen = pool.next(without, 1, person)[0]
        pool.count(chosen, chance.choice((-1, 0, 1)))
        latencies.append(time.perf_counter() - began)
        if chosen in without:
            raise AssertionError("somebody got a statement twice")
    latencies.sort()
    p50, p99 = (latencies[int(len(latencies) * part)] * 1000 for part in (0.5, 0.99))
    return Routing(len(latencies) / sum(latencies), p50, p99)


def similar_ms(number: int = PROPOSALS, look_ups: int = 200) -> float:
    """Returns the median time to look up a text that differs in one word from one of this number of proposals, in
    milliseconds.
    """
    index, texts = _index(number)
    chance = random.Random(SEED)  # noqa: S311
    latencies = []
    for _ in range(look_ups):
        place = chance.randrange(number)
        words = texts[place].split()
        words[chance.randrange(len(words))] = "anders"
        began = time.perf_counter()
        found = index.nearest(" ".join(words))
        latencies.append(time.perf_counter() - began)
        if place + 1 not in found:
            raise AssertionError("a nearly equal proposal was not found")
    return sorted(latencies)[look_ups // 2] * 1000


@cache
def _index(number: int) -> tuple[SimilarityIndex, list[str]]:
    """Builds the index of proposals with ten to thirty words out of three thousand, frequent ones more often, as in
    real texts.
    """
    chance, index = random.Random(SEED), SimilarityIndex()  # noqa: S311
    words = ["".join(chance.choices(_SYLLABLES, k=chance.randint(1, 4))) for _ in range(3000)]
    weights = [1 / rank for rank in range(1, len(words) + 1)]
    texts = [" ".join(chance.choices(words, weights, k=chance.randint(10, 30))) for _ in range(number)]
    for place, text in enumerate(texts):
        index.add(place + 1, text)
    return index, texts


def _proposal(number: int, text: str) -> StoredProposal:
    return StoredProposal(
        id=number,
        consultation_id=1,
        pseudonym=None,
        question_key=None,
        code=f"P{number}",
        title=None,
        text=text,
        language="de",
        district=None,
        topic=None,
        status="received",
        released_at=_NOW,
        withdrawn_at=None,
        source=None,
        source_id=None,
        created_at=_NOW,
        place=None,
        latitude=None,
        longitude=None,
    )
