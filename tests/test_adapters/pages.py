"""A web channel for tests: real sockets on the loopback, and a bot that can be slow."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import ClientSession, ClientWebSocketResponse, CookieJar, WSMsgType, web
from aiohttp.test_utils import TestServer

from adapters.base import Outgoing, Replies
from adapters.web.errors import RequestError
from adapters.web.hub import WebHub
from adapters.web.limits import WebLimits
from adapters.web.routes import Door, WebRoutes
from adapters.web.sessions import WebConversation
from adapters.web.transports import Transports
from flows.messages import MsgIn, MsgOut, QuickReply
from tests.support.timeouts import PATIENCE

SECRET = bytes(range(32))
YES_NO = (QuickReply("p.lamps.yes", "Ja", 1), QuickReply("p.lamps.no", "Nein", 2))


class Bot:
    """Replaces the app: drops repeats, stores, and only then answers. `gate` delays the commit."""

    def __init__(self, hub: WebHub) -> None:
        self.hub = hub
        self.stored: list[MsgIn] = []
        self.arrived = 0
        self.known: set[str] = set()
        self.doors: dict[str, Door] = {"park": "open", "old": "closed"}
        self.gate = asyncio.Event()
        self.gate.set()
        self._sent = 0

    async def receive(self, messages: Sequence[MsgIn]) -> Sequence[Replies]:
        self.arrived += len(messages)
        await self.gate.wait()
        return [self._taken(msg) for msg in messages]

    def _taken(self, msg: MsgIn) -> Replies:
        if any(msg.external_id == earlier.external_id for earlier in self.stored):
            return ()
        self.stored.append(msg)
        self.known.add(msg.address)
        said = MsgOut(f"answer to {msg.text or msg.choice}", YES_NO, "de", "one", "Licht?")
        self._sent += 1
        reply = Outgoing(self._sent, msg.address, said)
        asyncio.get_running_loop().call_soon(self._answer, reply)
        return (reply,)

    def _answer(self, reply: Outgoing) -> None:
        self.sending = asyncio.ensure_future(self.hub.send(reply))

    async def is_known(self, address: str) -> bool:
        return address in self.known

    def door(self, slug: str) -> Door:
        return self.doors.get(slug, "unknown")

    def said(self) -> list[str]:
        """What people said, without the bot's own beginnings."""
        return [msg.text or msg.choice for msg in self.stored if not msg.text.startswith(("/start", "repeat"))]


def phrase(language: str, name: str, /, **values: object) -> str:
    return f"[{language}] {name}"


class Page:
    """One browser: a session with its own cookies."""

    def __init__(self, house: House, slug: str = "park", **headers: str) -> None:
        self.house = house
        self.slug = slug
        self.url = house.server.make_url(f"/c/{slug}")
        self.origin = str(self.url.origin())
        self.http = ClientSession(cookie_jar=CookieJar(unsafe=True), headers=headers)
        self.csrf = ""
        self.code = ""

    async def load(self) -> str:
        """Gets the page, and with it the cookie."""
        async with self.http.get(self.url) as response:
            data = await response.json()
        self.csrf, self.code = data["csrf"], data["code"]
        return str(data["code"])

    async def ws(self, after: int = 0, epoch: str = "", **headers: str) -> Socket:
        given = {"Origin": self.origin} | headers
        url = self.url / "ws"
        return Socket(await self.http.ws_connect(url.with_query(after=after, epoch=epoch), headers=given))

    async def post(self, data: Any, **headers: str) -> tuple[int, Any]:
        given = {"Origin": self.origin, "Content-Type": "application/json"} | headers
        body = data if isinstance(data, (str, bytes)) else json.dumps(data)
        async with self.http.post(self.url / "say", data=body, headers=given) as response:
            return response.status, json.loads(await response.text())

    async def form(self, fields: dict[str, str], **headers: str) -> tuple[int, str]:
        given = {"Origin": self.origin} | headers
        async with self.http.post(self.url / "say", data=fields, headers=given, allow_redirects=False) as response:
            return response.status, response.headers.get("Location") or await response.text()

    async def poll(self, after: int = 0, epoch: str = "", wait: int = 0) -> tuple[int, Any]:
        url = (self.url / "poll").with_query(after=after, epoch=epoch, wait=wait)
        async with self.http.get(url) as response:
            return response.status, await response.json()

    async def events(self, count: int, **headers: str) -> list[tuple[str, Any]]:
        """This number of events of the stream, each with its id."""
        found: list[tuple[str, Any]] = []
        async with self.http.get(self.url / "events", headers=headers) as response:
            assert response.status == 200
            id_ = ""
            async for raw in response.content:
                line = raw.decode().rstrip("\n")
                if line.startswith("id: "):
                    id_ = line[4:]
                elif line.startswith("data: "):
                    found.append((id_, json.loads(line[6:])))
                    if len(found) == count:
                        break
        return found


class Socket:
    """The page's end of a WebSocket."""

    def __init__(self, ws: ClientWebSocketResponse) -> None:
        self.raw = ws
        self._passed: list[Any] = []

    async def next(self) -> Any:
        """The next frame, or ("closed", code)."""
        frame = await self.raw.receive(timeout=PATIENCE)
        return json.loads(frame.data) if frame.type is WSMsgType.TEXT else ("closed", self.raw.close_code)

    async def until(self, key: str) -> Any:
        """The next frame that has this key; others are kept for later. Only frames of one kind have an order."""
        for frame in self._passed:
            if key in frame:
                self._passed.remove(frame)
                return frame
        while True:
            frame = await self.next()
            if isinstance(frame, tuple) or key in frame:
                return frame
            self._passed.append(frame)

    async def say(self, id_: str, text: str = "", **more: str) -> None:
        words = {"id": id_} | ({"text": text} if text else {}) | more
        await self.raw.send_str(json.dumps(words))

    async def close(self) -> None:
        await self.raw.close()

    def tear(self) -> None:
        """The line breaks without a word."""
        self._transport().abort()

    def stop_reading(self) -> None:
        """The page takes nothing more, and does not say so."""
        self._transport().pause_reading()

    def _transport(self) -> asyncio.Transport:
        connection = self.raw._response.connection
        assert connection is not None
        assert connection.transport is not None
        return connection.transport


class House:
    """A server with the web channel, its bot and its browsers."""

    def __init__(self, limits: WebLimits) -> None:
        self.hub = WebHub()
        self.bot = Bot(self.hub)
        self.routes = WebRoutes(
            self.hub, secret=SECRET, known=self.bot.is_known, say=phrase, door=self.bot.door, limits=limits
        )
        application = web.Application()
        application.router.add_get("/c/{slug}", self._page)
        Transports(self.routes, self._error).add_to(application)
        self.server = TestServer(application)
        self.pages: list[Page] = []

    async def _page(self, request: web.Request) -> web.StreamResponse:
        conversation = self.routes.conversation_of(request, request.match_info["slug"])
        response = web.json_response({"csrf": conversation.csrf, "code": conversation.resume_code})
        self.routes.set_cookie(request, response, conversation)
        return response

    async def _error(self, request: web.Request, trouble: RequestError, sentence: str) -> web.StreamResponse:
        return web.Response(status=trouble.kind.status, text=sentence)

    def page(self, slug: str = "park", **headers: str) -> Page:
        self.pages.append(Page(self, slug, **headers))
        return self.pages[-1]

    def conversation(self, page: Page) -> WebConversation:
        found = self.routes._doors.from_code(page.code, page.slug)
        assert found is not None
        return found


@asynccontextmanager
async def house(limits: WebLimits | None = None) -> AsyncIterator[House]:
    """A running web channel."""
    built = House(limits or WebLimits())
    await built.hub.start(built.bot.receive)
    await built.server.start_server()
    try:
        yield built
    finally:
        built.bot.gate.set()
        for page in built.pages:
            await page.http.close()
        await built.server.close()
        await built.hub.stop()


@asynccontextmanager
async def visit() -> AsyncIterator[tuple[House, Page]]:
    """An app, and a page that was loaded in it."""
    async with house() as here:
        page = here.page()
        await page.load()
        yield here, page
