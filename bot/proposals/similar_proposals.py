"""Similar proposals for moderators: the measure of `bot.proposals.similarity`, over released and waiting proposals."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import partial
from threading import Lock
from typing import Final, NamedTuple

from sqlalchemy import Connection, Engine

from bot.proposals.pool import proposal_text
from bot.proposals.similarity import NEAREST, SimilarityIndex
from storage.core.errors import StorageError
from storage.core.store import Store
from storage.tables.moderation import ModerationState
from storage.tables.proposals import StoredProposal, proposals_by_id
from storage.tables.waiting_texts import comparable_proposals, count_waiting

MOST_COMPARED: Final = 5_000
"""The number of newest proposals of each state that are compared: enough to find duplicates submitted at the
same time.
"""
FIRST_PAUSE_SECONDS: Final = 2.0
"""The service answers residents before it indexes texts for the team."""
PAUSE_SECONDS: Final = 300.0
_KEPT: Final = 8
"""Consultations whose index stays in memory."""


class SimilarProposal(NamedTuple):
    """A similar proposal with its state and similarity, 0 to 100."""

    proposal: StoredProposal
    state: ModerationState
    likeness: int


class _Compared:
    """The index of one consultation. Each look-up first brings it up to date with the texts of the database."""

    def __init__(self) -> None:
        self._index = SimilarityIndex()
        self._texts: dict[int, str] = {}
        self._added = 0
        self._lock = Lock()

    def similar(self, texts: Mapping[int, str], about: Mapping[int, str], most: int) -> dict[int, dict[int, float]]:
        """Returns up to `most` similar texts of `texts` for each of `about`, with their scores."""
        with self._lock:
            self._update(texts)
            found = {number: self._index.scored(text, most + 1) for number, text in about.items()}
        return {number: dict([it for it in scored if it[0] != number][:most]) for number, scored in found.items()}

    def _update(self, texts: Mapping[int, str]) -> None:
        if self._added > 2 * len(texts) + MOST_COMPARED:  # removed texts leave empty slots
            self._index, self._texts, self._added = SimilarityIndex(), {}, 0
        for gone in self._texts.keys() - texts.keys():
            self._index.remove(gone)
            del self._texts[gone]
        # As sets: a loop over thousands of equal texts would take longer than the look-ups.
        for number, text in sorted(texts.items() - self._texts.items()):
            self._index.add(number, text)
            self._texts[number] = text
            self._added += 1


_indexes: Final[OrderedDict[tuple[Engine, int], _Compared]] = OrderedDict()
"""By database and consultation."""
_indexes_lock: Final = Lock()


def find_similar_proposals(
    connection: Connection, consultation_id: int, about: Sequence[StoredProposal], most: int = NEAREST
) -> dict[int, list[SimilarProposal]]:
    """Returns up to `most` similar released and waiting proposals for each of these, the most similar first."""
    states: dict[int, ModerationState] = {}
    texts: dict[int, str] = {}
    for state in ("released", "waiting"):
        rows = comparable_proposals(connection, consultation_id, state, MOST_COMPARED)
        states |= dict.fromkeys(rows, state)
        texts |= rows
    wanted = {row.id: proposal_text(row) for row in about}
    found = _index_of((connection.engine, consultation_id)).similar(texts, wanted, most)
    known = proposals_by_id(connection, sorted({number for scores in found.values() for number in scores}))
    return {
        number: [
            SimilarProposal(known[other], states[other], round(score))
            for other, score in scores.items()
            if other in known
        ]
        for number, scores in found.items()
    }


async def keep_indexes_ready(store: Store) -> None:
    """Indexes the texts of the longest queues until cancelled, so that opening a queue does not wait for it."""
    while True:
        await asyncio.sleep(FIRST_PAUSE_SECONDS)
        with suppress(StorageError):  # the reading page indexes them itself
            waiting = await store.read(count_waiting)
            longest = sorted(waiting, key=lambda number: waiting[number], reverse=True)[:_KEPT]
            for number in longest:
                await store.read(partial(find_similar_proposals, consultation_id=number, about=()))
        await asyncio.sleep(PAUSE_SECONDS)


def _index_of(key: tuple[Engine, int]) -> _Compared:
    with _indexes_lock:
        index = _indexes.setdefault(key, _Compared())
        _indexes.move_to_end(key)
        if len(_indexes) > _KEPT:
            _indexes.popitem(last=False)
    return index
