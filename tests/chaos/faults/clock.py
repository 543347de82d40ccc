"""A clock that jumps: a machine without a battery, a bad time server, a virtual machine that was asleep."""

from __future__ import annotations

import asyncio
import mmap
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from tests.chaos.fault import Result
from tests.chaos.ledger import stored
from tests.chaos.service import UnderLoad
from tests.chaos.shims import compiled

HOUR: Final = 3600
DAY: Final = 24 * HOUR
CLOSES: Final = timedelta(days=300)
"""From now; the answers are promised to be deleted 30 days later, which a jump of a year leaves behind."""


def to_summer_time() -> int:
    """The seconds to a moment before the clocks of the city change next."""
    zone, moment = ZoneInfo("Europe/Berlin"), datetime.now(UTC)
    while moment.astimezone(zone).utcoffset() == (moment + timedelta(hours=1)).astimezone(zone).utcoffset():
        moment += timedelta(hours=1)
    return int((moment + timedelta(hours=1) - datetime.now(UTC)).total_seconds()) // HOUR * HOUR


class Clock(UnderLoad):
    name = "clock"
    does = "lets the clock jump by an hour, a day, a year, and over the change to summer time; restarts meanwhile"
    unit = "jumps"
    slice = 6
    refused_for_now = frozenset({"closed"})

    async def prepare(self) -> None:
        self.file = self.folder / "clock"
        self.file.write_bytes(bytes(8))
        self.library = compiled("clock", self.folder)
        with self.file.open("r+b") as opened:
            self.offset = mmap.mmap(opened.fileno(), 8)
        self.wrong: list[str] = []
        year = 365 * DAY
        jumps = [year, -year, HOUR, -HOUR, DAY, -DAY, to_summer_time()]
        self.jumps = [jumps[number % len(jumps)] for number in range(self.times)]
        self.chance.shuffle(self.jumps)
        self.restarts = 0
        await super().prepare()

    def closes_at(self) -> datetime:
        return datetime.now(UTC) + CLOSES

    def environment(self) -> Mapping[str, str]:
        return {"LD_PRELOAD": str(self.library), "CLOCK_FROM": str(self.file)}

    def _set(self, seconds: int) -> None:
        self.offset[:] = seconds.to_bytes(8, "little", signed=True)

    async def disturb(self, number: int) -> None:
        jump = self.jumps[number]
        self._set(jump)
        is_open = jump < CLOSES.total_seconds()
        if (
            abs(jump) > DAY or self.chance.random() < 0.3
        ):  # a new process looks around at once, e.g. what has had its time
            self.restarts += 1
            await self.house.kill()
            await self.house.start()
        if is_open:
            await self.crowd.more(4)
        else:
            await asyncio.sleep(2)
            if lost := self.ledger.verdict(stored(self.settings.database()), is_over=False).lost:
                self.wrong.append(f"a jump of {jump / DAY:.0f} days lost {len(lost)} ({lost[0]})")
        self._set(0)
        await self.crowd.more(4)

    async def check(self, result: Result) -> None:
        await super().check(result)
        result.figures |= {"restarts meanwhile": self.restarts, "asked again": self.crowd.asked_again}
        result.wrong += self.wrong
