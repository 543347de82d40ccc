"""Has new editions of figures made while the house runs, each in a process of its own.

The conversations share nothing with that process but the database: it may take long, fail or be killed, and nobody is
answered later because of it.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Final

import structlog

import bot
from bot.common.logs import error_place
from bot.consultations.live_revisions import LiveRevisions
from bot.results.editions.renewal import REST_FACTOR, due_editions
from storage.core.errors import StorageError
from storage.core.store import Store

log = structlog.get_logger()

LOOK_SECONDS: Final = 15.0
"""How often somebody looks whether anything changed."""
AGAIN_SECONDS: Final = 300.0
"""After a failure the same consultation is left alone for so long."""
LONGEST_SECONDS: Final = 3600.0
"""A process that takes longer than this hangs, and is ended."""

Make = Callable[[Sequence[str]], Awaitable[list[dict[str, Any]]]]
"""Makes the next editions of these consultations; gives for each what became of it, as `bot.results.editions.job` says
it.
"""


class EditionService:
    """Decides when the next edition is made. One job runs at a time, and after it as long a rest as `SELDOM` says,
    which only what people wait for cuts short.
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
        """Says that somebody waits for the first edition of a consultation, and waits for it, but not longer."""
        ended = self._ended
        self._woken.set()
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await ended.wait()

    async def run(self) -> None:
        """Looks again and again until it is cancelled. A failure is logged and tried again later."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_SECONDS):
                    await self._woken.wait()
            self._woken.clear()
            try:
                await self.look()
            except (StorageError, OSError) as fault:
                log.error("edition_check_failed", **error_place(fault))

    async def look(self) -> None:
        """Makes what is due now. Raises StorageError, OSError."""
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
    """Runs `bot.results.editions.job` and gives its lines. A process that ended badly is logged; what it did not come
    to is not in the list. When this task is cancelled the process is ended.
    """
    wanted = {"url": store.url, "belongs_to": store.belongs_to, "slugs": list(slugs)}
    root = str(Path(bot.__file__).parents[1])
    path = os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH", ""))))
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "bot.results.editions.job",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": path},
        start_new_session=True,  # Ctrl-C in a terminal is for the house, which ends this process itself
    )
    try:
        async with asyncio.timeout(LONGEST_SECONDS):
            said, _ = await process.communicate(json.dumps(wanted).encode())
    except TimeoutError:
        log.error("edition_process_timed_out", count=len(slugs))
        return []
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    if process.returncode:
        log.error("edition_process_failed", status=process.returncode)
    lines = (line for line in said.decode(errors="replace").splitlines() if line.startswith("{"))
    return [json.loads(line) for line in lines]
