"""The HTTP server: whether the house is well, and a page that says how to chat."""

from __future__ import annotations

import errno
from collections.abc import Awaitable, Callable
from functools import partial
from html import escape
from typing import Final

import structlog
from aiohttp import web

from bot.app import App
from bot.errors import HouseError, program
from storage import consultations
from storage.errors import StorageError

log = structlog.get_logger()

PORTS_TRIED: Final = 20
_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; frame-ancestors 'none'; base-uri 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
_PAGE: Final = """<!doctype html>
<html lang="de">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Mitsprache</title></head>
<body>
<h1>Mitsprache</h1>
<p>Das Programm läuft. Im Terminal chatten:</p>
<pre>{command}</pre>
<p lang="en">The program is running. To chat in the terminal, type the line above.</p>
</body>
</html>
"""
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
HOUSE: Final = web.AppKey("house", App)


class WebServer:
    """Listens on one port. `start` gives the port that was free."""

    def __init__(self, house: App) -> None:
        application = web.Application(middlewares=[_decently])
        application[HOUSE] = house
        application.router.add_get("/", _page)
        application.router.add_get("/healthz", _health)
        application.router.add_get("/readyz", _readiness)
        # aiohttp's own access log would write down addresses and whole paths, in which codes stand.
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=2)

    async def start(self, host: str, port: int) -> int:
        """Listens on this port, or the next free one. Raises HouseError."""
        await self._runner.setup()
        for candidate in range(port, min(port + PORTS_TRIED, 65536)):
            try:
                await web.TCPSite(self._runner, host, candidate).start()
            except OSError as fault:
                if fault.errno != errno.EADDRINUSE:
                    raise HouseError(_in_words(fault, host, candidate)) from fault
            else:
                return int(self._runner.addresses[0][1])
        raise HouseError(f"ports {port} to {candidate} on {host} are all taken; name a free one with --port")

    async def stop(self) -> None:
        await self._runner.cleanup()


def _in_words(fault: OSError, host: str, port: int) -> str:
    if fault.errno in {errno.EACCES, errno.EPERM}:
        return f"port {port} is reserved for the administrator; choose one above 1023 with --port"
    return f"the address {host!r} is not one of this machine; check --host (127.0.0.1: only from here, 0.0.0.0: all)"


@web.middleware
async def _decently(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Safe headers on every answer; and one line in the log, of the route and not of the path."""
    response = await handler(request)
    response.headers.update(_HEADERS)
    route = request.match_info.route.resource
    log.debug("request", method=request.method, route=route.canonical if route else "?", status=response.status)
    return response


async def _page(request: web.Request) -> web.Response:
    found = await request.app[HOUSE].store.read(partial(consultations.list_latest))
    slug = found[0].slug if found else "SLUG"
    return web.Response(text=_PAGE.format(command=escape(f"{program()} play {slug}")), content_type="text/html")


async def _health(request: web.Request) -> web.Response:
    """The process lives."""
    return web.Response(text="ok\n")


async def _readiness(request: web.Request) -> web.Response:
    """The database answers."""
    try:
        await request.app[HOUSE].store.read(consultations.triggers)
    except StorageError:
        return web.Response(status=503, text="the database does not answer\n")
    return web.Response(text="ready\n")
