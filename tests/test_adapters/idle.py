"""Measures memory and time of idle pages: `python -m tests.test_adapters.idle [CONNECTIONS] [SECONDS]`.

Opens WebSockets from one process to another over the loopback, each with a conversation of its own that contains the
bot's first question, lets them answer heartbeats for a while, and prints one line of JSON.
"""

from __future__ import annotations

import asyncio
import base64
import json
import multiprocessing
import os
import resource
import sys
import time
from collections.abc import Sequence
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path

from aiohttp import web

from adapters.base import Outgoing, Replies
from adapters.web.hub import WebHub
from adapters.web.limits import BeginRules, Rate, WebLimits
from adapters.web.routes import WebRoutes
from adapters.web.sessions import WebSessions
from adapters.web.transports import Transports
from flows.messages import MsgIn, MsgOut, QuickReply

SECRET = bytes(32)
FILES = 40_000
NO_LIMIT = Rate(0, 1)


def phrase(language: str, name: str, /, **values: object) -> str:
    return name


class Pages(asyncio.Protocol):
    """The least that a page does: reads, and answers heartbeats."""

    open = 0
    heard = 0

    def __init__(self, cookie: str) -> None:
        self.cookie = cookie

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        Pages.open += 1
        key = base64.b64encode(os.urandom(16)).decode()
        transport.write(
            (
                "GET /c/park/ws?after=0 HTTP/1.1\r\nHost: park.example\r\nOrigin: http://park.example\r\n"
                "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                "User-Agent: Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0\r\n"
                "Accept-Language: de-DE,de;q=0.9,en;q=0.8\r\nAccept-Encoding: gzip, deflate\r\n"
                f"Sec-WebSocket-Key: {key}\r\nCookie: talk={self.cookie}\r\n\r\n"
            ).encode()
        )

    def data_received(self, data: bytes) -> None:
        if b"quick_replies" in data:
            Pages.heard += 1
        if b"\x89\x00" in data:  # a ping; behind a message it comes in one piece with it
            self.transport.write(b"\x8a\x80\x00\x00\x00\x00")

    def connection_lost(self, exc: Exception | None) -> None:
        Pages.open -= 1


def serve(pipe: Connection) -> None:
    """The server's process: says its port, then answers "?" with its memory and processor time."""
    _many_files()

    async def run() -> None:
        hub = WebHub()

        async def receive(messages: Sequence[MsgIn]) -> Sequence[Replies]:
            for number, msg in enumerate(messages):
                replies = tuple(QuickReply(f"p.q.{n}", f"Antwort Nummer {n}", n) for n in range(1, 5))
                text = "Frage 1 von 5\n" + "Was soll sich im Park ändern, damit man dort gern sitzt? " * 4
                await hub.send(Outgoing(number, msg.address, MsgOut(text, replies, "de", "one", "Frage")))
            return [()] * len(messages)

        await hub.start(receive)

        async def known(address: str) -> bool:
            return False

        limits = WebLimits(begins=BeginRules(free=0), new_network=NO_LIMIT, lines_address=0)
        routes = WebRoutes(hub, secret=SECRET, known=known, say=phrase, door=lambda _: "open", limits=limits)
        application = web.Application()
        Transports(routes).add_to(application)
        runner = web.AppRunner(application, access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0, backlog=4096)
        await site.start()
        pipe.send(runner.addresses[0][1])
        loop = asyncio.get_running_loop()
        asked = asyncio.Event()
        loop.add_reader(pipe.fileno(), asked.set)
        while True:
            await asked.wait()
            asked.clear()
            if not pipe.poll():
                continue
            if pipe.recv() == "end":
                return
            pipe.send((_resident(), time.process_time()))

    asyncio.run(run())


async def measure(port: int, pipe: Connection, count: int, seconds: float) -> dict[str, float]:
    """Opens the pages, waits, and asks the server before and after."""
    doors, loop = WebSessions(SECRET), asyncio.get_running_loop()
    before, _ = _ask(pipe)
    started = time.monotonic()
    for at in range(0, count, 200):
        cookies = [doors.cookie(doors.new("park")) for _ in range(min(200, count - at))]
        await asyncio.gather(*[loop.create_connection(partial(Pages, cookie), "127.0.0.1", port) for cookie in cookies])
    while Pages.heard < count and time.monotonic() - started < 120:
        await asyncio.sleep(0.1)
    opened = time.monotonic() - started
    _, busy_before = _ask(pipe)
    await asyncio.sleep(seconds)
    after, busy_after = _ask(pipe)
    return {
        "connections": Pages.open,
        "with_question": Pages.heard,
        "opened_per_second": round(count / opened),
        "rss_before_mb": round(before / 1e6, 1),
        "rss_after_mb": round(after / 1e6, 1),
        "bytes_per_connection": round((after - before) / max(1, Pages.open)),
        "processor_percent_while_idle": round((busy_after - busy_before) / seconds * 100, 1),
    }


def _ask(pipe: Connection) -> tuple[int, float]:
    pipe.send("?")
    resident, busy = pipe.recv()
    return resident, busy


def _resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def _many_files() -> int:
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (FILES, max(hard, FILES)))
    except (ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    seconds = float(sys.argv[2]) if len(sys.argv) > 2 else 45
    count = min(count, _many_files() - 100)
    ours, theirs = multiprocessing.Pipe()
    server = multiprocessing.get_context("spawn").Process(target=serve, args=(theirs,), daemon=True)
    server.start()
    try:
        print(json.dumps(asyncio.run(measure(ours.recv(), ours, count, seconds))))
    finally:
        ours.send("end")
        server.kill()


if __name__ == "__main__":
    main()
