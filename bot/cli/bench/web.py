"""Durable answers per second through the WebSocket, end to end, the form, and the weight of the chat page.

The application runs in this process; the residents in another one, which talks to it over the loopback and counts: what
clients cost is then no work of the server.
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Final, NamedTuple

from adapters.web.hub import WebHub
from adapters.web.limits import Rate, WebLimits
from bot.cli.bench.live import bench_app
from bot.web.server import WebServer

RESIDENTS: Final = 200
ROUNDS: Final = 3
PEOPLE: Final = 10
"""So many fill in the form, one after another."""
SECONDS: Final = 120.0
"""So long a run may take before it is given up."""
HOST: Final = "127.0.0.1"
_NONE: Final = Rate(0, 1)
# All residents come from one address, and none of them is as slow as a person.
LIMITS: Final = WebLimits(
    conversation=_NONE, address=_NONE, new=_NONE, new_network=_NONE, lines=RESIDENTS, lines_address=0, connections=0
)


class WebMeasurement(NamedTuple):
    """One run. Latency is from sending a message until its acknowledgement is read, in milliseconds."""

    answers_per_s: float
    p50_ms: float
    p99_ms: float
    page_kb: float
    """The chat page with its style and its script, as they are sent to a browser that takes gzip."""


class FormMeasurement(NamedTuple):
    """One person who fills in the form: medians, in milliseconds."""

    post_ms: float
    """From posting an answer until the server says where the next page is."""
    page_ms: float
    """That page."""


async def measure_web(url: str, residents: int = RESIDENTS, rounds: int = ROUNDS) -> WebMeasurement:
    """Residents who answer as fast as they are acknowledged: all questions, once a round.

    Conversations are begun and lines opened between the rounds, while the clock stands.
    """
    return WebMeasurement(*await _attended(url, "bot.cli.bench.residents", residents, rounds))


async def measure_forms(url: str, people: int = PEOPLE) -> FormMeasurement:
    """People who fill in the form without JavaScript, one after another, so that nobody else is served meanwhile."""
    return FormMeasurement(*await _attended(url, "bot.cli.bench.forms", people))


async def _attended(url: str, program: str, *numbers: int) -> list[float]:
    """What the residents of this program measured. Raises AssertionError where not every answer of theirs is stored."""
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
    """What the residents counted."""
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
