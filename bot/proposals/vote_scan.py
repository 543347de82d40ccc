"""Scans all votes of a consultation in the background: the last vote of each participant, and how much each statement
divides participants.

Between scans the router only adds to its counts (`bot.proposals.pool`). These drift where votes are changed or erased,
or where another process commits an older vote late.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from functools import partial
from typing import Final, NamedTuple, Protocol

import numpy as np
import structlog
from sqlalchemy import Connection

from bot.common.logs import error_place
from bot.results import vote_loader
from bot.results.methods.components import plane
from bot.results.methods.matrix import last_votes
from storage.core.errors import StorageError
from storage.core.store import Store
from storage.tables.ratings import RatingCount, count_ratings, newest_vote_id

log = structlog.get_logger()

CHECK_SECONDS: Final = 5.0


class VoteScan(NamedTuple):
    """The result of one scan, by proposal."""

    newest_event: int
    """The id of the newest vote in it."""
    counts: Mapping[int, RatingCount]
    """By the last vote of each participant; proposals without ratings are left out."""
    extremity: Mapping[int, float]
    """The length of its projection; 0 for a statement that does not divide participants."""


class ScanTarget(Protocol):
    """The receiver of scans."""

    def due(self) -> list[int]:
        """Returns the consultations to scan now."""

    def learn(self, consultation_id: int, found: VoteScan, seconds: float) -> None:
        """Takes the result of a scan; `seconds` is its duration."""


def scan_votes(connection: Connection, consultation_id: int) -> VoteScan:
    """Scans a consultation. Reads every vote, so it must not run on the writing thread."""
    newest = newest_vote_id(connection)
    loaded = vote_loader.load_votes(connection, consultation_id)
    matrix = last_votes(loaded.log)
    shown = frozenset(loaded.shown)
    hidden = [name not in shown for name in matrix.statements]
    lengths = plane(matrix, np.array(hidden, dtype=np.bool_)).extremity if len(matrix.people) else ()
    extremity = {loaded.proposals[name].id: float(it) for name, it in zip(matrix.statements, lengths, strict=False)}
    counts = count_ratings(connection, [row.id for row in loaded.proposals.values()])
    return VoteScan(newest, counts, extremity)


async def keep_scanning_votes(store: Store, wanting: ScanTarget) -> None:
    """Scans the due consultations one after another until it is cancelled."""
    while True:
        for consultation_id in wanting.due():
            began = time.monotonic()
            try:
                found = await store.read(partial(scan_votes, consultation_id=consultation_id))
            except StorageError as error:
                log.error("vote_analysis_failed", consultation_id=consultation_id, **error_place(error))
                break
            wanting.learn(consultation_id, found, time.monotonic() - began)
        await asyncio.sleep(CHECK_SECONDS)
