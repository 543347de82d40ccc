"""Stands between a Matrix client and the homeserver, and disturbs single requests."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
from aiohttp import web
from yarl import URL

from tests.support.synapse import Synapse

LIMIT = (429, '{"errcode": "M_LIMIT_EXCEEDED", "retry_after_ms": 40}')


class Between:
    """Stands between a client and the homeserver. `refused`: parts of paths that are refused, each as often as it says.
    `held`: a part of paths whose requests are taken, and handed on when they are let go."""

    def __init__(self, server: Synapse, session: aiohttp.ClientSession) -> None:
        self.refused: dict[str, int] = {}
        self.held = ""
        self.mangled: dict[bytes, bytes] = {}
        """What stands in an answer to a sync, and what comes instead."""
        self._waiting: list[tuple[str, URL, bytes, dict[str, str]]] = []
        self.answer = LIMIT
        self._server = server
        self._session = session

    async def handle(self, request: web.Request) -> web.Response:
        for part, times in self.refused.items():
            if part in request.path and times:
                self.refused[part] -= 1
                status, text = self.answer
                return web.Response(status=status, text=text, content_type="application/json")
        headers = {name: value for name, value in request.headers.items() if name in {"Authorization", "Content-Type"}}
        body = await request.read()
        where = URL(self._server.url + str(request.raw_path), encoded=True)
        if self.held and self.held in request.path:
            self._waiting.append((request.method, where, body, headers))
            return web.json_response({})
        async with self._session.request(request.method, where, data=body, headers=headers) as answer:
            found = await answer.read()
            if "/sync" in request.path:
                for said, instead in self.mangled.items():
                    found = found.replace(said, instead)
            return web.Response(status=answer.status, body=found, content_type=answer.content_type)

    async def let_go(self) -> None:
        """What was held goes its way, in order."""
        self.held = ""
        for method, where, body, headers in self._waiting:
            async with self._session.request(method, where, data=body, headers=headers) as answer:
                assert answer.status == 200


@asynccontextmanager
async def between(server: Synapse) -> AsyncIterator[tuple[str, Between]]:
    async with aiohttp.ClientSession() as session:
        middle = Between(server, session)
        app = web.Application()
        app.router.add_route("*", "/{tail:.*}", middle.handle)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        try:
            yield f"http://127.0.0.1:{runner.addresses[0][1]}", middle
        finally:
            await runner.cleanup()
