"""Backups of a service under load, each brought back elsewhere: what was acknowledged before it began must be there."""

from __future__ import annotations

import copy
import shutil
from pathlib import Path

from tests.chaos.fault import Result
from tests.chaos.ledger import Ledger, stored
from tests.chaos.service import UnderLoad
from tests.support.service_process import House


class Backup(UnderLoad):
    name = "backup"
    does = "makes a backup under load, restores it elsewhere, and erases there again who was erased meanwhile"
    unit = "backups"
    slice = 1
    erasing = 0.4

    async def prepare(self) -> None:
        await super().prepare()
        self.restored = self.missing = 0
        self.wrong: list[str] = []

    async def disturb(self, number: int) -> None:
        before: Ledger = copy.deepcopy(self.ledger)
        await self.house.command("backup", "--to", str(self.folder / "backups"))
        backup = next((self.folder / "backups").iterdir())
        await self.crowd.more(4)
        gone = {name for name, person in self.ledger.people.items() if person.erased}
        again = self.folder / "again"
        again.mkdir()
        other = House(again, {}, "publish_samples = false")
        await other.command("restore", str(backup), "--erased", str(self.settings.data))
        for name, person in before.people.items():
            person.erased = name in gone
            person.asked_to_erase = self.ledger.people[name].asked_to_erase
        verdict = before.verdict(stored(f"sqlite:///{again / 'data' / 'mitsprache.db'}"))
        self.restored += before.acknowledged
        self.wrong += [f"backup {number + 1}: {words}" for words in verdict.wrong]
        for folder in (backup, again):
            shutil.rmtree(Path(folder))

    async def check(self, result: Result) -> None:
        await super().check(result)
        result.figures["acknowledged looked for in backups"] = self.restored
        result.wrong += self.wrong
