"""Apps that live until they are killed: `python -m tests.chaos.life`, orders on standard input.

This process loads the program once and forks for every life, so that a start takes milliseconds and is still a new
process with nothing but the database and the channel's folder to begin from. A child says when it is up; this process
says who was born and how each one ended.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import pytest

from adapters import matrix, telegram
from bot.app import build
from bot.common import logs
from bot.settings import ChannelSettings, Settings
from storage.core.store import Store
from tests.support.app import CIPHER, KEYS
from tests.test_adapters import crashes

CRASH = "MITSPRACHE_TEST_CRASH"
"""In a life's environment: the step at which it kills itself, and at which pass, e.g. `after send:3`."""
TYPES: dict[str, Any] = {"telegram": telegram, "matrix": matrix}
CHANNEL = "town"


def main() -> None:
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            live(json.loads(line))
            os._exit(0)
        tell(born=child)
        _, status = os.waitpid(child, 0)
        tell(ended=os.waitstatus_to_exitcode(status))


def live(order: dict[str, Any]) -> None:
    """One life."""
    os.environ[CRASH] = order["crash"]
    folder = Path(order["folder"])
    with (folder / "house.log").open("a", encoding="utf-8") as written:
        logs.configure_logs("json", "info", written)
        asyncio.run(serve(order["database"], order["section"], folder, order["workers"]))


async def serve(database: str, section: dict[str, Any], folder: Path, workers: int) -> None:
    """An app with one channel and no pace within a chat, so that people can answer as fast as they are asked."""
    settings = ChannelSettings.model_validate(section)
    channel = TYPES[section["type"]].open_channel(CHANNEL, settings, folder / "channel", CIPHER)
    limits = channel.limits
    channel.limits = limits._replace(per_chat_per_second=0, workers=workers or limits.workers)
    plant()
    app = build(Settings(data=folder), {CHANNEL: channel}, store=Store(database), keys=KEYS)
    async with app.running():
        tell(up=True)
        await asyncio.Event().wait()


def plant() -> None:
    """Lets this process kill itself where its environment says."""
    step, _, passes = os.environ[CRASH].partition(":")
    if not step:
        return
    left = int(passes)

    def die_now() -> None:
        nonlocal left
        left -= 1
        if left <= 0:
            os.kill(os.getpid(), signal.SIGKILL)

    async def die() -> None:
        die_now()

    crashes.plant(pytest.MonkeyPatch(), step, die, die_now)


def tell(**news: Any) -> None:
    os.write(1, json.dumps(news).encode() + b"\n")


if __name__ == "__main__":
    main()
