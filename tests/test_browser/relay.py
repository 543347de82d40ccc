"""A line that can be cut: what a browser and a server are connected by in these tests."""

from __future__ import annotations

import asyncio
from contextlib import suppress


class Relay:
    """Passes bytes from its port to another one; `cut` ends all connections and refuses new ones until `mend`.

    While it is `deaf`, what people send arrives, and nothing comes back: the line that breaks in mid-answer.
    """

    def __init__(self, port: int) -> None:
        self.upstream = port
        self.port = 0
        self.deaf = False
        self._is_cut = False
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def mend(self) -> None:
        self._is_cut = False
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def cut(self) -> None:
        self._is_cut = True
        if self._server:
            self._server.close()
        for writer in list(self._open):
            writer.transport.abort()
        await asyncio.gather(*self._tasks)
        self._server = None

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        self._tasks.add(task)
        try:
            await self._joined(reader, writer)
        finally:
            self._tasks.discard(task)

    async def _joined(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there, back = await asyncio.open_connection("127.0.0.1", self.upstream)
        except OSError:
            writer.transport.abort()
            return
        both = {writer, back}
        if self._is_cut:  # while this connection was being made
            for end in both:
                end.transport.abort()
            return
        self._open |= both
        await asyncio.gather(self._pass(reader, back), self._pass(there, writer, is_back=True))
        self._open -= both
        for end in both:
            end.transport.abort()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, is_back: bool = False) -> None:
        """Passes on until one side has had enough, and tells the other."""
        with suppress(OSError):
            while data := await reader.read(65536):
                if not (is_back and self.deaf):
                    writer.write(data)
                    await writer.drain()
        writer.close()
