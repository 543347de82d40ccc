"""Measures answers per second over Telegram, and the rate of its sender alone.

The application runs in this process. The Telegram stand-in and its simulated residents run in another process, which
counts, so that their cost is not measured. They come with the tests (`tests/botapi`).
"""

from __future__ import annotations

import asyncio
import json
import socket
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

from adapters.base import Outgoing, Replies, Sent
from adapters.telegram.channel import TelegramChannel
from adapters.telegram.options import TelegramSettings
from bot.cli.bench.live import bench_app
from bot.web.server import WebServer
from flows.messages import MsgIn, MsgOut, QuickReply

Mode = Literal["polling", "webhook"]
MODES: Final[tuple[Mode, ...]] = ("polling", "webhook")
ROOT: Final = Path(__file__).resolve().parents[3]
RESIDENTS: Final = 256
ROUNDS: Final = 3
SECONDS: Final = 120.0
WORKERS: Final = 250
"""The limits of a bot that may send 1,000 messages per second."""
SENDS: Final = 10_000
HOST: Final = "127.0.0.1"


class TelegramMeasurement(NamedTuple):
    """One run. Latency is the time from sending a message to its reply, which is sent after the commit, in
    milliseconds.
    """

    answers_per_s: float
    p50_ms: float
    p99_ms: float


def is_there() -> bool:
    """Whether this installation contains the stand-in."""
    return (ROOT / "tests" / "botapi").is_dir()


async def measure_telegram(
    url: str, mode: Mode, residents: int = RESIDENTS, rounds: int = ROUNDS
) -> TelegramMeasurement:
    """Measures residents that answer each question immediately: all questions, once a round."""
    async with _stand_in(residents, rounds) as (process, api), asyncio.timeout(SECONDS):
        port = _free_port()
        channel = unlimited(api["url"], api["token"], mode, webhook_url=f"http://{HOST}:{port}/hooks/telegram")
        app = bench_app(url, {"telegram": channel})
        server = WebServer(app)
        await server.start(HOST, port)
        async with app.running():
            answers, *figures = json.loads(await _line(process))
            await server.stop()
        counts = app.conversations.counts
        if counts.failures or counts.answers != answers:
            raise AssertionError(f"{answers} answers were given, {counts.answers} are stored")
    return TelegramMeasurement(*figures)


async def sends_per_s(messages: int = SENDS) -> float:
    """Returns the messages sent per second, each a question with three buttons to another contact."""
    async with _stand_in(messages, 0) as (_, api):
        channel = unlimited(api["url"], api["token"])
        replies = tuple(QuickReply(f"abc123.lamps.{value}", value) for value in ("ja", "nein", "egal"))
        msg = MsgOut("Soll es in Ihrer Straße mehr Bäume und weniger Parkplätze geben?", replies, expects="one")
        numbers = iter(range(1, messages + 1))

        async def send() -> None:
            for number in numbers:
                delivery = await channel.send(Outgoing(number, str(api["first"] + number), msg))
                if not isinstance(delivery, Sent):
                    raise AssertionError(f"a message was not sent: {delivery}")

        await channel.start(_nobody)
        began = time.perf_counter()
        await asyncio.gather(*(send() for _ in range(WORKERS)))
        took = time.perf_counter() - began
        await channel.stop()
        await channel.close()
    return messages / took


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


async def _nobody(messages: Sequence[MsgIn]) -> Sequence[Replies]:
    """Yields no messages."""
    return [()] * len(messages)


def unlimited(url: str, token: str, mode: Mode = "polling", webhook_url: str = "") -> TelegramChannel:
    """Removes the rate limit of the channel: the stand-in has none in this measurement."""
    given = {"type": "telegram", "token": token, "base_url": url, "workers": WORKERS, "mode": mode}
    settings = TelegramSettings.model_validate(given | {"webhook_url": webhook_url})
    channel = TelegramChannel("telegram", settings)
    channel.limits = channel.limits._replace(per_second=0, per_chat_per_second=0, per_group_per_minute=0)
    return channel


@asynccontextmanager
async def _stand_in(residents: int, rounds: int) -> AsyncIterator[tuple[asyncio.subprocess.Process, dict[str, Any]]]:
    """Starts the other process; yields its address and token."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.botapi.residents",
        str(residents),
        str(rounds),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        cwd=ROOT,
    )
    try:
        yield process, json.loads(await _line(process))
    finally:
        if process.stdin:
            process.stdin.close()
        try:
            await asyncio.wait_for(process.wait(), 10)
        except TimeoutError:
            process.kill()
            await process.wait()


async def _line(process: asyncio.subprocess.Process) -> bytes:
    assert process.stdout is not None  # noqa: S101 - for the type checker: it is a pipe
    line = await process.stdout.readline()
    if not line:
        raise AssertionError("the stand-in of Telegram ended too early")
    return line
