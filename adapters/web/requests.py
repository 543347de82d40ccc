"""Reads requests: checks their origin and size, and finds the visitor's language."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping
from typing import Final
from urllib.parse import parse_qsl, urlsplit

from aiohttp import web

from adapters.web.errors import RequestError

FORM_GROWTH = 4
"""Forms write a character of 4 bytes as 12, so their bodies may be longer than the same text in JSON."""
MOST_FIELDS = 40


FORM = "application/x-www-form-urlencoded"
FIELDS: Final = web.RequestKey("fields", tuple[tuple[str, str], ...])
"""The fields of a plain form, stored with the request, so that an error page can offer to send it again."""


def is_ours(request: web.BaseRequest, origins: Collection[str], *, has_token: bool = True) -> bool:
    """Whether a request is from a page of ours; a request without any origin is not from a browser's script.

    Forms of a page without referrers send the origin "null": then Sec-Fetch-Site decides, or, in an old browser without
    it, the form's token. A form without a token (`has_token` False) is refused then: a foreign page could sign a
    visitor in to another account with it, and read along.
    """
    origin = request.headers.get("Origin")
    site = request.headers.get("Sec-Fetch-Site")
    if origin is None:
        return site in {None, "none", "same-origin"}
    if origin == "null":
        return site == "same-origin" or (has_token and site is None and request.content_type == FORM)
    if origin in origins:
        return True
    try:
        parts = urlsplit(origin)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and parts.netloc.lower() == request.host.lower()


async def body_of(request: web.BaseRequest, most: int, seconds: float) -> bytes:
    """Returns the body, if it is short enough and arrives in time. Raises RequestError (`too_large`, `slow`)."""
    if (request.content_length or 0) > most:
        raise RequestError("too_large")
    body = bytearray()
    try:
        async with asyncio.timeout(seconds):
            async for chunk in request.content.iter_any():
                body += chunk
                if len(body) > most:
                    raise RequestError("too_large")
    except TimeoutError as error:
        raise RequestError("slow") from error
    except web.RequestPayloadError as error:
        raise RequestError("malformed") from error
    return bytes(body)


def form_fields(body: bytes) -> Mapping[str, str]:
    """Returns the fields of a plain form; of several with one name, the last. Raises RequestError (`malformed`)."""
    try:
        text = body.decode("ascii")
        return dict(parse_qsl(text, keep_blank_values=True, max_num_fields=MOST_FIELDS, errors="replace"))
    except (UnicodeDecodeError, ValueError) as error:
        raise RequestError("malformed") from error


NOT_SENT: Final = 400
"""The status of an answer that no client receives."""


def has_left(request: web.BaseRequest, error: Exception) -> bool:
    """Whether the client closed the connection, so that it caused this error and no answer can be sent."""
    return isinstance(error, ConnectionError) and (request.transport is None or request.transport.is_closing())


def language_of(request: web.BaseRequest) -> str:
    """Returns the first language of the browser's Accept-Language, "" for none."""
    return request.headers.get("Accept-Language", "").split(",")[0].split(";")[0].strip()[:35]


def number_of(request: web.BaseRequest, name: str) -> int:
    """Returns a whole number from the query; 0 if there is none."""
    text = request.query.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else 0
