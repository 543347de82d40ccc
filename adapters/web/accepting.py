"""Accepts connections for the server, within the file limit of the process and the connection limit of each address.

A connection is a file. If all files are in use nothing can be stored either, so some are reserved; and one address
cannot use up the connections of all others. aiohttp and asyncio have neither limit.
"""

from __future__ import annotations

import asyncio
import resource
import socket
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, Final

import structlog
from aiohttp import web

from adapters.web.limits import Origins

log = structlog.get_logger()

KEPT_BACK: Final = 50
"""Files reserved for the database, the erasure log and the connections to messengers."""
OTHERS: Final = 30
FEWEST: Final = 16
BACKLOG: Final = 1024
AT_ONCE: Final = 64
"""Connections accepted before other tasks run."""
PAUSE_SECONDS: Final = 0.2
"""The pause after the system refused a file although one should have been free."""


def raise_file_limit() -> int:
    """Raises the soft limit of open files to the hard limit; returns the limit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(ValueError, OSError):  # some systems report a hard limit that they do not grant
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        soft = hard
    return soft


def room_for_connections() -> int:
    """Returns the number of connections that may be open, given the files that are open already."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return max(FEWEST, soft - sum(1 for _ in Path("/dev/fd").iterdir()) - KEPT_BACK - OTHERS)


class Gate:
    """Counts connections, all and those of each address. `per_address` 0 means no limit; proxies have none."""

    def __init__(self, most: int, per_address: int, clients: Origins) -> None:
        self._most = most
        self._per_address = per_address
        self._clients = clients
        self._open = 0
        self._of: Counter[str] = Counter()
        self._room = asyncio.Event()
        self._room.set()

    async def room(self) -> None:
        """Returns when one more connection may be accepted."""
        if not self._room.is_set():
            log.error("web_connections_exhausted", count=self._open)
        await self._room.wait()

    def admit(self, connection: socket.socket, host: str) -> Admitted | None:
        """Returns the connection, counted until it is closed. Closes it and returns None if its address has too
        many."""
        unit = self._clients.unit(host)
        if self._per_address and self._of[unit] >= self._per_address and not self._clients.is_proxy(host):
            connection.close()
            return None
        self._of[unit] += 1
        self._count(1)
        return Admitted(connection, self, unit)

    def leave(self, unit: str) -> None:
        """Records that a connection is closed."""
        self._of[unit] -= 1
        if not self._of[unit]:
            del self._of[unit]
        self._count(-1)

    def _count(self, more: int) -> None:
        self._open += more
        if self._open < self._most:
            self._room.set()
        else:
            self._room.clear()


class Admitted(socket.socket):
    """A connection that reports when it is closed, because its file is free again then."""

    def __init__(self, connection: socket.socket, gate: Gate, unit: str) -> None:
        super().__init__(connection.family, connection.type, connection.proto, connection.detach())
        self.setblocking(False)
        self._gate: Gate | None = gate
        self._unit = unit

    def close(self) -> None:
        super().close()
        if self._gate:
            self._gate.leave(self._unit)
            self._gate = None


class PlainRequestHandler(web.RequestHandler):
    """Refuses what is no HTTP request without repeating any of it, with the headers of all other answers."""

    __slots__ = ("_error_headers",)

    def __init__(self, server: web.Server, error_headers: Mapping[str, str], **options: Any) -> None:
        super().__init__(server, **options)
        self._error_headers = error_headers

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        if status >= 500 or request.writer.output_size > 0:
            response = super().handle_error(request, status, exc, message)
        else:
            log.debug("web_request_unreadable", status=status)
            response = web.Response(status=status, text=f"{status}: this request cannot be read\n")
            response.force_close()
        response.headers.update(self._error_headers)
        return response


class GatedSite(web.BaseSite):
    """Listens like `TCPSite`, through a gate. `protocol` makes the protocol of a connection for the server."""

    def __init__(
        self,
        runner: web.BaseRunner,
        gate: Gate,
        host: str,
        port: int,
        protocol: Callable[[web.Server], asyncio.Protocol] = lambda server: server(),
    ) -> None:
        super().__init__(runner)
        self._protocol = protocol
        self._gate = gate
        self._host, self.port = host, port
        self._sockets: list[socket.socket] = []
        self._work: list[asyncio.Task[None]] = []
        self._begun: set[asyncio.Task[Any]] = set()

    @property
    def name(self) -> str:
        return f"http://{self._host}:{self.port}"

    async def start(self) -> None:
        """Starts to listen. Raises OSError if the address is not available."""
        loop = asyncio.get_running_loop()
        # asyncio resolves the host and binds the addresses; this class listens to them.
        bound = await loop.create_server(asyncio.Protocol, self._host, self.port, start_serving=False)
        await super().start()
        self._sockets = [each.dup() for each in bound.sockets]
        bound.close()
        self.port = self._sockets[0].getsockname()[1]
        for listening in self._sockets:
            listening.setblocking(False)
            listening.listen(BACKLOG)
            self._work.append(asyncio.create_task(self._accept(listening)))

    async def stop(self) -> None:
        for task in self._work:
            task.cancel()
        if self._work:
            await asyncio.wait(self._work)
        for listening in self._sockets:
            listening.close()
        await super().stop()

    async def _accept(self, listening: socket.socket) -> None:
        loop, server = asyncio.get_running_loop(), self._runner.server
        assert server is not None  # noqa: S101 - for the type checker: a site is made after the runner's setup
        number = 0
        while True:
            await self._gate.room()
            try:
                connection, peer = await loop.sock_accept(listening)
            except OSError as error:
                log.error("web_connection_not_accepted", fault=type(error).__name__)
                await asyncio.sleep(PAUSE_SECONDS)
                continue
            if admitted := self._gate.admit(connection, peer[0]):
                task = asyncio.create_task(_serve(loop, partial(self._protocol, server), admitted))
                self._begun.add(task)
                task.add_done_callback(self._begun.discard)
            number += 1
            if number % AT_ONCE == 0:
                await asyncio.sleep(0)


async def _serve(
    loop: asyncio.AbstractEventLoop, protocol: Callable[[], asyncio.Protocol], connection: Admitted
) -> None:
    try:
        await loop.connect_accepted_socket(protocol, connection)
    except OSError:
        connection.close()  # the client has disconnected already
