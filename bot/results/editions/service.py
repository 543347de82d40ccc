"""Makes new editions of figures while the service runs, each in its own process.

The conversations share only the database with that process: it may take long, fail or be killed without delaying any
reply.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final

import structlog

from bot.common.child_process import run_module
from bot.common.logs import error_place
from bot.consultations.live_revisions import LiveRevisions
from bot.results.editions.renewal import REST_FACTOR, due_editions
from storage.core.errors import StorageError
from storage.core.store import Store

log = structlog.get_logger()

JOB: Final = "bot.results.editions.job"
LOOK_SECONDS: Final = 15.0
"""The interval between checks for changes."""
AGAIN_SECONDS: Final = 300.0
"""The pause before a failed edition is tried again."""
LONGEST_SECONDS: Final = 3600.0
"""A job that takes longer is killed."""

Make = Callable[[Sequence[str]], Awaitable[list[dict[str, Any]]]]
"""Makes the next editions of these consultations; returns the output of `bot.results.editions.job` for each."""


class EditionService:
    """Decides when the next edition is made. One job runs at a time, followed by a pause (`REST_FACTOR`) that only
    urgent editions cut short.
    """

    def __init__(self, store: Store, make: Make | None = None) -> None:
        self._store = store
        self._live = LiveRevisions()
        self.make = make or partial(run_job, store)
        self._woken = asyncio.Event()
        self._rest_until = 0.0
        self._failed: dict[str, float] = {}
        self._turn = asyncio.Lock()
        self._ended = asyncio.Event()

    async def first(self, seconds: float) -> None:
        """Requests the first edition of a consultation, and waits for it for at most `seconds`."""
        ended = self._ended
        self._woken.set()
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await ended.wait()

    async def run(self) -> None:
        """Checks for due editions until it is cancelled. Failures are logged and retried later."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_SECONDS):
                    await self._woken.wait()
            self._woken.clear()
            try:
                await self.look()
            except (StorageError, OSError) as error:
                log.error("edition_check_failed", **error_place(error))

    async def look(self) -> None:
        """Makes the editions that are due now. Raises StorageError, OSError."""
        found = await self._store.read(lambda connection: list(due_editions(connection, datetime.now(UTC), self._live)))
        now = time.monotonic()
        chosen = [it for it in found if it.is_urgent or now >= self._rest_until]
        await self.renew({it.slug: it.consultation_id for it in chosen if now >= self._failed.get(it.slug, 0.0)})

    async def renew(self, wanted: Mapping[str, int]) -> None:
        """Makes the next editions of these consultations (slug → id), as far as anything changed."""
        if not wanted:
            return
        async with self._turn:
            began = time.monotonic()
            results = await self.make(list(wanted))
            ended = time.monotonic()
            for it in results:
                if "fault" in it:
                    log.error("edition_failed", consultation_id=wanted[it["slug"]], **it["fault"])
            done = {it["slug"] for it in results if "fault" not in it}
            self._failed |= {slug: ended + AGAIN_SECONDS for slug in wanted if slug not in done}
            self._rest_until = ended + REST_FACTOR * (ended - began)
            self._ended.set()
            self._ended = asyncio.Event()


async def run_job(store: Store, slugs: Sequence[str]) -> list[dict[str, Any]]:
    """Runs `bot.results.editions.job` and returns its lines. A failed process is logged; editions it did not reach are
    missing from the list. Cancelling this task kills the process.
    """
    wanted = {"url": store.url, "belongs_to": store.belongs_to, "slugs": list(slugs)}
    found: list[dict[str, Any]] = []

    async def collect(line: dict[str, Any]) -> None:
        found.append(line)

    try:
        status = await run_module(JOB, wanted, collect, LONGEST_SECONDS)
    except TimeoutError:
        log.error("edition_process_timed_out", count=len(slugs))
        return []
    if status:
        log.error("edition_process_failed", status=status)
    return found
