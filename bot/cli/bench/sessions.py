"""Measures the cost of open sessions: memory while the application runs, and time to restart it."""

from __future__ import annotations

import asyncio
import resource
import sys
import time
from pathlib import Path

from adapters.base import Receive
from bot.cli.bench.live import bench_app
from bot.cli.bench.subject import SLUG, message

BATCH = 1000


def resident_kb() -> float:
    """Returns the memory of this process in kilobytes: the current value if the system reports it, else the peak."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
        return pages * resource.getpagesize() / 1024
    except OSError:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak / 1024 if sys.platform == "darwin" else peak


async def open_sessions(url: str, number: int) -> float:
    """Opens the given number of sessions; returns the kilobytes of memory each one uses afterwards."""
    app = bench_app(url)
    async with app.running():
        await _open(app.conversations.receive, 0, BATCH)
        await app.outbox.drained()
        before = resident_kb()
        for first in range(BATCH, number + BATCH, BATCH):
            await _open(app.conversations.receive, first, BATCH)
        await app.outbox.drained()
        return max(0.0, resident_kb() - before) / number


async def _open(receive: Receive, first: int, number: int) -> None:
    await receive([message(f"open-{first + offset}", 0, f"/start {SLUG}") for offset in range(number)])


async def start_up_s(url: str, person: int) -> float:
    """Returns the seconds from process start to the first committed answer, sent by the given contact with an open
    session.
    """
    began = time.perf_counter()
    app = bench_app(url)
    async with app.running():
        await app.conversations.receive([message(f"open-{person}", 1, "1")])
        took = time.perf_counter() - began
        if app.conversations.counts.answers != 1:
            raise AssertionError("the open session was not found again")
        await asyncio.sleep(0)
    return took
