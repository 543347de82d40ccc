"""The transport to the Bot API: the library's `BaseRequest` over aiohttp, which costs a tenth of its own transport."""

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
"""Bytes of the beginning of an oversized answer, in which the update id is searched."""
_JSON: Final = {"Content-Type": "application/json"}


class NotSent(NetworkError):
    """The connection failed: the request had no effect."""


class Unclear(NetworkError):
    """The request was sent, but the answer is invalid: it may have taken effect."""


class NotThere(NotSent):
    """404: no API at this address at the moment, so the request had no effect. A proxy or an operator's own server
    answers so while it restarts, and so does Telegram for a mistyped token; a revoked token is 401.
    """


class TooLarge(Unclear):
    """The answer exceeds the size limit; `head` is its beginning."""

    def __init__(self, head: bytes) -> None:
        super().__init__("more than any answer has")
        self.head = head


class _Ready:
    """A body that is already encoded; the library would encode each parameter separately."""

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
        """The time of the server's last answer, by the server's clock and in its format."""

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
        """Returns the raw result of a method: for calls that are made a thousand times a second, or whose answer must
        not be parsed in one go."""
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
        """Sends one request; the answer to an API call must at least look like JSON."""
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
        """Parses the answer as an object; an error never quotes it, because it contains texts of residents."""
        try:
            answer = parse_json(payload)
        except ValueError:
            raise Unclear("an answer that is no JSON") from None
        if not isinstance(answer, dict) or not isinstance(answer.get("parameters", {}), dict):
            raise Unclear("an answer of another kind")
        return answer


async def _whole(content: aiohttp.StreamReader) -> bytes:
    """Reads a whole answer; `read(n)` alone would return only what has arrived so far. An oversized answer is cut
    off."""
    parts, size = [], 0
    while part := await content.read(LARGEST_ANSWER):
        parts.append(part)
        size += len(part)
        if size > LARGEST_ANSWER:
            raise TooLarge(b"".join(parts)[:HEAD])
    return b"".join(parts)


@lru_cache(8)
def _timeout(seconds: float) -> aiohttp.ClientTimeout:
    """Returns the timeout of a whole request, with a shorter one for the connection."""
    return aiohttp.ClientTimeout(total=seconds, sock_connect=min(seconds, CONNECT_SECONDS))


def _told_without_json(status: int) -> TelegramError:
    """Returns the error for an answer that is not JSON: it is from a server in between."""
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
