"""Four transports with one protocol: WebSocket, server-sent events, long poll and plain forms."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from typing import Any, Final

from aiohttp import WSCloseCode, WSMsgType, web

from adapters.web import protocol, requests
from adapters.web.errors import RequestError
from adapters.web.limits import Buckets
from adapters.web.log import ChatEntry
from adapters.web.routes import FRAMES, STATIC, WebRoutes
from adapters.web.scripts import without_comments
from adapters.web.sessions import WebConversation
from adapters.web.sockets import SocketLine, Sockets

EVENTS_SECONDS: Final = 600.0
"""A stream of events ends after this time and the page reopens it: a client that does not read cannot hold it
forever.
"""
PUSH_BYTES: Final = 16 * 1024
ErrorPage = Callable[[web.Request, RequestError, str], Awaitable[web.StreamResponse]]
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Transports:
    """The handlers below `/c/SLUG`. `error_page` shows an error to visitors without JavaScript: (request, error,
    sentence).

    >>> transports = Transports(routes)                                                      # doctest: +SKIP
    >>> transports.add_to(application)                                                       # doctest: +SKIP
    """

    def __init__(self, routes: WebRoutes, error_page: ErrorPage | None = None) -> None:
        self._routes = routes
        self._error_page = error_page
        self._frames = Buckets(FRAMES)
        self._sockets = Sockets(routes.limits.heartbeat_seconds)
        self._waiting: set[asyncio.Task[Any]] = set()
        self._work: set[asyncio.Task[None]] = set()
        script = without_comments((STATIC / "chat.js").read_bytes())
        self._script = {"": script, "gzip": gzip.compress(script, mtime=0)}

    def add_to(self, application: web.Application) -> None:
        """Adds `ws`, `events`, `poll` and `say` below `/c/SLUG`, and the widget. `/c/SLUG` itself is a page."""
        router = application.router
        router.add_get(self._routes.script, self._widget)
        router.add_get("/c/{slug}/ws", self._ws)
        router.add_get("/c/{slug}/events", self._guarded(self._events), allow_head=False)
        router.add_get("/c/{slug}/poll", self._guarded(self._poll), allow_head=False)
        router.add_post("/c/{slug}/say", self._say)
        application.on_shutdown.append(self._shut)

    async def _shut(self, _: web.Application) -> None:
        """Ends all waiting requests: their pages reconnect to the next process."""
        for task in self._waiting:
            task.cancel()
        await self._sockets.close(WSCloseCode.SERVICE_RESTART, "restart")
        if self._work:
            await asyncio.wait(self._work)

    async def _ws(self, request: web.Request) -> web.StreamResponse:
        """`GET /c/SLUG/ws?after=N&epoch=E`: everything both ways."""
        routes = self._routes
        # A request caches its look-ups as long as the connection is open: so a copy is used.
        if "Origin" not in request.headers or not routes.is_ours(request.clone()):
            return self._refusal(request, RequestError("origin"))
        ws = web.WebSocketResponse(
            max_msg_size=routes.limits.frame,
            autoping=False,
            compress=False,  # its dictionaries take ten times the memory of everything else, for messages of 300 bytes
            timeout=2,
            writer_limit=PUSH_BYTES,
        )
        if not ws.can_prepare(request):
            return self._refusal(request, RequestError("malformed"))
        await ws.prepare(request)
        conversation: WebConversation | None = None
        try:
            # From here on refusals are close codes: a browser does not tell its page why a handshake failed.
            conversation = routes.present(request.clone(), request.match_info["slug"])
            await self._converse(request, ws, conversation)
        except RequestError as trouble:
            with suppress(ConnectionError, TimeoutError):
                async with asyncio.timeout(routes.limits.send_seconds):
                    await ws.send_str(protocol.refused(trouble, routes.sentence(request, trouble, conversation)))
                    await ws.close(code=trouble.kind.close, message=trouble.code.encode())
        return ws

    async def _converse(self, request: web.Request, ws: web.WebSocketResponse, conversation: WebConversation) -> None:
        hub = self._routes.hub
        counted = self._routes.open_line(request.clone(), conversation)
        line: SocketLine | None = None
        try:
            await self._routes.begin(request.clone(), conversation)
            chat = hub.chat(conversation.address)
            line = SocketLine(request, ws, chat, self._after(request.clone()), self._routes.limits.send_seconds)
            self._sockets.add(line)
            await line.send(protocol.greeting(hub.epoch, chat.seq))
            line.tell()
            del chat
            while True:
                frame = await ws.receive()
                line.hear()
                if wait := self._frames.take(conversation.address):
                    raise RequestError("too_many", wait)
                if frame.type is WSMsgType.TEXT:
                    self._later(self._answer(request, line, conversation, frame.data))
                elif frame.type is WSMsgType.PING:
                    await line.pong(frame.data)
                elif frame.type is WSMsgType.BINARY:
                    raise RequestError("malformed")
                elif frame.type is not WSMsgType.PONG:
                    return
        finally:
            self._routes.close_line(counted)
            if line is not None:
                self._sockets.discard(line)
                line.end()

    async def _answer(self, request: web.Request, line: SocketLine, conversation: WebConversation, frame: str) -> None:
        """Stores one message and sends the outcome. Continues after a disconnect, because the message has arrived."""
        try:
            words = protocol.parse_words(frame)
            await self._take(request, conversation, words)
            answer = protocol.acknowledged(words.id)
        except RequestError as trouble:
            answer = protocol.refused(trouble, self._routes.sentence(request, trouble, conversation))
        await line.send(answer)

    async def _events(self, request: web.Request, conversation: WebConversation) -> web.StreamResponse:
        """`GET /c/SLUG/events?after=N&epoch=E`, or with Last-Event-ID: streams new entries."""
        hub, limits = self._routes.hub, self._routes.limits
        response = web.StreamResponse(
            headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        )
        after = self._after(request)
        await response.prepare(request)

        async def write(text: str) -> None:
            async with asyncio.timeout(limits.send_seconds):
                await response.write(text.encode())

        until = asyncio.get_running_loop().time() + EVENTS_SECONDS
        try:
            await write(f"data: {protocol.greeting(hub.epoch, hub.chat(conversation.address).seq)}\n\n")
            while asyncio.get_running_loop().time() < until:
                entries = await hub.wait(conversation.address, after, limits.heartbeat_seconds)
                for entry in entries:
                    await write(f"id: {hub.epoch}-{entry.seq}\ndata: {protocol.entry_json(entry)}\n\n")
                    after = entry.seq
                if not entries:
                    await write(":\n\n")
        except TimeoutError:
            if request.transport is not None:
                request.transport.abort()
        return response

    async def _poll(self, request: web.Request, conversation: WebConversation) -> web.StreamResponse:
        """`GET /c/SLUG/poll?after=N&epoch=E&wait=S`: returns new entries; waits at most this number of seconds for
        them.
        """
        hub = self._routes.hub
        wait = min(requests.number_of(request, "wait"), self._routes.limits.poll_seconds)
        entries: list[ChatEntry] = await hub.wait(conversation.address, self._after(request), wait)
        answer = {
            "epoch": hub.epoch,
            "seq": hub.chat(conversation.address).seq,
            "entries": [protocol.entry_data(entry) for entry in entries],
        }
        return web.json_response(answer, headers={"Cache-Control": "no-store"})

    async def _say(self, request: web.Request) -> web.StreamResponse:
        """`POST /c/SLUG/say`: one message, as JSON (answered by JSON) or as a plain form (answered by the page)."""
        is_form = request.content_type == requests.FORM
        conversation: WebConversation | None = None
        try:
            if not self._routes.is_ours(request):
                raise RequestError("origin")
            conversation = self._routes.present(request, request.match_info["slug"])
            if is_form:
                return await self._say_form(request, conversation)
            # A foreign page could post any type but JSON without a preflight request.
            if request.content_type != "application/json":
                raise RequestError("malformed")
            limits = self._routes.limits
            words = protocol.parse_words(await requests.body_of(request, limits.frame, limits.body_seconds))
            await self._take(request, conversation, words)
            return _json(protocol.acknowledged(words.id))
        except RequestError as trouble:
            if is_form and self._error_page:
                sentence = self._routes.sentence(request, trouble, conversation)
                return await self._error_page(request, trouble, sentence)
            return self._refusal(request, trouble, conversation)

    async def _say_form(self, request: web.Request, conversation: WebConversation) -> web.StreamResponse:
        limits = self._routes.limits
        body = await requests.body_of(request, limits.frame * requests.FORM_GROWTH, limits.body_seconds)
        fields = requests.form_fields(body)
        request[requests.FIELDS] = tuple(fields.items())
        if not self._routes.is_form(conversation, fields.get("csrf")):
            raise RequestError("form")
        choice = fields.get("choice", "")
        # A tapped button sends the content of the field beside it as well.
        text = "" if choice else fields.get("text", "")
        words = protocol.check_words({"id": fields.get("id", ""), "text": text, "choice": choice})
        await self._take(request, conversation, words, until_answered=True)
        return web.Response(status=303, headers={"Location": f"/c/{conversation.slug}#latest"})

    async def _take(
        self,
        request: web.Request,
        conversation: WebConversation,
        words: protocol.Words,
        *,
        until_answered: bool = False,
    ) -> None:
        await self._routes.take(
            request,
            conversation,
            words.id,
            text=words.text,
            choice=words.choice,
            shown=words.shown,
            until_answered=until_answered,
        )

    def _guarded(self, handler: Callable[[web.Request, WebConversation], Awaitable[web.StreamResponse]]) -> Handler:
        """Wraps the handlers of receive-only connections: identifies the visitor, applies limits, requests the current
        step."""

        async def listen(request: web.Request) -> web.StreamResponse:
            conversation: WebConversation | None = None
            task = asyncio.current_task()
            assert task is not None  # noqa: S101 - for the type checker: a coroutine runs in a task
            try:
                if not self._routes.is_ours(request):
                    raise RequestError("origin")
                conversation = self._routes.present(request, request.match_info["slug"])
                counted = self._routes.open_line(request, conversation)
                try:
                    await self._routes.begin(request, conversation)
                    self._waiting.add(task)
                    return await handler(request, conversation)
                finally:
                    self._routes.close_line(counted)
            except RequestError as trouble:
                return self._refusal(request, trouble, conversation)
            finally:
                self._waiting.discard(task)

        return listen

    async def _widget(self, request: web.Request) -> web.StreamResponse:
        encoding = "gzip" if "gzip" in request.headers.get("Accept-Encoding", "") else ""
        headers = {"Cache-Control": "public, max-age=31536000, immutable", "Vary": "Accept-Encoding"}
        if encoding:
            headers["Content-Encoding"] = encoding
        return web.Response(
            body=self._script[encoding], content_type="text/javascript", charset="utf-8", headers=headers
        )

    def _after(self, request: web.Request) -> int:
        """Returns the newest entry the page has; 0 if its numbers belong to a log that no longer exists."""
        epoch, _, last = request.headers.get("Last-Event-ID", "").partition("-")
        if last.isascii() and last.isdigit() and len(last) < 16:
            return int(last) if epoch == self._routes.hub.epoch else 0
        if request.query.get("epoch") != self._routes.hub.epoch:
            return 0
        return requests.number_of(request, "after")

    def _refusal(
        self, request: web.Request, trouble: RequestError, conversation: WebConversation | None = None
    ) -> web.StreamResponse:
        response = _json(protocol.refused(trouble, self._routes.sentence(request, trouble, conversation)))
        response.set_status(trouble.kind.status)
        if trouble.seconds:
            response.headers["Retry-After"] = str(int(trouble.seconds) + 1)
        if trouble.code in {"too_large", "slow"}:
            response.force_close()
        return response

    def _later(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._work.add(task)
        task.add_done_callback(self._work.discard)


def _json(text: str) -> web.Response:
    return web.Response(text=text, content_type="application/json", headers={"Cache-Control": "no-store"})
