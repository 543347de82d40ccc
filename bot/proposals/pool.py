"""The released proposals of each consultation in memory: their probability of being drawn, and similar ones.

The pool follows the store: it counts the votes after the last one it has counted, and reads the list of released
proposals once a second. Conditions of one participant (still released, not their own, never twice) are read from the
store each time, so a short delay is harmless. A periodic scan of all votes (`bot.proposals.vote_scan`) corrects the
counts and computes how much statements divide participants.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Set
from datetime import datetime
from typing import Final, NamedTuple

import numpy as np
from sqlalchemy import Connection

from bot.proposals.similarity import SimilarityIndex
from bot.proposals.vote_scan import VoteScan
from bot.results.methods.arrays import Floats
from bot.results.methods.priority import draw, priority
from storage.tables import ratings
from storage.tables.proposals import StoredProposal, VisibleProposal, proposals_by_id, visible_proposals
from storage.tables.ratings import count_ratings, newest_vote_id, votes_after

LOOK_SECONDS: Final = 1.0
PART: Final = 50
"""The share of time for reading the released proposals, and for scanning all votes: the longer one takes, the rarer it
is.
"""
GROWTH: Final = 0.1
FEWEST: Final = 10
"""All votes are scanned when their number has grown by a tenth, and at least by this number…"""
SCAN_SECONDS: Final = 300.0
"""…or after this time, if statements were requested meanwhile."""


class StatementPool:
    """The released proposals of one consultation."""

    def __init__(self) -> None:
        self.index = SimilarityIndex()
        self._released: dict[int, datetime] = {}
        self._ids: list[int] = []
        self._place_of: dict[int, int] = {}
        self._agrees, self._passes, self._seen, self._extremity, self._weights = (np.zeros(0) for _ in range(5))
        self.fresh_votes = 0
        """The number of votes since the last scan."""
        self.surveyed_votes = 0

    def __len__(self) -> int:
        return len(self._released)

    def changed(self, visible: list[VisibleProposal]) -> tuple[list[int], list[int]]:
        """Returns the new or newly reviewed proposals and the removed ones, compared with those released now."""
        now = {row.id: row.released_at for row in visible}
        new = [id_ for id_, at in now.items() if self._released.get(id_) != at]
        return new, [id_ for id_ in self._released if id_ not in now]

    def add(self, rows: list[StoredProposal], counts: dict[int, ratings.RatingCount]) -> None:
        """Adds released proposals with their votes so far."""
        fresh = [row.id for row in rows if row.id not in self._place_of]
        self._place_of |= {id_: place for place, id_ in enumerate(fresh, start=len(self._ids))}
        self._ids += fresh
        empty = np.zeros(len(fresh))
        arrays = (self._agrees, self._passes, self._seen, self._extremity, self._weights)
        self._agrees, self._passes, self._seen, self._extremity, self._weights = (
            np.concatenate((one, empty)) for one in arrays
        )
        for row in rows:
            place, count = self._place_of[row.id], counts.get(row.id)
            if count is not None:
                self._agrees[place], self._passes[place] = count.agree, count.pass_
                self._seen[place] = count.agree + count.disagree + count.pass_
            if row.released_at is not None:
                self._released[row.id] = row.released_at
                self._weigh(place)
            self.index.add(row.id, proposal_text(row))

    def remove(self, ids: list[int]) -> None:
        """Removes proposals from the pool."""
        for id_ in ids:
            self._released.pop(id_, None)
            self._weights[self._place_of[id_]] = 0
            self.index.remove(id_)

    def count(self, proposal_id: int, vote: int) -> None:
        """Counts one more vote; votes of other consultations are ignored."""
        place = self._place_of.get(proposal_id)
        if place is None:
            return
        self.fresh_votes += 1
        self._seen[place] += 1
        self._agrees[place] += vote == 1
        self._passes[place] += vote == 0
        if self._weights[place]:
            self._weigh(place)

    def learn(self, found: VoteScan) -> None:
        """Replaces all counts by those of a vote scan."""
        for id_, place in self._place_of.items():
            count = found.counts.get(id_)
            self._agrees[place], self._passes[place] = (count.agree, count.pass_) if count else (0, 0)
            self._seen[place] = count.agree + count.disagree + count.pass_ if count else 0
            self._extremity[place] = found.extremity.get(id_, 0.0)
            if id_ in self._released:
                self._weigh(place)
        self.fresh_votes, self.surveyed_votes = (
            0,
            sum(one.agree + one.disagree + one.pass_ for one in found.counts.values()),
        )

    def next(self, without: Set[int], number: int, seed: int) -> list[int]:
        """Draws up to `number` proposals that are not among `without`, in proportion to their priority."""
        weights: Floats = self._weights
        places = [place for id_ in without if (place := self._place_of.get(id_)) is not None]
        if places:
            weights = weights.copy()
            weights[places] = 0
        return [self._ids[place] for place in draw(weights, number, seed)]

    def left(self, without: Set[int]) -> int:
        """Returns how many proposals are not among `without`."""
        return len(self._released) - sum(id_ in self._released for id_ in without)

    def _weigh(self, place: int) -> None:
        arrays = (self._agrees, self._passes, self._seen, self._extremity)
        agrees, passes, seen, extremity = (float(one[place]) for one in arrays)
        self._weights[place] = priority(agrees, passes, seen, extremity)


class _Held(NamedTuple):
    pool: StatementPool
    look_after: float


class _Look(NamedTuple):
    """The last scan of all votes, and the earliest time of the next one."""

    at: float
    not_before: float


class StatementPools:
    """The pools of all consultations in use. Only the writing thread uses them, except `due` and `learn`, whose results
    take effect with the next batch.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._held: dict[int, _Held] = {}
        self._counted = 0
        self._batch: datetime | None = None
        self._looks: dict[int, _Look] = {}
        self._found: dict[int, VoteScan] = {}

    def due(self) -> list[int]:
        """Returns the consultations to scan now. Thread-safe."""
        now = self._clock()
        return [id_ for id_, held in self._held.copy().items() if self._is_due(id_, held, now)]

    def _is_due(self, consultation_id: int, held: _Held, now: float) -> bool:
        look = self._looks.get(consultation_id)
        if look is None:
            return True
        is_asked_for = held.look_after > look.at
        has_grown = held.pool.fresh_votes >= max(FEWEST, GROWTH * held.pool.surveyed_votes)
        return now >= look.not_before and (has_grown or (is_asked_for and now >= look.at + SCAN_SECONDS))

    def learn(self, consultation_id: int, found: VoteScan, seconds: float) -> None:
        """Takes the result of a vote scan. Call it from one thread at a time."""
        now = self._clock()
        self._looks[consultation_id] = _Look(now, now + PART * seconds)
        self._found[consultation_id] = found

    def of(self, connection: Connection, consultation_id: int, batch: datetime) -> StatementPool:
        """Returns the pool of a consultation as it was when this batch began."""
        self._count(connection, batch)
        held = self._held.get(consultation_id)
        began = self._clock()
        if held is not None and began < held.look_after:
            return held.pool
        pool = held.pool if held else StatementPool()
        new, gone = pool.changed(visible_proposals(connection, consultation_id))
        pool.remove(gone)
        if new:
            # Votes of this batch are not written yet; older ones are counted.
            pool.add(list(proposals_by_id(connection, new).values()), count_ratings(connection, new))
        now = self._clock()
        self._held[consultation_id] = _Held(pool, now + max(LOOK_SECONDS, PART * (now - began)))
        return pool

    def _count(self, connection: Connection, batch: datetime) -> None:
        """Counts the votes since the last batch, once per batch and before its own votes, which may still be rolled
        back.
        """
        if batch == self._batch:
            return
        self._batch = batch
        if not self._held:
            self._counted = newest_vote_id(connection)
            return
        for vote in votes_after(connection, self._counted):
            self._counted = vote.id
            for held in self._held.values():
                held.pool.count(vote.proposal_id, vote.vote)
        while self._found:
            self._apply(connection, *self._found.popitem())

    def _apply(self, connection: Connection, consultation_id: int, found: VoteScan) -> None:
        pool = self._held[consultation_id].pool
        pool.learn(found)
        for vote in votes_after(connection, found.newest_event):
            pool.count(vote.proposal_id, vote.vote)


def proposal_text(row: StoredProposal) -> str:
    """Returns title and text of a proposal."""
    return f"{row.title}\n{row.text}" if row.title else row.text
