"""Durable answers per second through the whole message path: received, committed, replied."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Mapping
from typing import NamedTuple

from adapters.base import Channel, Delivery, Limits, Outgoing, Receive, Sent
from bot.app import App, build, tune_garbage_collector
from bot.cli.bench.subject import QUESTIONS, REPLIES, SLUG, message, publish_subject
from bot.common.keys import Keys
from bot.settings import Settings
from flows.definition import Consultation
from storage import migrate
from storage.core.store import Store

SECONDS = 3.0
Beside = Callable[[App], Coroutine[None, None, None]]
"""A task that runs beside the simulated residents."""


class LiveMeasurement(NamedTuple):
    """One run. Latency is the time from `receive` to the commit, in milliseconds."""

    answers_per_s: float
    p50_ms: float
    p99_ms: float
    cpu_us: float
    """Processor time of this process per answer, including the simulated residents: hardly affected by other
    programs.
    """


class SinkChannel:
    """A channel that accepts every message immediately."""

    name = "bench"
    limits = Limits(idempotent=True, workers=1)

    async def start(self, receive: Receive) -> None:
        """Does nothing."""

    async def send(self, message: Outgoing) -> Delivery:
        return Sent()

    async def stop(self) -> None:
        """Does nothing."""

    def trouble(self) -> str:
        return ""


def bench_app(url: str, channels: Mapping[str, Channel] | None = None, subject: Consultation | None = None) -> App:
    """Returns an application with the benchmark's consultation, or `subject` under the same slug, and a sink unless
    channels are given. Call it in an event loop.
    """
    store = Store(url)
    migrate.upgrade(store)
    with store.begin() as connection:
        publish_subject(connection, subject)
    app = build(Settings(), channels or {"bench": SinkChannel()}, store=store, keys=Keys(bytes(32)))
    tune_garbage_collector()
    return app


async def measure_live(
    url: str,
    residents: int,
    *,
    seconds: float = SECONDS,
    beside: Beside | None = None,
) -> LiveMeasurement:
    """Measures residents that answer each reply immediately, for some seconds; with `beside`, until that task ends.

    Sessions are opened beforehand, so that every counted message is one answer: a row that marks the message as
    processed, the session, the answer and the reply are committed before the next message is written.
    """
    app = bench_app(url)
    latencies: list[float] = []
    async with app.running():
        ready = _Ready(app, residents)
        await ready.open_more()
        clock = asyncio.create_task(beside(app) if beside else asyncio.sleep(seconds))
        began, cpu = time.perf_counter(), time.process_time()
        await asyncio.gather(*(_resident(app, ready, clock, latencies) for _ in range(residents)))
        took, cpu = time.perf_counter() - began - ready.paused, time.process_time() - cpu - ready.paused_cpu
        clock.result()
        await app.outbox.drained()
        if app.conversations.counts.failures:
            raise AssertionError("messages failed during the benchmark")
    latencies.sort()
    return LiveMeasurement(
        len(latencies) / took,
        latencies[len(latencies) // 2] * 1000,
        latencies[int(len(latencies) * 0.99)] * 1000,
        cpu * 1e6 / len(latencies),
    )


class _Ready:
    """A supply of open sessions for the simulated residents; more are opened while the clock is stopped."""

    def __init__(self, app: App, residents: int) -> None:
        self.paused = self.paused_cpu = 0.0
        self._app = app
        self._at_once = max(64, residents * 40)
        self._number = 0
        self._addresses: list[str] = []
        self._lock = asyncio.Lock()

    async def open_more(self) -> None:
        names = [f"resident-{self._number + number}" for number in range(self._at_once)]
        self._number += len(names)
        await self._app.conversations.receive([message(name, 0, f"/start {SLUG}") for name in names])
        await self._app.outbox.drained()
        self._addresses += names

    async def take(self) -> str:
        async with self._lock:
            if not self._addresses:
                began, cpu = time.perf_counter(), time.process_time()
                await self.open_more()
                self.paused += time.perf_counter() - began
                self.paused_cpu += time.process_time() - cpu
            return self._addresses.pop()


async def _resident(app: App, ready: _Ready, clock: asyncio.Task[None], latencies: list[float]) -> None:
    while not clock.done():
        address = await ready.take()
        for number in range(QUESTIONS):
            msg = message(address, number + 1, REPLIES[number])
            began = time.perf_counter()
            await app.conversations.receive([msg])
            latencies.append(time.perf_counter() - began)
