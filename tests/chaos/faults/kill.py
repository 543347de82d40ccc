"""kill -9 again and again, at named steps and at random, while residents talk on a messenger."""

from __future__ import annotations

import sys
from typing import ClassVar

from tests.chaos.fault import Fault, Result
from tests.chaos.kills import Report, campaign, prepare
from tests.support import synapse
from tests.test_adapters.harness import harness_of

DOUBLED_PER_KILL = {"telegram": 1, "matrix": 0}
"""Sends that one kill may double: Telegram knows no way to say that a message is the same once more."""


class Kill(Fault):
    """The counterpart's ledger decides: the Bot API stand-in, or a client on a real homeserver."""

    unit = "kills"
    slice = 30
    channel: ClassVar[str]
    people: ClassVar[int] = 6
    counterpart: object = None

    async def prepare(self) -> None:
        self.database = f"sqlite:///{self.folder / 'house.db'}"
        prepare(self.database)

    async def disturb(self, number: int) -> None:
        """All kills are one conversation, so they happen in `check`."""

    async def check(self, result: Result) -> None:
        made = harness_of(self.channel)
        async with made(self.database, self.folder, self.counterpart).open() as harness:
            self.report = await campaign(harness, self.times, people=self.people, seed=self.seed, watch=self._watch)
        report = self.report
        result.figures |= {
            "answers": report.answers, "lost": report.lost_answers, "doubled": report.doubled_answers,
            "messages": report.messages, "messages lost": report.lost_messages,
            "messages doubled": report.doubled_messages, "most by one kill": report.doubled_per_kill,
            "out of order": report.disordered,
        }  # fmt: skip
        if not is_good(report):
            result.wrong.append("more was lost or doubled than may be")

    def _watch(self, number: int) -> None:
        if sys.stderr.isatty():
            sys.stderr.write(f"\r{number} of {self.times} kills")


class KillTelegram(Kill):
    name = "kill-telegram"
    does = "kill -9 at named steps and at random, people on Telegram"
    channel = "telegram"


class KillMatrix(Kill):
    name = "kill-matrix"
    does = "kill -9 at named steps and at random, people on Matrix"
    slice = 16  # each start signs in to the homeserver and fetches keys
    channel = "matrix"

    async def check(self, result: Result) -> None:
        if self.counterpart is not None:
            await super().check(result)
            return
        homes = self.folder / "synapse"
        homes.mkdir()
        with synapse.running(homes) as self.counterpart:
            await super().check(result)


def is_good(report: Report) -> bool:
    """Nothing lost, nothing in disorder, no answer twice, and no more messages twice than the channel makes us."""
    wrong = report.lost_answers + report.doubled_answers + report.lost_messages + report.disordered
    return not wrong and report.doubled_per_kill <= DOUBLED_PER_KILL[report.channel]
