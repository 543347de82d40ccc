"""Now and then all votes are looked at again: what divides people comes more often, and counts are right again."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import suppress
from datetime import datetime, timedelta

from sqlalchemy import Connection

from bot.proposals import vote_scan
from bot.proposals.pool import FEWEST, PART, SCAN_SECONDS, StatementPools
from bot.proposals.vote_scan import keep_scanning_votes
from storage.core.store import Store
from storage.tables.ratings import NewRatingEvent, erase_ratings, store_votes
from tests.support.ideas import NOW, open_consultation, rate, released
from tests.support.rows import new_id, pseudonym
from tests.support.timeouts import PATIENCE


class Router:
    """A router over one consultation, with a clock that stands still unless it is moved."""

    def __init__(self, store: Store, consultation_id: int) -> None:
        self.store, self.consultation_id = store, consultation_id
        self.now, self._batch = 1000.0, NOW
        self.pools = StatementPools(lambda: self.now)

    def _next_batch(self) -> datetime:
        self._batch += timedelta(seconds=1)
        return self._batch

    def look(self, seconds: float = 0.0) -> None:
        """All votes are looked at."""
        with self.store.reading() as connection:
            found = vote_scan.scan_votes(connection, self.consultation_id)
        self.pools.learn(self.consultation_id, found, seconds)

    def weights(self) -> dict[int, float]:
        with self.store.reading() as connection:
            pool = self.pools.of(connection, self.consultation_id, self._next_batch())
        return dict(zip(pool._ids, map(float, pool._weights), strict=True))

    def draws(self, number: int = 400) -> Counter[int]:
        with self.store.reading() as connection:
            pool = self.pools.of(connection, self.consultation_id, self._next_batch())
        return Counter(pool.next(frozenset(), 1, seed)[0] for seed in range(number))


def vote(connection: Connection, proposal_id: int, number: int, said: int, id_: int | None = None) -> None:
    row = NewRatingEvent(id_ or new_id(), proposal_id, pseudonym(number), said, False, NOW)  # type: ignore[arg-type]
    store_votes(connection, [row])


def test_a_statement_that_divides_people_is_preferred(store: Store) -> None:
    park = open_consultation(store)
    with store.begin() as connection:
        *dividing, alone = (released(connection, park, 100 + number).id for number in range(5))
        # Two main lines with two statements each; the last one lies across both. All have eight for and eight against.
        for id_, bit in zip((*dividing, alone), (0, 0, 1, 1, 2), strict=True):
            rate(connection, id_, {number: 1 if number >> bit & 1 else -1 for number in range(16)})
    router = Router(store, park)
    assert len(set(router.weights().values())) == 1, "by the counts alone they are alike"
    router.look()
    after = router.weights()
    assert min(after[id_] for id_ in dividing) > 2 * after[alone]
    drawn = router.draws()
    assert min(drawn[id_] for id_ in dividing) > 2 * drawn[alone]


def test_changed_deleted_and_late_votes_are_recounted(store: Store) -> None:
    park = open_consultation(store)
    with store.begin() as connection:
        bench, lamp = (released(connection, park, 100 + number).id for number in range(2))
        late = new_id()
        rate(connection, bench, dict.fromkeys(range(1, 7), 1))
    router = Router(store, park)
    router.weights()
    with store.begin() as connection:
        rate(connection, bench, dict.fromkeys(range(1, 4), -1))  # three change their minds
        router.weights()
        erase_ratings(connection, [pseudonym(6)])
        vote(connection, lamp, 7, 1, late)  # another process was given this id before those of the votes above
    wrong = router.weights()
    router.look()
    with store.begin() as connection:
        vote(connection, lamp, 8, 1)  # after the look, before it is picked up
    right = router.weights()
    fresh = Router(store, park)
    fresh.weights()
    fresh.look()
    assert right == fresh.weights()
    assert wrong[bench] != right[bench]


def test_all_votes_are_looked_at_seldom(store: Store) -> None:
    park = open_consultation(store)
    with store.begin() as connection:
        bench = released(connection, park, 100).id
        rate(connection, bench, dict.fromkeys(range(1, 201), 1))
    router = Router(store, park)
    assert router.pools.due() == [], "nobody asked for statements"
    router.weights()
    assert router.pools.due() == [park]
    router.look(seconds=0.1)
    router.weights()
    assert router.pools.due() == []
    with store.begin() as connection:
        rate(connection, bench, dict.fromkeys(range(201, 201 + FEWEST + 9), 1))
    router.weights()
    router.now += PART * 0.1
    assert router.pools.due() == [], "not a tenth more"
    with store.begin() as connection:
        rate(connection, bench, {300: 1})
    router.weights()
    assert router.pools.due() == [park]
    router.look(seconds=10.0)
    router.weights()
    router.now += SCAN_SECONDS
    router.weights()
    assert router.pools.due() == [], "it took ten seconds, so not again before 500"
    router.now += PART * 10.0
    assert router.pools.due() == [park]
    router.look()
    router.now += 10 * SCAN_SECONDS
    assert router.pools.due() == [], "nobody has asked for statements since"


async def test_a_running_house_looks_by_itself(store: Store) -> None:
    park = open_consultation(store)
    with store.begin() as connection:
        first, second = (released(connection, park, 100 + number).id for number in range(2))
        for id_ in (first, second):
            rate(connection, id_, {number: 1 if number < 6 else -1 for number in range(1, 11)})
    router = Router(store, park)
    before = router.weights()
    looking = asyncio.create_task(keep_scanning_votes(store, router.pools))
    async with asyncio.timeout(PATIENCE):
        while router.weights() == before:
            await asyncio.sleep(0.05)
    looking.cancel()
    with suppress(asyncio.CancelledError):
        await looking
