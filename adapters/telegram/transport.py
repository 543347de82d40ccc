"""The way to the Bot API: the library's `BaseRequest` over aiohttp, which costs a tenth of its own transport."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final, cast

import aiohttp
from pydantic_core import to_json
from telegram.error import InvalidToken, NetworkError, TelegramError
from telegram.request import BaseRequest, RequestData

from adapters.tolerant_json import parse_json

CONNECT_SECONDS: Final = 10.0
READ_SECONDS: Final = 20.0
LARGEST_ANSWER: Final = 24 * 1024 * 1024
"""Bytes: a file of 20 MB, the largest the Bot API hands out, fits."""
HEAD: Final = 64 * 1024
"""Bytes of an answer that is too large by which the update in it is told."""
_JSON: Final = {"Content-Type": "application/json"}


class NotSent(NetworkError):
    """No connection came about: nothing can have happened."""


class Unclear(NetworkError):
    """The question went out, and what came back is no answer: it may have been done."""


class NotThere(NotSent):
    """404: nothing answers to this address at the moment, so nothing was done. A proxy or a server of one's own that is
    restarting says so, and so does Telegram where a token is mistyped; one that was revoked is 401.
    """


class TooLarge(Unclear):
    """More than any answer has; `head` is how it begins."""

    def __init__(self, head: bytes) -> None:
        super().__init__("more than any answer has")
        self.head = head


class _Ready:
    """A body that is encoded already; the library would encode each parameter by itself."""

    contains_files = False

    def __init__(self, parameters: dict[str, Any]) -> None:
        self.json_payload = to_json(parameters)


class Transport(BaseRequest):
    """One pool of connections. Raises `telegram.error` classes, `NotSent` and `Unclear` among them."""

    def __init__(self, connections: int, read_seconds: float = READ_SECONDS) -> None:
        self._connections = connections
        self._read_seconds = read_seconds
        self._session: aiohttp.ClientSession | None = None
        self.date = ""
        """When the server last answered, by its own clock, as it writes it."""

    @property
    def read_timeout(self) -> float | None:
        return self._read_seconds

    async def initialize(self) -> None:
        if self._session is None:
            connector = aiohttp.TCPConnector(limit=self._connections, keepalive_timeout=60)
            self._session = aiohttp.ClientSession(
                connector=connector, cookie_jar=aiohttp.DummyCookieJar(), headers={"User-Agent": self.USER_AGENT}
            )

    async def shutdown(self) -> None:
        session, self._session = self._session, None
        if session:
            await session.close()

    async def ask(self, url: str, parameters: dict[str, Any], *, seconds: float | None = None) -> Any:
        """The bare result of a method: for what is done a thousand times a second, or must not be parsed in one go."""
        try:
            return await self.post(url, cast("RequestData", _Ready(parameters)), read_timeout=seconds)
        except KeyError as error:
            raise Unclear("an answer without a result") from error

    async def do_request(
        self,
        url: str,
        method: str,
        request_data: RequestData | None = None,
        read_timeout: Any = BaseRequest.DEFAULT_NONE,
        write_timeout: Any = BaseRequest.DEFAULT_NONE,
        connect_timeout: Any = BaseRequest.DEFAULT_NONE,
        pool_timeout: Any = BaseRequest.DEFAULT_NONE,
    ) -> tuple[int, bytes]:
        """One request; what comes back to a question must at least look like JSON."""
        if self._session is None:
            raise NotSent("the channel is closed")
        seconds = read_timeout if isinstance(read_timeout, int | float) else self._read_seconds
        timeout = _timeout(seconds)
        body, headers = _body(request_data)
        try:
            async with self._session.request(
                method, url, data=body, headers=headers, timeout=timeout, allow_redirects=False
            ) as response:
                self.date = response.headers.get("Date", "")
                answer = await _whole(response.content)
                status = response.status
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            raise NotSent(type(error).__name__) from None
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise Unclear(type(error).__name__) from None
        if method == "POST" and not answer.lstrip()[:1] == b"{":
            raise _told_without_json(status)
        if method == "POST" and status == 404:
            raise NotThere("HTTP 404")
        return status, answer

    @staticmethod
    def parse_json_payload(payload: bytes) -> dict[str, Any]:
        """The answer as an object, whatever people put into it; an error never quotes it: their words stand in it."""
        try:
            answer = parse_json(payload)
        except ValueError:
            raise Unclear("an answer that is no JSON") from None
        if not isinstance(answer, dict) or not isinstance(answer.get("parameters", {}), dict):
            raise Unclear("an answer of another kind")
        return answer


async def _whole(content: aiohttp.StreamReader) -> bytes:
    """All of an answer; `read(n)` alone would give what has arrived so far. Too much is broken off: it is no answer."""
    parts, size = [], 0
    while part := await content.read(LARGEST_ANSWER):
        parts.append(part)
        size += len(part)
        if size > LARGEST_ANSWER:
            raise TooLarge(b"".join(parts)[:HEAD])
    return b"".join(parts)


@lru_cache(8)
def _timeout(seconds: float) -> aiohttp.ClientTimeout:
    """So long for all of a request; a connection must come about sooner."""
    return aiohttp.ClientTimeout(total=seconds, sock_connect=min(seconds, CONNECT_SECONDS))


def _told_without_json(status: int) -> TelegramError:
    """A page, or nothing, where an answer was expected: some server in between speaks."""
    if status == 401:
        return InvalidToken("HTTP 401")
    if status == 404:
        return NotThere("HTTP 404")
    return Unclear(f"HTTP {status} and no answer")


def _body(data: RequestData | None) -> tuple[Any, dict[str, str]]:
    if data is None:
        return None, {}
    if not data.contains_files:
        return data.json_payload, _JSON
    form = aiohttp.FormData(quote_fields=False)
    for name, value in data.json_parameters.items():
        form.add_field(name, value)
    for name, (filename, content, kind) in data.multipart_data.items():
        form.add_field(name, content, filename=filename, content_type=kind)
    return form, {}
