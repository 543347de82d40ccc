"""Durable answers per second through the WebSocket, end to end, and the weight of the chat page.

The house runs in this process; the residents in another one, which talks to it over the loopback and counts: what
clients cost is then no work of the server.
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Final, NamedTuple

from adapters.web.hub import WebHub
from adapters.web.limits import Rate, WebLimits
from bot.bench.live import house
from bot.web.server import WebServer

RESIDENTS: Final = 200
ROUNDS: Final = 3
SECONDS: Final = 120.0
"""So long a run may take before it is given up."""
HOST: Final = "127.0.0.1"
_NONE: Final = Rate(0, 1)
# All residents come from one address, and none of them is as slow as a person.
LIMITS: Final = WebLimits(
    conversation=_NONE, address=_NONE, new=_NONE, new_network=_NONE, lines=RESIDENTS, lines_address=0
)


class Measured(NamedTuple):
    """One run. Latency is from sending a message until its acknowledgement is read, in milliseconds."""

    answers_per_s: float
    p50_ms: float
    p99_ms: float
    page_kb: float
    """The chat page with its style and its script, as they are sent to a browser that takes gzip."""


async def measure(url: str, residents: int = RESIDENTS, rounds: int = ROUNDS) -> Measured:
    """Residents who answer as fast as they are acknowledged: all questions, once a round.

    Conversations are begun and lines opened between the rounds, while the clock stands.
    """
    app = house(url, {"web": WebHub()})
    server = WebServer(app, LIMITS)
    async with app.running():
        try:
            port = await server.start(HOST, 0)
            async with asyncio.timeout(SECONDS):
                measured = await _in_another_process(port, residents, rounds)
        finally:
            await server.stop()
        counts = app.conversations.counts
        if counts.failures or counts.answers != measured.answers:
            raise AssertionError(f"{measured.answers} answers were acknowledged, {counts.answers} are stored")
    return measured.figures


class _Told(NamedTuple):
    answers: int
    figures: Measured


async def _in_another_process(port: int, residents: int, rounds: int) -> _Told:
    """What the residents counted."""
    arguments = (str(port), str(residents), str(rounds))
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot.bench.residents", *arguments, stdout=asyncio.subprocess.PIPE
    )
    try:
        output, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        raise AssertionError("the residents did not come to an end")
    answers, *figures = json.loads(output)
    return _Told(answers, Measured(*figures))
