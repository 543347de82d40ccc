"""SIGSTOP and SIGCONT: a machine that was put to sleep, a debugger, a paused container."""

from __future__ import annotations

import asyncio
import signal
import time
from typing import Final

from tests.chaos.fault import Result
from tests.chaos.service import UnderLoad
from tests.support.timeouts import PATIENCE

SOON: Final = 5.0
"""Seconds after which people have to be told that nothing can be stored: three, and two for a busy machine."""


class StopService(UnderLoad):
    name = "stop-service"
    does = "stops the service with SIGSTOP for up to 3 s and lets it go on"
    unit = "stops"
    slice = 4

    async def disturb(self, number: int) -> None:
        await asyncio.sleep(self.chance.uniform(0.05, 0.5))
        self.house.signal(signal.SIGSTOP)
        await asyncio.sleep(self.chance.uniform(0.1, 3.0))
        self.house.signal(signal.SIGCONT)
        await self.crowd.more(2)


class StopPostgresql(UnderLoad):
    name = "stop-postgresql"
    does = "stops all processes of PostgreSQL with SIGSTOP for up to 8 s and lets them go on"
    unit = "stops"
    slice = 2
    uses_postgresql = True
    limit_seconds = SOON
    """The tests raise it: how fast people are told depends on the machine."""

    async def prepare(self) -> None:
        self.told: list[float] = []
        await super().prepare()

    async def disturb(self, number: int) -> None:
        assert self.postgres
        await asyncio.sleep(self.chance.uniform(0.05, 0.5))
        self.postgres.signal_all(signal.SIGSTOP)
        began, before = time.monotonic(), self.crowd.refusals["held"]
        seconds, is_told = self.chance.uniform(0.5, 8.0), False
        must_tell = seconds > SOON
        while (passed := time.monotonic() - began) < seconds or (must_tell and not is_told and passed < PATIENCE):
            if not is_told and self.crowd.refusals["held"] > before:
                is_told = True
                self.told.append(passed)
            await asyncio.sleep(0.05)
        self.postgres.signal_all(signal.SIGCONT)
        if must_tell and not is_told:
            self.told.append(PATIENCE)
        await self.crowd.more(2)

    async def check(self, result: Result) -> None:
        await super().check(result)
        result.figures["s until people were told, at most"] = round(max(self.told, default=0.0), 1)
        if late := [seconds for seconds in self.told if seconds >= self.limit_seconds]:
            result.wrong.append(f"told {len(late)} times after {self.limit_seconds:.0f} s or more")
