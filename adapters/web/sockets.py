"""WebSockets of conversations: send new entries of the log, and disconnect clients that do not receive them."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from contextlib import suppress

from aiohttp import web

from adapters.web import protocol
from adapters.web.errors import RequestError
from adapters.web.log import WebChat

PARTING_SECONDS = 0.2
TICKS = 20
"""The number of moments in a period over which the heartbeats of all connections are spread."""


class SocketLine:
    """A WebSocket connection. The log is its queue: it stores only its position, so a slow client delays no other.

    A task runs while there are entries to send; an idle connection has none.
    """

    __slots__ = ("__weakref__", "_chat", "_is_asked", "_request", "_seconds", "_sending", "_seq", "_ws")

    def __init__(
        self, request: web.Request, ws: web.WebSocketResponse, chat: WebChat, after: int, seconds: float
    ) -> None:
        self._request = request
        self._ws = ws
        self._chat = chat
        self._seq = after
        self._seconds = seconds
        self._sending: asyncio.Task[None] | None = None
        self._is_asked = False
        chat.watch(self.tell)

    def tell(self) -> None:
        """Starts sending new entries."""
        if self._sending is None:
            self._sending = asyncio.create_task(self._send_new())

    def end(self) -> None:
        """Stops sending."""
        self._chat.unwatch(self.tell)
        if self._sending is not None:
            self._sending.cancel()

    async def send(self, text: str) -> None:
        """Sends one frame. A client that does not receive it within the limit is disconnected; the page reconnects."""
        with suppress(ConnectionError):
            try:
                async with asyncio.timeout(self._seconds):
                    await self._ws.send_str(text)
            except TimeoutError:
                self._cut()

    def hear(self) -> None:
        """Records a frame of the client, which shows that it is connected."""
        self._is_asked = False

    async def beat(self) -> None:
        """Sends a ping; disconnects the client if it has not answered since the last one."""
        if self._is_asked:
            self._cut()
            return
        self._is_asked = True
        with suppress(ConnectionError, TimeoutError):
            async with asyncio.timeout(self._seconds):
                await self._ws.ping()

    async def pong(self, data: bytes) -> None:
        """Answers a ping of the client."""
        with suppress(ConnectionError, TimeoutError):
            async with asyncio.timeout(self._seconds):
                await self._ws.pong(data)

    async def close(self, code: int, reason: str) -> None:
        """Closes the connection with a code and a reason."""
        with suppress(ConnectionError):
            await self._ws.close(code=code, message=reason.encode())

    async def _send_new(self) -> None:
        try:
            while entries := self._chat.after(self._seq):
                for entry in entries:
                    self._seq = entry.seq
                    await self.send(protocol.entry_json(entry))
            if self._chat.is_gone:
                # The visitor's last message may have requested the erasure: it is acknowledged first.
                await self._acknowledged()
                await self.close(RequestError("session").kind.close, "session")
        finally:
            self._sending = None

    async def _acknowledged(self) -> None:
        """Returns when every received message is stored and acknowledged, or after a time limit."""
        end = asyncio.get_running_loop().time() + self._seconds
        while True:
            await asyncio.sleep(PARTING_SECONDS)
            if not self._chat.waiting or asyncio.get_running_loop().time() >= end:
                return

    def _cut(self) -> None:
        if self._request.transport is not None:
            self._request.transport.abort()


class Sockets:
    """All open connections, with one heartbeat for all: a timer for each would be most of the cost of an idle one."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._due: OrderedDict[SocketLine, float] = OrderedDict()
        self._beating: asyncio.Task[None] | None = None
        self._asking: set[asyncio.Task[None]] = set()

    def add(self, line: SocketLine) -> None:
        self._due[line] = asyncio.get_running_loop().time() + self._seconds
        if self._beating is None:
            self._beating = asyncio.create_task(self._beat())

    def discard(self, line: SocketLine) -> None:
        self._due.pop(line, None)

    async def close(self, code: int, reason: str) -> None:
        """Closes all connections. One that cannot be closed properly is dropped with the server, and its page
        reconnects."""
        if self._beating is not None:
            self._beating.cancel()
        await asyncio.gather(*[line.close(code, reason) for line in self._due], *self._asking, return_exceptions=True)

    async def _beat(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(self._seconds / TICKS)
            while self._due and next(iter(self._due.values())) <= loop.time():
                line, _ = self._due.popitem(last=False)
                self._due[line] = loop.time() + self._seconds
                task = asyncio.create_task(line.beat())
                self._asking.add(task)
                task.add_done_callback(self._asking.discard)
