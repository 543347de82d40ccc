"""The limit: no library, no repeat check, one transaction for everything that arrived meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from tests.interop.bench.memory_api import MemoryApi
from tests.interop.bench.program import Api, HttpApi
from tests.interop.bench.rows import Rows
from tests.interop.bench.survey import QUESTIONS, Step, begin, step

IS_OURS = False
CONNECTIONS = 250

Fetch = Callable[[int], Awaitable[list[dict[str, Any]]]]
Send = Callable[[list[tuple[int, str]]], Awaitable[None]]


@asynccontextmanager
async def serve(database: Path, api: Api) -> AsyncIterator[None]:
    rows = Rows(database)
    async with _ways(api) as (fetch, send):
        loop = asyncio.create_task(_loop(rows, fetch, send))
        yield
        loop.cancel()
        with suppress(asyncio.CancelledError):
            await loop
    rows.close()


async def _loop(rows: Rows, fetch: Fetch, send: Send) -> None:
    places: dict[int, Step] = {}
    offset = 0
    while True:
        steps = []
        for update in await fetch(offset):
            offset = update["update_id"] + 1
            message = update["message"]
            chat, text = message["chat"]["id"], message["text"]
            steps.append((chat, begin() if text.startswith("/start") else step(*places[chat][:2], text)))
            places[chat] = steps[-1][1]
        if steps:
            rows.commit(steps)
            for chat, made in steps:
                if made.place == len(QUESTIONS):
                    del places[chat]
            await send([(chat, made.reply) for chat, made in steps])


@asynccontextmanager
async def _ways(api: Api) -> AsyncIterator[tuple[Fetch, Send]]:
    if isinstance(api, MemoryApi):
        memory = api

        async def at_once(replies: list[tuple[int, str]]) -> None:
            for reply in replies:
                memory.send(*reply)

        yield memory.updates, at_once
        return
    async with _http(api) as ways:
        yield ways


@asynccontextmanager
async def _http(api: HttpApi) -> AsyncIterator[tuple[Fetch, Send]]:
    import aiohttp

    root = f"{api.url}/bot{api.token}"
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=CONNECTIONS)) as session:

        async def call(method: str, given: dict[str, Any]) -> Any:
            async with session.post(f"{root}/{method}", json=given) as response:
                return (await response.json())["result"]

        async def fetch(offset: int) -> list[dict[str, Any]]:
            found: list[dict[str, Any]] = await call("getUpdates", {"offset": offset, "timeout": 10})
            return found

        async def send(replies: list[tuple[int, str]]) -> None:
            await asyncio.gather(*(call("sendMessage", {"chat_id": chat, "text": text}) for chat, text in replies))

        yield fetch, send
