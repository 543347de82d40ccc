"""Requests to the homeserver. The outcome is an answer, a refusal, or no valid answer.

The calls of matrix-nio wait and retry themselves; here the outbox and the sync loop decide about that.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from aiohttp import ClientError, ClientTimeout
from nio.client.async_client import AsyncClient

from adapters.tolerant_json import parse_json

TIMEOUT_SECONDS = 30.0
CLIENT = "/_matrix/client/v3"


class MatrixRefusal(Exception):
    """The homeserver refused. `code` is its error code, `seconds` the wait before a retry (0: not given)."""

    def __init__(self, status: int, code: str, seconds: float = 0) -> None:
        super().__init__(f"{status} {code}")
        self.status = status
        self.code = code
        self.seconds = seconds

    @property
    def is_limit(self) -> bool:
        """Whether it is a rate limit."""
        return self.code == "M_LIMIT_EXCEEDED" or self.status == 429

    @property
    def is_signed_out(self) -> bool:
        """Whether the login is no longer valid."""
        return self.code in {"M_UNKNOWN_TOKEN", "M_MISSING_TOKEN", "M_USER_DEACTIVATED", "M_USER_LOCKED"}


class NoAnswer(Exception):
    """No valid answer; the request may have been executed."""


def api_path(*parts: str) -> str:
    """Returns a path of the client API with escaped parts.

    >>> api_path("rooms", "!a/b", "leave")
    '/_matrix/client/v3/rooms/%21a%2Fb/leave'
    """
    return "/".join([CLIENT, *(quote(part, safe="") for part in parts)])


async def call_api(
    client: AsyncClient,
    method: str,
    where: str,
    body: dict[str, Any] | None = None,
    *,
    seconds: float = TIMEOUT_SECONDS,
) -> dict[str, Any]:
    """Returns the JSON object of the answer. Raises MatrixRefusal and NoAnswer."""
    raw, status = await fetch_bytes(client, method, where, body, seconds=seconds)
    try:
        answer = parse_json(raw)
    except ValueError:
        answer = None
    if not isinstance(answer, dict):
        raise NoAnswer(f"status {status}, not JSON")
    if status >= 400:
        raise refusal(status, answer)
    return answer


async def call_for_list(client: AsyncClient, where: str) -> list[Mapping[str, Any]]:
    """Returns the JSON objects of an answer that is a list. Raises MatrixRefusal and NoAnswer."""
    raw, status = await fetch_bytes(client, "GET", where)
    try:
        answer = parse_json(raw)
    except ValueError:
        answer = None
    if status >= 400:
        raise refusal(status, object_in(answer))
    if not isinstance(answer, list):
        raise NoAnswer(f"status {status}, not a list")
    return objects_in(answer)


async def upload(client: AsyncClient, content: bytes, content_type: str) -> str:
    """Stores a file at the homeserver; returns its `mxc://` address. Raises MatrixRefusal and NoAnswer."""
    raw, status = await fetch_bytes(client, "POST", "/_matrix/media/v3/upload", content, content_type=content_type)
    try:
        answer = object_in(parse_json(raw))
    except ValueError:
        answer = {}
    if status >= 400:
        raise refusal(status, answer)
    if not (uri := str(answer.get("content_uri", ""))):
        raise NoAnswer(f"status {status}, no address")
    return uri


async def fetch_bytes(
    client: AsyncClient,
    method: str,
    where: str,
    body: dict[str, Any] | bytes | None = None,
    *,
    seconds: float = TIMEOUT_SECONDS,
    most: int = 200_000_000,
    content_type: str = "application/json",
) -> tuple[bytes, int]:
    """Returns body and status of the answer. Raises NoAnswer."""
    headers = {"Content-Type": content_type}
    if client.access_token:
        headers["Authorization"] = f"Bearer {client.access_token}"
    data = json.dumps(body) if isinstance(body, dict) else body
    timeout: Any = ClientTimeout(total=seconds)  # the type of nio is "float"; it is passed to aiohttp
    try:
        response = await client.send(method, where, data, headers, timeout=timeout)
        async with response:
            raw = bytearray()
            async for chunk in response.content.iter_chunked(1 << 16):
                raw += chunk
                if len(raw) > most:
                    raise NoAnswer("too much")
            return bytes(raw), response.status
    except (ClientError, TimeoutError, OSError) as error:
        raise NoAnswer(type(error).__name__) from None


def refusal(status: int, answer: Mapping[str, Any]) -> MatrixRefusal:
    wait = answer.get("retry_after_ms")
    seconds = wait / 1000 if isinstance(wait, int | float) else 0
    return MatrixRefusal(status, str(answer.get("errcode", "")), seconds)


def object_in(found: object) -> Mapping[str, Any]:
    """Returns the value if it is a JSON object, otherwise an empty one."""
    return found if isinstance(found, Mapping) else {}


def objects_in(found: object) -> list[Mapping[str, Any]]:
    """Returns the objects of a list; an empty list for any other value."""
    return [one for one in found if isinstance(one, Mapping)] if isinstance(found, list) else []
