"""Simulates the residents of `bot.cli.bench.web` in a separate process: `python3 -m bot.cli.bench.residents PORT
RESIDENTS ROUNDS`.

They use docs/develop/web-protocol.md and nothing else. At the end the process prints its counts as one JSON list.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from aiohttp import ClientSession, ClientWebSocketResponse, CookieJar, TCPConnector

from bot.cli.bench.subject import QUESTIONS, REPLIES, SLUG

AT_ONCE: Final = 20
"""The number of conversations that start at the same time."""
_FILES: Final = re.compile(r'(?:src|href)="((?:/static/style|/c/-/)[^"]+)"')


async def attend(port: int, residents: int, rounds: int) -> list[float]:
    """Returns the number of answers, answers per second, p50 and p99 in milliseconds, and kilobytes of the chat
    page.
    """
    origin = f"http://127.0.0.1:{port}"
    latencies: list[float] = []
    took = 0.0
    for _ in range(rounds):
        async with _connected(origin, residents) as lines:
            began = time.perf_counter()
            await asyncio.gather(*(_answer(line, latencies) for line in lines))
            took += time.perf_counter() - began
    latencies.sort()
    p50, p99 = (latencies[int(len(latencies) * part)] * 1000 for part in (0.5, 0.99))
    return [len(latencies), len(latencies) / took, p50, p99, await _page_kb(origin)]


@asynccontextmanager
async def _connected(origin: str, residents: int) -> AsyncIterator[list[ClientWebSocketResponse]]:
    """Connects the given number of visitors, each with a separate conversation at its first question."""
    gate = asyncio.Semaphore(AT_ONCE)
    people = [_person(origin) for _ in range(residents)]
    try:
        yield await asyncio.gather(*(_line(person, origin, gate) for person in people))
    finally:
        await asyncio.gather(*(person.close() for person in people))


def _person(origin: str) -> ClientSession:
    jar, connector = CookieJar(unsafe=True), TCPConnector(limit=2)
    return ClientSession(origin, cookie_jar=jar, connector=connector, headers={"Origin": origin})


async def _line(person: ClientSession, origin: str, gate: asyncio.Semaphore) -> ClientWebSocketResponse:
    async with gate:
        async with person.post(f"/c/{SLUG}/start", data={"lang": "de"}, allow_redirects=False) as response:
            if response.status != 303:
                raise AssertionError(f"no conversation was begun, but {response.status}")
        line = await person.ws_connect(f"/c/{SLUG}/ws", compress=0)
        while "expects" not in await line.receive_json():
            pass
        return line


async def _answer(line: ClientWebSocketResponse, latencies: list[float]) -> None:
    for number in range(QUESTIONS):
        began = time.perf_counter()
        await line.send_str(json.dumps({"id": f"a{number}", "text": REPLIES[number]}))
        await _acknowledged(line)
        latencies.append(time.perf_counter() - began)


async def _acknowledged(line: ClientWebSocketResponse) -> None:
    """Reads until the message is acknowledged as stored; ignores other messages of the bot."""
    while "ack" not in (told := await line.receive_json()):
        if "error" in told:
            raise AssertionError(f"a message was refused: {told['error']}")


async def _page_kb(origin: str) -> float:
    """Returns the kilobytes a browser with gzip loads before a visitor can answer: page, style, script."""
    async with _person(origin) as person:
        async with person.post(f"/c/{SLUG}/start", data={"lang": "de"}) as response:
            files = _FILES.findall(await response.text())
        paths = {f"/c/{SLUG}", *files}
        if len(paths) != 3:
            raise AssertionError(f"page, style and script were expected, not {sorted(paths)}")
        return sum([await _packed(person, path) for path in paths]) / 1024


async def _packed(person: ClientSession, path: str) -> int:
    """Returns the number of bytes transferred, still compressed."""
    async with person.get(path, auto_decompress=False, headers={"Accept-Encoding": "gzip"}) as response:
        if response.headers.get("Content-Encoding") != "gzip":
            raise AssertionError(f"{path} is not packed")
        return len(await response.read())


if __name__ == "__main__":
    sys.stdout.write(json.dumps(asyncio.run(attend(*map(int, sys.argv[1:4])))))
