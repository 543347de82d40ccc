"""One WebSocket of one conversation: sends what is new in the log, and cuts whoever does not take it."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from aiohttp import web

from adapters.web import protocol
from adapters.web.hub import Chat
from adapters.web.trouble import Trouble


class SocketLine:
    """The log is its queue: it remembers only how far it came, so a slow client costs nothing but its own time.

    A task runs while there is something to send; an idle line has none.
    """

    __slots__ = ("__weakref__", "_chat", "_request", "_seconds", "_sending", "_seq", "_ws")

    def __init__(self, request: web.Request, ws: web.WebSocketResponse, chat: Chat, after: int, seconds: float) -> None:
        self._request = request
        self._ws = ws
        self._chat = chat
        self._seq = after
        self._seconds = seconds
        self._sending: asyncio.Task[None] | None = None
        chat.watch(self.tell)

    def tell(self) -> None:
        """There is something new."""
        if self._sending is None:
            self._sending = asyncio.create_task(self._send_new())

    def end(self) -> None:
        """Sends no more."""
        self._chat.unwatch(self.tell)
        if self._sending is not None:
            self._sending.cancel()

    async def send(self, text: str) -> None:
        """Sends one frame. Who does not take it within the limit is cut off: the page will come again."""
        with suppress(ConnectionError):
            try:
                async with asyncio.timeout(self._seconds):
                    await self._ws.send_str(text)
            except TimeoutError:
                self._cut()

    async def pong(self, data: bytes) -> None:
        """Answers a ping of the client."""
        with suppress(ConnectionError, TimeoutError):
            async with asyncio.timeout(self._seconds):
                await self._ws.pong(data)

    async def close(self, code: int, reason: str) -> None:
        """Ends the line properly."""
        with suppress(ConnectionError):
            await self._ws.close(code=code, message=reason.encode())

    async def _send_new(self) -> None:
        try:
            while entries := self._chat.after(self._seq):
                for entry in entries:
                    self._seq = entry.seq
                    await self.send(protocol.entry_json(entry))
            if self._chat.is_gone:
                await self.close(Trouble("session").kind.close, "session")
        finally:
            self._sending = None

    def _cut(self) -> None:
        if self._request.transport is not None:
            self._request.transport.abort()
