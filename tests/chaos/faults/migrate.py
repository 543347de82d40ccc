"""A newer version takes over the data folder: it migrates while the older one serves, and is killed while it does."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

from storage import migrate
from tests.chaos.fault import Result
from tests.chaos.service import UnderLoad
from tests.support.service_process import ROOT, House

MIGRATION = '''"""A column more, which is filled in every row."""

import sqlalchemy as sa
from alembic import op

revision = "{revision}"
down_revision = "{before}"


def upgrade() -> None:
    op.add_column("answers", sa.Column("later{number}", sa.String, nullable=True))
    op.execute("UPDATE answers SET later{number} = 'later'")


def downgrade() -> None:
    raise NotImplementedError
'''
PACKAGES = ("bot", "adapters", "flows", "storage")


class Migrate(UnderLoad):
    name = "migrate"
    does = "lets a newer version migrate beside the service or after a kill, killed at random, and serve from then on"
    unit = "versions"
    slice = 1

    async def prepare(self) -> None:
        await super().prepare()
        self.head = migrate.head_revision()
        self.program = self.folder / "newer"
        for name in PACKAGES:
            shutil.copytree(ROOT / name, self.program / name, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(ROOT / "pyproject.toml", self.program)
        self.killed = 0

    async def disturb(self, number: int) -> None:
        self._one_version_more(number)
        newer = House(self.folder, {}, self.house.settings, root=self.program)
        if self.chance.random() < 0.5:
            await newer.command("migrate")
            await self.crowd.more(2)
        await (self.house.kill() if self.chance.random() < 0.5 else self.house.stop())
        for _ in range(self.chance.randrange(3)):
            await newer.launch()
            await asyncio.sleep(self.chance.uniform(0.3, 2.5))
            await newer.kill()
            self.killed += 1
        await newer.start()
        self.house = newer
        await self.crowd.more(2)

    def _one_version_more(self, number: int) -> None:
        revision = f"99990101_later{number}"
        words = MIGRATION.format(revision=revision, before=self.head, number=number)
        (Path(self.program) / "storage" / "migrations" / "versions" / f"{revision}.py").write_text(words)
        self.head = revision

    async def check(self, result: Result) -> None:
        await super().check(result)
        result.figures["killed while starting"] = self.killed
        with closing(sqlite3.connect(self.settings.data / "mitsprache.db")) as connection:
            columns = [row[1] for row in connection.execute("PRAGMA table_info(answers)")]
        if f"later{self.times - 1}" not in columns:
            result.wrong.append("the newest version did not migrate")
