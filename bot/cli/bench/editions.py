"""Measures how much computing an edition of figures slows down conversations: answers per second with and without it.

Both are measured alternately on copies of one database, so that their ratio is valid on a busy machine too.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from itertools import count
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from sqlalchemy import Connection

from bot.app import App
from bot.authoring.file_check import canonical_content, content_digest
from bot.cli.bench import live
from bot.cli.bench.live import LiveMeasurement
from bot.cli.bench.subject import QUESTIONS, consultation
from bot.results.editions.service import run_job
from flows.session import Session
from storage import migrate
from storage.core.store import Store
from storage.tables.answers import NewAnswer, upsert_answers
from storage.tables.publications import Publication, store_publication
from storage.tables.revisions import PublishedRevision, find_live_revision
from storage.tables.sessions import StoredSession, insert_sessions

SLUG: Final = "large"
PEOPLE: Final = 40_000
"""The number of people; each answers five questions: 200,000 answers."""
SECONDS: Final = 12.0
AT_ONCE: Final = 5_000
SEED: Final = 1
_BEGAN: Final = datetime(2026, 11, 1, tzinfo=UTC)
_FIRST: Final = 1 << 50
"""The first ids, which no other code makes."""


class Shared(NamedTuple):
    """One run of each, alone and while editions are computed; number and duration of the editions."""

    alone: LiveMeasurement
    beside: LiveMeasurement
    editions: int
    seconds: float

    @property
    def ratio(self) -> float:
        """The remaining share of the throughput."""
        return self.beside.answers_per_s / self.alone.answers_per_s

    @property
    def cpu_ratio(self) -> float:
        """The increase of processor time per answer in this process."""
        return self.beside.cpu_us / self.alone.cpu_us


def prepare_editions(url: str, people: int = PEOPLE) -> None:
    """Stores a large consultation whose figures are public."""
    store = Store(url)
    migrate.upgrade(store)
    with store.begin() as connection:
        large = consultation().model_copy(update={"slug": SLUG, "results": "live"})
        text = canonical_content(large)
        new = Publication(
            consultation_id=_FIRST,
            revision_id=_FIRST + 1,
            slug=SLUG,
            content=text,
            content_hash=content_digest(text),
            published_at=_BEGAN,
        )
        revision = store_publication(connection, new)
        for start in range(0, people, AT_ONCE):
            _answer(connection, revision, range(start, min(start + AT_ONCE, people)))
    store.dispose()


def measure_editions(file: Path, *, residents: int = 64, seconds: float = SECONDS) -> Shared:
    """Measures a pair of runs on copies of a prepared SQLite file: first with editions, until the given seconds are
    over and the running edition is complete, then without for the same time.
    """
    made: list[float] = []
    took = seconds

    async def edit(app: App) -> None:
        nonlocal took
        began = time.perf_counter()
        for number in count(PEOPLE * 1_000):
            await app.store.write(partial(_answer_more, number=number))  # so that the edition has to be recomputed
            since = time.perf_counter()
            (found,) = await run_job(app.store, [SLUG])
            # A suppressed edition, which may not follow the previous one, has no figures of its own.
            made.append(found.get("seconds", time.perf_counter() - since))
            took = time.perf_counter() - began
            if took >= seconds:
                return

    beside = asyncio.run(live.measure_live(_copy(file, "beside"), residents, beside=edit))
    alone = asyncio.run(live.measure_live(_copy(file, "alone"), residents, seconds=took))
    return Shared(alone, beside, len(made), sum(made) / len(made))


def _copy(file: Path, name: str) -> str:
    copy = file.with_name(f"{file.stem}-{name}.db")
    for old in (copy, Path(f"{copy}-wal"), Path(f"{copy}-shm")):
        with suppress(FileNotFoundError):
            old.unlink()
    shutil.copyfile(file, copy)
    return f"sqlite:///{copy}"


def _answer_more(connection: Connection, number: int) -> None:
    """Stores one more participation."""
    found = find_live_revision(connection, SLUG)
    if found is None:
        raise AssertionError("the large consultation is not there")
    _answer(connection, found, [number])


def _answer(connection: Connection, revision: PublishedRevision, people: Sequence[int]) -> None:
    """Stores the complete participations of these contacts, given by number."""
    chance = np.random.default_rng([SEED, people[0]])
    said = chance.choice(["yes", "no", "maybe"], (len(people), QUESTIONS)).tolist()
    done = Session("code", "de", "R", status="completed", submitted=True).to_json()
    rows = [
        StoredSession(
            id=_FIRST + 2 + number,
            consultation_id=revision.consultation_id,
            revision_id=revision.id,
            pseudonym=f"{_FIRST + number:032x}",
            waiting_key=None,
            state=done,
            status="completed",
            channel="bench",
            language="de",
            mode="self",
            receipt=f"L-{number}",
            place_code=None,
            started_at=_BEGAN,
            updated_at=_BEGAN,
            ended_at=_BEGAN,
        )
        for number in people
    ]
    insert_sessions(connection, rows)
    given = [
        NewAnswer(
            session_id=row.id,
            question_key=f"q{place}",
            consultation_id=revision.consultation_id,
            revision_id=revision.id,
            value=json.dumps(value),
            missing=None,
            free_text=False,
            answered_at=_BEGAN,
            channel="bench",
            language="de",
            mode="self",
        )
        for row, values in zip(rows, said, strict=True)
        for place, value in enumerate(values)
    ]
    upsert_answers(connection, given)
