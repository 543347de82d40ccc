"""People delete everything under load; then every byte of data folder, database and log is looked through for them."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import psycopg

from tests.chaos.fault import Result
from tests.chaos.service import UnderLoad
from tests.test_privacy.test_scrubbing import places

SECONDS = 60.0
"""So soon nothing may be left on SQLite, by itself."""


class ErasedBytes(UnderLoad):
    name = "erased-bytes"
    does = "people delete everything; no byte of theirs may be left in any file after a minute (SQLite)"
    unit = "rounds"
    slice = 3
    erasing = 0.6

    async def disturb(self, number: int) -> None:
        await self.crowd.more(20)

    def folders(self) -> list[Path]:
        return [self.folder]

    def words(self, *, erased: bool) -> list[str]:
        """The names of people as they stand in each of their answers."""
        return [f"Wunsch {it.name} " for it in self.ledger.people.values() if it.erased == erased and it.acknowledged]

    async def check(self, result: Result) -> None:
        await self.crowd.more(6)
        await self.crowd.stop()
        gone = self.words(erased=True)
        seen = await asyncio.to_thread(places, self.words(erased=False), *self.folders())
        if not seen:
            result.wrong.append("the search finds nobody, not even those who are there")
        result.figures |= {"people searched for": len(gone), "others found in files": len(seen)}
        await self.search(result, gone)
        await self.end(result)

    async def search(self, result: Result, gone: list[str]) -> None:
        began = time.monotonic()
        while (found := await asyncio.to_thread(places, gone, *self.folders())) and time.monotonic() - began < SECONDS:
            await asyncio.sleep(0.5)
        result.figures["s until no byte was left"] = round(time.monotonic() - began, 1)
        if found:
            result.wrong.append(f"still in {found}")


class ErasedBytesPostgresql(ErasedBytes):
    name = "erased-bytes-postgresql"
    does = "the same in the whole data folder of PostgreSQL, statistics and log of changes too, after `scrub`"
    uses_postgresql = True
    slice = 2
    options = ("-c", "wal_recycle=off", "-c", "log_error_verbosity=terse")

    def folders(self) -> list[Path]:
        assert self.postgres
        return [self.folder, self.postgres.folder]

    async def disturb(self, number: int) -> None:
        await super().disturb(number)
        await self._run("ANALYZE", "CHECKPOINT")

    async def _run(self, *statements: str) -> None:
        assert self.postgres

        def work(url: str) -> None:
            with psycopg.connect(url, autocommit=True) as connection:
                for statement in statements:
                    connection.execute(statement.encode())

        await asyncio.to_thread(work, self.postgres.url)

    async def search(self, result: Result, gone: list[str]) -> None:
        assert self.postgres
        await self._run("ANALYZE", "VACUUM", "CHECKPOINT")
        with psycopg.connect(self.postgres.url) as connection:
            query = "SELECT coalesce(most_common_vals::text, '') || coalesce(histogram_bounds::text, '') FROM pg_stats"
            samples = " ".join(row[0] for row in connection.execute(query))
        sampled = sum(word in samples for word in gone)
        before = await asyncio.to_thread(places, gone, *self.folders())
        result.figures |= {"in statistics": sampled, "files with their words before scrub": len(before)}
        await self.house.command("scrub")
        found = await asyncio.to_thread(places, gone, *self.folders())
        result.figures["after scrub"] = len(found)
        if sampled or found:
            result.wrong.append(f"{sampled} in statistics, still in {found}")
