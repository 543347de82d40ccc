"""Runs the service as operators do (`python3 -m bot`) in a separate process that can be killed and restarted."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.support.timeouts import PATIENCE

ROOT = Path(__file__).parents[2]
UP = b"Stop: Ctrl-C"


class House:
    """One settings file and one data folder below `folder`; `log` collects the output of all its runs.

    `environment` is added to that of this process for `serve`, not for other commands.
    """

    def __init__(
        self,
        folder: Path,
        channels: Mapping[str, Mapping[str, Any]],
        settings: str = "",
        environment: Mapping[str, str] | None = None,
        root: Path = ROOT,
        wrapped: Sequence[str] = (),
    ) -> None:
        """`root`: where the program lies, if it is another version than this one. `wrapped`: a command that starts the
        service, as words before its own.
        """
        self.settings = settings
        self.log = folder / "house.log"
        self.url = ""
        """Where its pages are, with no slash at the end."""
        self._environment = dict(environment or {})
        self._root = root
        self._wrapped = tuple(wrapped)
        config = folder / "mitsprache.toml"
        sections = [f"[channels.{name}]\n{_toml(section)}" for name, section in channels.items()]
        config.write_text("\n".join(["port = 0", settings, *sections]), encoding="utf-8")
        self._options = ("--config", str(config), "--data", str(folder / "data"))
        self._process: Process | None = None

    async def start(self) -> None:
        """Returns when it says that it runs."""
        await self.launch()
        assert self._process
        assert self._process.stdout
        async with asyncio.timeout(PATIENCE):
            while UP not in (line := await self._process.stdout.readline()):
                assert line, f"it ended: {self.log.read_text(encoding='utf-8')[-2000:]}"
                if found := re.search(rb"http://[0-9.:]+", line):
                    self.url = found[0].decode()

    async def launch(self) -> None:
        """Starts it and waits for nothing."""
        with self.log.open("ab") as log:
            self._process = await self._run(
                wrapped=self._wrapped, stdout=PIPE, stderr=log, env=os.environ | self._environment
            )

    def signal(self, number: signal.Signals) -> None:
        """Sends a signal to the process."""
        assert self._process
        self._process.send_signal(number)

    async def kill(self) -> None:
        """kill -9: nothing is finished, nothing is said."""
        assert self._process
        self._process.kill()
        await self._process.wait()

    async def stop(self) -> int:
        """Asks it to end; gives its exit code."""
        assert self._process
        self._process.send_signal(signal.SIGTERM)
        return await asyncio.wait_for(self._process.wait(), PATIENCE)

    async def clear_up(self) -> None:
        if self._process and self._process.returncode is None:
            await self.kill()

    async def command(self, *words: str) -> str:
        """Another command on the same app, beside the service; gives what it printed."""
        process = await self._run(*words, stdout=PIPE, stderr=PIPE)
        out, err = await process.communicate()
        assert process.returncode == 0, err.decode()
        return out.decode()

    async def _run(self, *words: str, wrapped: Sequence[str] = (), **streams: Any) -> Process:
        return await asyncio.create_subprocess_exec(
            *wrapped, sys.executable, "-m", "bot", *words, *self._options, cwd=self._root, **streams
        )


def _toml(section: Mapping[str, Any]) -> str:
    return "".join(f"{key} = {value if isinstance(value, int) else repr(value)}\n" for key, value in section.items())
