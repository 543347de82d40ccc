"""A bot measured through the strict stand-in of the Bot API: the residents are in this process, the bot in another."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from bot.bootstrap.install import ROOT
from tests.botapi import BotApi, Resident, running
from tests.botapi.limits import FREE
from tests.interop.bench.residents import PATIENCE, Crowd, Measured


class _Bell(asyncio.Event):
    """Rings whenever the bot did something in a chat, and tells the crowd of each new message at once."""

    def __init__(self, api: BotApi, chat: int, crowd: Crowd) -> None:
        super().__init__()
        self._messages = api.ledger.chats[chat]
        self._chat, self._crowd = chat, crowd
        self._heard = 0

    def set(self) -> None:
        while self._heard < len(self._messages):
            self._heard += 1
            self._crowd.heard(self._chat)


async def measure(command: Sequence[str], residents: int, seconds: float, *, is_ours: bool) -> Measured:
    """Runs this program at the stand-in, and residents who answer it."""
    async with running(FREE) as api:
        people: dict[int, Resident] = {}

        def say(chat: int, text: str) -> None:
            if chat not in people:
                api.state.heard[chat] = _Bell(api, chat, crowd)
                people[chat] = Resident(api.state, chat)
            people[chat].say(text)

        crowd = Crowd(residents, say, is_ours=is_ours)
        process = await asyncio.create_subprocess_exec(
            *command, "at", api.url, api.token, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, cwd=ROOT
        )
        try:
            measured = await crowd.measure(seconds, lambda: _cpu(process))
            if api.ledger.refused:
                raise AssertionError(f"the stand-in refused {api.ledger.refused[:3]}")
            assert process.stdin
            process.stdin.close()
            if await asyncio.wait_for(process.wait(), PATIENCE):
                raise AssertionError("the bot ended with a fault")
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
    return measured


async def _cpu(process: asyncio.subprocess.Process) -> float:
    """Seconds of processor time that the bot has used, as it says itself."""
    assert process.stdin
    assert process.stdout
    process.stdin.write(b"\n")
    line = await process.stdout.readline()
    if not line:
        raise AssertionError("the bot ended too early")
    return float(line)
