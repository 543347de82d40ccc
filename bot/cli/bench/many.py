"""Measures the cost of many published consultations: time and memory until all are listed, then each refresh."""

from __future__ import annotations

import asyncio
import multiprocessing
import statistics
import time
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from typing import Final, NamedTuple

from bot.authoring import file_check
from bot.authoring.publishing import SAMPLES
from bot.cli.bench.sessions import resident_kb
from bot.consultations.catalogue import Catalogue
from bot.web.consultation_cache import ConsultationCache
from storage import migrate
from storage.core.store import Store
from storage.tables.publications import Publication, store_publication
from storage.tables.revisions import list_live_revision_heads
from storage.tables.triggers import replace_triggers

CONSULTATIONS: Final = 500
SAMPLE: Final = SAMPLES / "kiez-ideen.yaml"
"""The longest of the samples: eight languages, 22,000 characters."""
LOOKS: Final = 9


class Listed(NamedTuple):
    """Cost until the chat and the pages list all consultations, in a new process; then of each refresh per second."""

    seconds: float
    mb: float
    look_ms: float


def prepare_consultations(url: str, number: int = CONSULTATIONS) -> None:
    """Publishes this number of consultations."""
    store = Store(url)
    migrate.upgrade(store)
    sample = file_check.read_consultation_file(SAMPLE).consultation
    if sample is None:
        raise AssertionError("the sample cannot be read")
    with store.begin() as connection:
        for each in range(number):
            slug, word = f"bench-{each}", f"bench{each}"
            made = sample.model_copy(update={"slug": slug, "keywords": (word,), "sample": False})
            stored = file_check.canonical_content(made)
            new = Publication(
                consultation_id=2 * each + 1,
                revision_id=2 * each + 2,
                slug=slug,
                content=stored,
                content_hash=file_check.content_digest(stored),
                published_at=datetime.now(UTC),
            )
            revision = store_publication(connection, new)
            replace_triggers(connection, revision.consultation_id, [("keyword", word)])
    store.dispose()


def listed(url: str) -> Listed:
    """Measures in a separate process, because memory left by another measurement would hide the growth."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as apart:
        return apart.submit(_listed, url).result()


def _listed(url: str) -> Listed:
    store = Store(url)
    with store.reading() as connection:
        list_live_revision_heads(connection)  # opens the connection and fills the caches of SQLAlchemy
    before, began = resident_kb(), time.perf_counter()
    catalogue, board = Catalogue(), ConsultationCache(store)
    with store.reading() as connection:
        catalogue.refresh(connection)
    asyncio.run(board.refresh())
    seconds, mb = time.perf_counter() - began, (resident_kb() - before) / 1000
    if len(catalogue.known_slugs()) != len(board.all_listed()):
        raise AssertionError("they do not list the same")
    looks: list[float] = []
    with store.reading() as connection:
        for _ in range(LOOKS):
            began = time.perf_counter()
            catalogue.refresh(connection)
            looks.append((time.perf_counter() - began) * 1000)
    store.dispose()
    return Listed(seconds, mb, statistics.median(looks))
