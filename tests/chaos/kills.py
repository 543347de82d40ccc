"""Kills the service repeatedly and compares the messages with the record of the counterpart."""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import text

from storage import migrate
from storage.core.store import Store
from tests.chaos.talk import Talker
from tests.support.app import consultation, publish
from tests.support.timeouts import PATIENCE
from tests.test_adapters.crashes import NAMES
from tests.test_adapters.harness import Harness

ROOT = Path(__file__).parents[2]
LONGEST_LIFE = 3.0
"""Seconds, from when it is up, after which an app is killed that has not come by the step at which it was to die."""
RANDOM_LIFE = 0.6
RANDOM = "at random"


@dataclass
class Report:
    """What came of it. `doubled_per_kill`: the most that one kill doubled."""

    channel: str
    kills: Counter[str] = field(default_factory=Counter)
    answers: int = 0
    lost_answers: int = 0
    doubled_answers: int = 0
    messages: int = 0
    lost_messages: int = 0
    doubled_messages: int = 0
    doubled_per_kill: int = 0
    disordered: int = 0
    seconds: float = 0.0
    secrets: tuple[str, ...] = ()
    """Tokens, passwords and addresses that no log may hold."""

    def line(self) -> str:
        kills = sum(self.kills.values())
        return (
            f"{self.channel}: {kills} kills, {self.answers} answers ({self.lost_answers} lost, "
            f"{self.doubled_answers} doubled), {self.messages} messages sent ({self.lost_messages} lost, "
            f"{self.doubled_messages} doubled, at most {self.doubled_per_kill} by one kill, "
            f"{self.disordered} out of order), {self.seconds:.0f} s"
        )


class Life:
    """One app, from the fork to its end."""

    def __init__(self) -> None:
        self.pid: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self.up = asyncio.Event()
        self.ended = asyncio.Event()
        self.status = 0

    async def kill(self) -> None:
        if not self.ended.is_set():
            with suppress(ProcessLookupError):  # it has just died by itself, without a report so far
                os.kill(await self.pid, signal.SIGKILL)
        await self.ended.wait()


class Nursery:
    """The process that forks the apps."""

    def __init__(self, process: asyncio.subprocess.Process, order: dict[str, Any]) -> None:
        self._process = process
        self._order = order
        self._life: Life | None = None

    async def begin(self, crash: str = "") -> Life:
        """A new app, which kills itself at this step."""
        self._life = life = Life()
        assert self._process.stdin
        self._process.stdin.write(json.dumps(self._order | {"crash": crash}).encode() + b"\n")
        await life.pid
        return life

    async def end(self) -> None:
        """Ends all processes."""
        if self._life:
            await self._life.kill()

    async def listen(self) -> None:
        assert self._process.stdout
        while line := await self._process.stdout.readline():
            news, life = json.loads(line), self._life
            assert life is not None
            if "born" in news:
                life.pid.set_result(news["born"])
            elif "up" in news:
                life.up.set()
            else:
                life.status = news["ended"]
                life.ended.set()


@asynccontextmanager
async def nursery(order: dict[str, Any]) -> AsyncIterator[Nursery]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.chaos.life",
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, cwd=ROOT,
    )  # fmt: skip
    made = Nursery(process, order)
    listening = asyncio.create_task(made.listen())
    try:
        yield made
    finally:
        assert process.stdin
        process.stdin.close()
        await made.end()
        await process.wait()
        listening.cancel()
        await asyncio.wait([listening])


async def campaign(
    harness: Harness,
    kills: int,
    *,
    people: int = 6,
    workers: int = 0,
    seed: int = 0,
    watch: Callable[[int], None] = lambda _: None,
) -> Report:
    """Kills an app this number of times on `harness.database`, which exists and is empty, under the traffic of some
    residents.

    `workers` is the maximum number of messages being sent; 0: the default of the channel.
    """
    began, chance = time.monotonic(), random.Random(seed)
    report = Report(harness.section()["type"])
    order = {
        "database": harness.database,
        "folder": str(harness.folder),
        "section": harness.section(),
        "workers": workers,
    }
    async with nursery(order) as houses:
        life = await houses.begin()
        talkers = [Talker(await harness.resident(), number) for number in range(people)]
        await asyncio.gather(*(talker.join() for talker in talkers))
        talking = [asyncio.create_task(talker.talk()) for talker in talkers]
        await life.kill()
        doubled = 0
        for number in range(kills):
            step = chance.choice([*NAMES, RANDOM, RANDOM])
            report.kills[step] += 1
            await _live_and_die(houses, step, chance)
            before, doubled = doubled, sum(talker.count().doubled for talker in talkers)
            report.doubled_per_kill = max(report.doubled_per_kill, doubled - before)
            watch(number + 1)
            for task in talking:
                if task.done():
                    task.result()  # a person waits in vain: nothing is gained by going on
        life = await houses.begin()
        for talker in talkers:
            talker.is_tired = True
        await asyncio.gather(*talking)
        await asyncio.sleep(1)  # what is doubled now comes late
        await life.kill()
    doubled_at_last = sum(talker.count().doubled for talker in talkers) - doubled
    report.doubled_per_kill = max(report.doubled_per_kill, doubled_at_last)
    _count(report, harness.database, talkers)
    addresses = [harness.address(talker.who) for talker in talkers]
    report.secrets = (*addresses, *(harness.section().get(name, "-") for name in ("token", "password")))
    report.seconds = time.monotonic() - began
    return report


async def _live_and_die(houses: Nursery, step: str, chance: random.Random) -> None:
    """One life, which ends at a step or, at a random moment, perhaps before it was up."""
    if step == RANDOM:
        life = await houses.begin()
        await asyncio.sleep(chance.uniform(0, RANDOM_LIFE))
        await life.kill()
        return
    life = await houses.begin(f"{step}:{chance.randint(1, 12)}")
    with suppress(TimeoutError):  # a busy machine takes long to start it
        async with asyncio.timeout(PATIENCE):
            await _first(life.up, life.ended)
        async with asyncio.timeout(LONGEST_LIFE):
            await life.ended.wait()
    await life.kill()


async def _first(*events: asyncio.Event) -> None:
    """Waits for any of these."""
    waiting = [asyncio.ensure_future(event.wait()) for event in events]
    await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    for each in waiting:
        each.cancel()


def _count(report: Report, database: str, talkers: list[Talker]) -> None:
    """By the ledger what was heard, by the database what was stored: every change of an answer raises its version."""
    for talker in talkers:
        count = talker.count()
        report.messages += 2 * talker.said
        report.lost_messages += count.lost
        report.doubled_messages += count.doubled
        report.disordered += count.disordered
    store = Store(database)
    with store.reading() as connection:
        rows = connection.execute(text("SELECT value, version FROM answers WHERE question_key = 'wish'")).fetchall()
    store.dispose()
    stored = {json.loads(value): version for value, version in rows}
    for talker in talkers:
        versions = stored.get(talker.words(talker.said), 0)
        report.answers += talker.said
        report.lost_answers += max(0, talker.said - versions)
        report.doubled_answers += max(0, versions - talker.said)
    report.lost_answers += abs(len(rows) - len(talkers))


def prepare(database: str) -> None:
    """Makes the tables and opens a consultation."""
    store = Store(database)
    migrate.upgrade(store)
    publish(store, consultation())
    store.dispose()
