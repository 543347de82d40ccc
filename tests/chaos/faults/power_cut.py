"""Power cuts: all writes and syncs of the real processes are recorded under load, then cut at random moments.

Each cut image is opened by the real database and compared with what was acknowledged up to that moment. The same cuts
are judged once more as if no sync had happened (what `synchronous=OFF` and `fsync=off` come to): if that loses nothing
and breaks nothing, the instrument is blind, and the run counts as wrong.
"""

from __future__ import annotations

import shutil
import signal
import sqlite3
import tempfile
from collections import Counter
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

import psycopg

from tests.chaos.disk import MODES, Disk, Entry, entries
from tests.chaos.fault import Result
from tests.chaos.ledger import Ledger, Person, by_person, stored
from tests.chaos.postgres import Postgres
from tests.chaos.service import UnderLoad, copy_of
from tests.chaos.shims import compiled
from tests.support.service_process import House

START_EVERY = 10
"""The service itself is also started after this number of cuts."""
QUERY = "SELECT value, version FROM answers WHERE question_key = 'wish' AND value IS NOT NULL"


class PowerCut(UnderLoad):
    name = "power-cut"
    does = "cuts the power at random moments, with torn and reordered writes (SQLite and the data folder)"
    unit = "cuts"
    slice = 24
    erasing = 0.35
    control_share = 4
    """One cut in this number of is judged without syncs as well."""

    async def prepare(self) -> None:
        self.journal = self.folder / "journal"
        self.library = compiled("recorder", self.folder)
        self.entered: list[tuple[int, str, str, int]] = []
        await super().prepare()

    @property
    def below(self) -> Path:
        return self.folder / "data"

    def recording(self) -> Mapping[str, str]:
        return {"LD_PRELOAD": str(self.library), "RECORD_BELOW": str(self.below), "RECORD_TO": str(self.journal)}

    def environment(self) -> Mapping[str, str]:
        return self.recording()

    async def before_start(self) -> None:
        self.base = copy_of(self.below, self.folder / "base")

    def noted(self, person: Person, what: str) -> None:
        """What is acknowledged now was synced before: the journal is at least so long."""
        self.entered.append((self.journal.stat().st_size, person.name, what, person.acknowledged))

    async def disturb(self, number: int) -> None:
        await self.crowd.more(3)

    async def check(self, result: Result) -> None:
        await self.crowd.stop()
        await self.house.kill()
        await self.end_recording()
        journal = self.journal.read_bytes()
        self.found, self.control = Counter[str](), Counter[str]()
        self.wrong: list[str] = []
        recorded = list(entries(journal))
        start = self.entered[0][0]
        moments = sorted(self.chance.randint(start, recorded[-1].at) for _ in range(self.times))
        cuts = [(moment, self.chance.choice(MODES)) for moment in moments]
        await self._play(recorded, cuts, self.found, ignoring_syncs=False)
        await self._play(recorded, cuts[::-1][:: self.control_share][::-1], self.control, ignoring_syncs=True)
        result.figures |= {
            "acknowledged": self.ledger.acknowledged,
            "writes": sum(it.what == "w" for it in recorded),
            "syncs": sum(it.what == "s" for it in recorded),
            "checks of answers": self.found["checked"],
            "lost": self.found["lost"],
            "doubled": self.found["doubled"],
            "corrupt": self.found["corrupt"],
            "checks of deletions": self.found["erased"],
            "back": self.found["back"],
            "control without syncs: lost": self.control["lost"],
            "of cuts corrupt": f"{self.control['corrupt']} of {self.control['cuts']}",
        }
        result.wrong += self.wrong
        if not self.control["lost"] + self.control["corrupt"]:
            result.wrong.append("the control without syncs lost nothing: this test detects nothing")

    async def end_recording(self) -> None:
        """After the service has ended."""

    async def _play(
        self, recorded: list[Entry], cuts: list[tuple[int, str]], found: Counter[str], *, ignoring_syncs: bool
    ) -> None:
        disk, place = Disk(self.base, str(self.below)), 0
        for number, (moment, mode) in enumerate(cuts):
            while place < len(recorded) and recorded[place].at <= moment:
                disk.play(recorded[place], ignoring_syncs=ignoring_syncs)
                place += 1
            left = self._write(disk.cut(mode, self.chance))
            found["cuts"] += 1
            is_started = not ignoring_syncs and number % START_EVERY == 0
            await self._judge(left, self._ledger_at(moment), found, f"cut {number} ({mode})", is_started=is_started)
            if ignoring_syncs:
                continue
            self.wrong += [f"cut {number} at {moment} ({mode}): {it}" for it in self.latest]

    def _write(self, files: Mapping[str, bytes | None]) -> Path:
        left = copy_of(self.base, self.folder / "left")
        for name, content in files.items():
            path = left / name
            if name.endswith("-shm"):
                continue
            if content is None:
                path.unlink(missing_ok=True)
            else:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
        return left

    def _ledger_at(self, moment: int) -> Ledger:
        """What was acknowledged when the journal was so long. Who had asked by then to be deleted may be gone."""
        ledger = Ledger()
        for size, name, what, number in self.entered:
            person = ledger.person(name)
            if size <= moment:
                person.acknowledged = number
                person.asked_to_erase |= what == "erase?"  # noted before it is sent
                person.erased |= what == "erased"
        return ledger

    async def _judge(self, left: Path, ledger: Ledger, found: Counter[str], name: str, *, is_started: bool) -> None:
        self.latest: list[str] = []
        rows = await self.opened(left)
        if isinstance(rows, str):
            found["corrupt"] += 1
            self.latest.append(rows)
            return
        verdict = ledger.verdict(rows)
        self._count(ledger, found)
        found.update(lost=len(verdict.lost), doubled=len(verdict.doubled), back=len(verdict.back))
        self.latest += verdict.wrong
        if is_started:
            self.latest += await self.started(left, ledger)

    @staticmethod
    def _count(ledger: Ledger, found: Counter[str]) -> None:
        for person in ledger.people.values():
            found["erased"] += person.erased
            found["checked"] += bool(person.acknowledged and not person.asked_to_erase)

    async def opened(self, left: Path) -> dict[str, list[tuple[int, int]]] | str:
        """What the database holds, or what is wrong with it."""
        try:
            with closing(sqlite3.connect(left / "mitsprache.db")) as connection:
                verdict = str(connection.execute("PRAGMA integrity_check").fetchone()[0])
                rows = connection.execute(QUERY).fetchall()
        except sqlite3.DatabaseError as fault:
            return f"corrupt: {fault}"
        return by_person(rows) if verdict == "ok" else f"corrupt: {verdict[:80]}"

    async def started(self, left: Path, ledger: Ledger) -> list[str]:
        """What is wrong after the service itself was started on it."""
        again = self.folder / "again"
        shutil.rmtree(again, ignore_errors=True)
        again.mkdir()
        shutil.copytree(left, again / "data")
        house = House(again, {}, "publish_samples = false")
        try:
            await house.start()
            await house.stop()
        except AssertionError as fault:
            return [f"does not start: {fault}"]
        finally:
            await house.clear_up()
        return ledger.verdict(stored(f"sqlite:///{again / 'data' / 'mitsprache.db'}")).wrong


class PowerCutPostgresql(PowerCut):
    name = "power-cut-postgresql"
    does = "the same for PostgreSQL: its own files, recovered by a server of the same version"
    unit = "cuts"
    slice = 4
    uses_postgresql = True
    options = ("-c", "checkpoint_timeout=30s", "-c", "max_wal_size=4MB", "-c", "autovacuum_naptime=5s")

    async def prepare(self) -> None:
        self.shared = Path(tempfile.mkdtemp(prefix="mitsprache-recording-"))  # within reach of the server's user
        self.shared.chmod(0o777)
        await super().prepare()

    def environment(self) -> Mapping[str, str]:
        return {}

    @property
    def below(self) -> Path:
        assert self.postgres
        return self.postgres.data

    async def before_start(self) -> None:
        """From here on the server is recorded."""
        assert self.postgres
        await self.postgres.stop()
        await super().before_start()
        self.journal = self.shared / "journal"
        self.library = compiled("recorder", self.shared)
        self.postgres.environment = dict(self.recording())
        await self.postgres.start(*self.options)

    async def end_recording(self) -> None:
        assert self.postgres
        self.postgres.signal_all(signal.SIGKILL)

    async def opened(self, left: Path) -> dict[str, list[tuple[int, int]]] | str:
        server = Postgres(folder=Path(tempfile.mkdtemp(prefix="mitsprache-cut-")))
        try:
            shutil.move(left, server.data)
            (server.data / "postmaster.pid").unlink(missing_ok=True)  # after a reboot no process has that number
            server.own()
            await server.start()
            with psycopg.connect(server.url) as connection:
                connection.execute("SELECT count(*) FROM (SELECT * FROM sessions) AS every")
                return by_person(connection.execute(QUERY).fetchall())
        except (AssertionError, psycopg.Error) as fault:
            return f"corrupt: {str(fault)[-200:]}"
        finally:
            await server.kill()

    async def started(self, left: Path, ledger: Ledger) -> list[str]:
        return []  # the server was started already

    async def clean_up(self) -> None:
        await super().clean_up()
        shutil.rmtree(self.shared, ignore_errors=True)
