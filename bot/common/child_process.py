"""Runs a module of this program in its own process, so that long work delays no conversation.

The task is JSON on the standard input, because it may hold the database URL; results are lines of JSON on the standard
output.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import bot

NICENESS: Final = 10
"""Conversations have priority on the same processor."""
LONGEST_LINE: Final = 1 << 26
"""Bytes of one line of output."""

Tell = Callable[[dict[str, Any]], Awaitable[None]]
"""Receives one line of output."""


async def run_module(module: str, task: Mapping[str, Any], tell: Tell, seconds: float) -> int:
    """Runs `python -m MODULE` and returns its exit status. Raises TimeoutError after `seconds`; then, and if the
    awaiting task is cancelled, the process is killed.
    """
    root = str(Path(bot.__file__).parents[1])
    path = os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH", ""))))
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        module,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": path},
        start_new_session=True,  # Ctrl-C in a terminal is for the service, which ends this process itself
        limit=LONGEST_LINE,
    )
    try:
        async with asyncio.timeout(seconds):
            await _talk(process, json.dumps(task).encode(), tell)
            return await process.wait()
    finally:
        # A second cancellation must not interrupt this: the pipes are closed only when the output was read to its end.
        await asyncio.shield(_end(process))


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        with suppress(ProcessLookupError):
            process.kill()
    await process.communicate()


async def _talk(process: asyncio.subprocess.Process, task: bytes, tell: Tell) -> None:
    assert process.stdin is not None  # noqa: S101 - for the type checker: both are pipes
    assert process.stdout is not None  # noqa: S101
    with suppress(ConnectionError):  # it ended before it read its task; its status says so
        process.stdin.write(task)
        await process.stdin.drain()
    process.stdin.close()
    async for line in process.stdout:
        if line.startswith(b"{"):
            await tell(json.loads(line))


def read_task() -> dict[str, Any]:
    """Returns the task of this process, which then runs with a lower priority."""
    with suppress(OSError):
        os.nice(NICENESS)
    task: dict[str, Any] = json.load(sys.stdin)
    return task


def report(**values: Any) -> None:
    """Writes one line of output for the parent process."""
    print(json.dumps(values), flush=True)  # noqa: T201 - the output for the parent process
