"""Receives messages from standard input and prints the id of each stored message, until the process is killed.

tests/test_conversations/test_crash.py runs it as a separate process: `python -m tests.support.killed_intake URL`.
"""

from __future__ import annotations

import asyncio
import json
import sys
from datetime import UTC, datetime

from bot.settings import Settings
from flows.messages import MsgIn
from storage.core.store import Store
from tests.support.app import running

CHUNK = 3
"""Messages handed over at once; the next chunk waits for no acknowledgement of the one before."""


async def main(url: str, settings: Settings | None = None) -> None:
    loop = asyncio.get_running_loop()
    async with running(Store(url), settings=settings) as (app, channel):
        sys.stdout.write("ready\n")
        sys.stdout.flush()

        async def take(lines: list[str]) -> None:
            data = [json.loads(line) for line in lines]
            batch = [
                MsgIn(channel.name, one["address"], one["id"], datetime.now(UTC), text=one["text"]) for one in data
            ]
            await app.conversations.receive(batch)
            sys.stdout.write("".join(f"{one['id']}\n" for one in data))
            sys.stdout.flush()

        async with asyncio.TaskGroup() as tasks:
            chunk: list[str] = []
            while line := await loop.run_in_executor(None, sys.stdin.readline):
                chunk.append(line)
                if len(chunk) == CHUNK:
                    tasks.create_task(take(chunk))
                    chunk = []
            if chunk:
                tasks.create_task(take(chunk))
        await app.outbox.drained()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
