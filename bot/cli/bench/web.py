"""Measures stored answers per second through the WebSocket end to end, the form, and the size of the chat page.

The application runs in this process. The simulated residents run in another one, connect over the loopback and count,
so that their cost is not measured.
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Final, NamedTuple

from adapters.web.hub import WebHub
from adapters.web.limits import BeginRules, Rate, WebLimits
from bot.cli.bench.live import bench_app
from bot.web.server import WebServer

RESIDENTS: Final = 200
ROUNDS: Final = 3
PEOPLE: Final = 10
"""The number of visitors that fill in the form, one after another."""
SECONDS: Final = 120.0
"""The timeout of a run."""
HOST: Final = "127.0.0.1"
_NONE: Final = Rate(0, 1)
# All simulated residents share one address and answer faster than a person.
LIMITS: Final = WebLimits(
    conversation=_NONE,
    address=_NONE,
    begins=BeginRules(free=0),
    new_network=_NONE,
    lines=RESIDENTS,
    lines_address=0,
    connections=0,
)


class WebMeasurement(NamedTuple):
    """One run. Latency is from sending a message until its acknowledgement is read, in milliseconds."""

    answers_per_s: float
    p50_ms: float
    p99_ms: float
    page_kb: float
    """The size of the chat page with its style and its script, compressed with gzip."""


class FormMeasurement(NamedTuple):
    """One visitor that fills in the form: medians, in milliseconds."""

    post_ms: float
    """The time from posting an answer to the redirect to the next page."""
    page_ms: float
    """The time to load that page."""


async def measure_web(url: str, residents: int = RESIDENTS, rounds: int = ROUNDS) -> WebMeasurement:
    """Measures residents that answer after each acknowledgement: all questions, once a round.

    Conversations start and connections open between the rounds, while the clock is stopped.
    """
    return WebMeasurement(*await _attended(url, "bot.cli.bench.residents", residents, rounds))


async def measure_forms(url: str, people: int = PEOPLE) -> FormMeasurement:
    """Measures visitors that fill in the form without JavaScript, one after another, so that requests do not
    overlap.
    """
    return FormMeasurement(*await _attended(url, "bot.cli.bench.forms", people))


async def _attended(url: str, program: str, *numbers: int) -> list[float]:
    """Returns the measurements of the other process. Raises AssertionError unless all its answers are stored."""
    app = bench_app(url, {"web": WebHub()})
    server = WebServer(app, LIMITS)
    async with app.running():
        try:
            port = await server.start(HOST, 0)
            async with asyncio.timeout(SECONDS):
                answers, *figures = await _in_another_process(program, port, *numbers)
        finally:
            await server.stop()
        counts = app.conversations.counts
        if counts.failures or counts.answers != answers:
            raise AssertionError(f"{answers} answers were acknowledged, {counts.answers} are stored")
    return figures


async def _in_another_process(program: str, *numbers: int) -> list[float]:
    """Returns the counts of the residents."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", program, *map(str, numbers), stdout=asyncio.subprocess.PIPE
    )
    try:
        output, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        raise AssertionError("the residents did not come to an end")
    return list(map(float, json.loads(output)))
