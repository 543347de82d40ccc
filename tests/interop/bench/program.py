"""A bot of the comparison as a program, in the Python that has its library:

python -m tests.interop.bench.program NAME DATABASE memory RESIDENTS SECONDS python -m tests.interop.bench.program NAME
DATABASE at URL TOKEN

In memory it has the residents in its own process and prints what was measured. At a Bot API it answers all senders: for
each line on standard input it prints how much processor time it has used, and ends where that ends.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import logging
import sys
import time
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import NamedTuple, Protocol

from tests.interop.bench.memory_api import MemoryApi
from tests.interop.bench.residents import Crowd, Measured


class HttpApi(NamedTuple):
    """A Bot API at an address."""

    url: str
    token: str


Api = MemoryApi | HttpApi


class Bot(Protocol):
    """A module of `bots/`."""

    IS_OURS: bool

    def serve(self, database: Path, api: Api) -> AbstractAsyncContextManager[None]:
        """Answers until the context ends; everything is stored then."""


async def in_memory(bot: Bot, database: Path, residents: int, seconds: float) -> Measured:
    """Measures with residents in this process."""
    api = MemoryApi()
    crowd = Crowd(residents, api.say, is_ours=bot.IS_OURS)
    api.heard = crowd.heard

    async def cpu() -> float:
        return time.process_time()

    async with bot.serve(database, api):
        return await crowd.measure(seconds, cpu)


async def at_an_address(bot: Bot, database: Path, api: HttpApi) -> None:
    """Answers until standard input ends."""
    async with bot.serve(database, api):
        await asyncio.to_thread(_tell_cpu)


def _tell_cpu() -> None:
    for _ in sys.stdin:
        print(time.process_time(), flush=True)


def main(name: str, database: str, way: str, *more: str) -> None:
    """See above."""
    logging.disable(logging.WARNING)
    bot: Bot = importlib.import_module(f"tests.interop.bench.bots.{name}")
    if way == "memory":
        measured = asyncio.run(in_memory(bot, Path(database), int(more[0]), float(more[1])))
        print(json.dumps(measured._asdict()))
    else:
        asyncio.run(at_an_address(bot, Path(database), HttpApi(*more)))


if __name__ == "__main__":
    main(*sys.argv[1:])
