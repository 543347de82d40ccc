"""The HTTP side of the stand-in: tokens, parameters, faults, answers as Telegram writes them."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

from tests.botapi.faults import Fault
from tests.botapi.ledger import Ledger
from tests.botapi.limits import Limiter, Rates
from tests.botapi.long_poll import LongPoll
from tests.botapi.methods import Methods
from tests.botapi.refusal import Refusal
from tests.botapi.resident import Resident
from tests.botapi.state import BOT_ID, State
from tests.botapi.webhooks import Webhooks

TOKEN = f"{BOT_ID}:TEST-TOKEN-of-the-stand-in-0123456789"
_HTML = "<html><body>Bad Gateway</body></html>"


class BotApi:
    """A running stand-in. `url` goes into `base_url`, `token` into `token`."""

    def __init__(self, rates: Rates) -> None:
        self.url = ""
        self.token = TOKEN
        self.state = State()
        self.limiter = Limiter(rates)
        self.webhooks = Webhooks(self.state)
        self.faults: list[Fault] = []
        self._long_poll = LongPoll(self.state)
        self._methods = Methods(self.state, self.limiter)
        self._people = 5000
        self._hanging: set[asyncio.Event] = set()

    @property
    def ledger(self) -> Ledger:
        return self.state.ledger

    def resident(self, language: str = "de", *, group: int = 0) -> Resident:
        """A person new; with `group`, a member of that group (a negative number)."""
        self._people += 1
        return Resident(self.state, self._people, language, group)

    def migrate(self, group: int) -> int:
        """Upgrades a group: it goes on under another number, which is given."""
        new = group - 1_000_000_000_000
        self.state.chats[new] = {**self.state.chats[group], "id": new}
        self.state.moved[group] = new
        return new

    def revoke(self) -> None:
        """The operator asked BotFather for another token."""
        self.token = TOKEN[:-1] + "X"

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Any request: /bot<token>/<method> or /file/bot<token>/<path>."""
        _, _, path = request.path.partition("/bot")
        token, _, rest = path.partition("/")
        if request.path.startswith("/file/"):
            content = self.state.files.get(rest.rpartition("/")[2])
            return web.Response(body=content) if content is not None else web.Response(status=404)
        method = rest.lower()
        self.ledger.calls[method] += 1
        fault = next((fault for fault in self.faults if fault.fits(method)), None)
        if fault:
            fault.times -= 1
            if fault.after:
                await self._answer(token, method, request)
            return await self._suffer(fault, request)
        return _written(await self._answer(token, method, request))

    async def _answer(self, token: str, method: str, request: web.BaseRequest) -> dict[str, Any]:
        try:
            if token != self.token:
                raise Refusal(401, "Unauthorized")
            given = await _parameters(request)
            return {"ok": True, "result": await self._call(method, given)}
        except Refusal as no:
            self.ledger.refused.append((method, no.status, no.description))
            answer: dict[str, Any] = {"ok": False, "error_code": no.status, "description": no.description}
            return answer | ({"parameters": no.parameters} if no.parameters else {})

    async def _call(self, method: str, given: dict[str, Any]) -> Any:
        match method:
            case "getupdates":
                if self.webhooks.url:
                    words = "can't use getUpdates method while webhook is active; use deleteWebhook to delete it first"
                    raise Refusal(409, f"Conflict: {words}")
                return await self._long_poll.get(_nested(given, "allowed_updates"))
            case "setwebhook":
                return self.webhooks.set(_nested(given, "allowed_updates"))
            case "deletewebhook":
                return await self.webhooks.delete(given)
            case "getwebhookinfo":
                return self.webhooks.info()
        return self._methods.call(method, given)

    async def _suffer(self, fault: Fault, request: web.BaseRequest) -> web.StreamResponse:
        match fault.kind:
            case "garbage":
                return web.Response(text='{"ok": tru', content_type="application/json")
            case "html":
                return web.Response(status=fault.status, text=_HTML, content_type="text/html")
            case "empty":
                return web.Response(status=200)
            case "list":
                return web.Response(text="[1]", content_type="application/json")
            case "no_result":
                return web.Response(text='{"ok": true}', content_type="application/json")
            case "hang":
                ended = asyncio.Event()
                self._hanging.add(ended)
                await ended.wait()
            case "error":
                said: dict[str, Any] = {"ok": False, "error_code": fault.status, "description": fault.description}
                return _written(
                    said | ({"parameters": {"retry_after": fault.retry_after}} if fault.retry_after else {})
                )
        if request.transport:
            request.transport.abort()
        return web.Response()

    async def stop(self) -> None:
        for event in self._hanging:
            event.set()
        await self.webhooks.stop()


def encode(answer: dict[str, Any]) -> bytes:
    return json.dumps(answer).encode()


def _written(answer: dict[str, Any]) -> web.Response:
    return web.Response(status=answer.get("error_code", 200), body=encode(answer), content_type="application/json")


async def _parameters(request: web.BaseRequest) -> dict[str, Any]:
    """Parameters in any of the forms Telegram takes: JSON, form, multipart, query."""
    given: dict[str, Any] = dict(request.query)
    if request.content_type == "application/json":
        body = await request.read()
        try:
            given |= json.loads(body) if body else {}
        except ValueError:
            raise Refusal(400, "Bad Request: can't parse JSON") from None
    elif request.body_exists:
        given |= dict(await request.post())
    return given


def _nested(given: dict[str, Any], name: str) -> dict[str, Any]:
    value = given.get(name)
    return given | {name: json.loads(value)} if isinstance(value, str) else given


@asynccontextmanager
async def running(rates: Rates | None = None, port: int = 0) -> AsyncIterator[BotApi]:
    """A stand-in on a free port of this machine, as strict as Telegram unless told otherwise."""
    api = BotApi(rates or Rates())
    runner = web.ServerRunner(web.Server(api.handle), shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", port)
    await site.start()
    api.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield api
    finally:
        await api.stop()
        await runner.cleanup()
