"""Reads forms that upload one file (`multipart/form-data`), within limits of size and time."""

from __future__ import annotations

import asyncio
from typing import Final, NamedTuple

from aiohttp import BodyPartReader, web

from adapters.web.errors import RequestError
from bot.authoring.yaml_source import LARGEST
from bot.web.context import site_of

MULTIPART: Final = "multipart/form-data"
MOST_PARTS: Final = 40
LONGEST_FIELD: Final = 20_000
MOST_READ: Final = 8 * LARGEST
"""A body up to this size is read to its end, so that the browser shows our answer; a larger one is cut off."""
LONGEST_NAME: Final = 100
CHUNK: Final = 64 * 1024


class UploadedFile(NamedTuple):
    """An uploaded file; `is_cut`: it is larger than accepted, and the rest was dropped."""

    name: str
    content: bytes
    is_cut: bool


async def read_upload(request: web.Request) -> tuple[dict[str, list[str]], UploadedFile | None]:
    """Returns the fields and the file; None if no file was chosen. Raises RequestError."""
    if (request.content_length or 0) > MOST_READ:
        raise RequestError("too_large")
    try:
        async with asyncio.timeout(site_of(request).routes.limits.body_seconds):
            return await _parts(request)
    except TimeoutError as error:
        raise RequestError("slow") from error
    except (ValueError, LookupError, AssertionError, web.RequestPayloadError) as error:
        raise RequestError("malformed") from error


async def _parts(request: web.Request) -> tuple[dict[str, list[str]], UploadedFile | None]:
    fields: dict[str, list[str]] = {}
    file: UploadedFile | None = None
    reader = await request.multipart()
    for _ in range(MOST_PARTS):
        part = await reader.next()
        if part is None:
            return fields, file
        if not isinstance(part, BodyPartReader):
            break
        limit = LONGEST_FIELD if part.filename is None else LARGEST
        content, is_cut = await _content(part, limit)
        if part.filename is None:
            fields.setdefault(part.name or "", []).append(content.decode("utf-8", "replace"))
        elif part.filename:
            file = UploadedFile(_tidy(part.filename), content, is_cut)
    raise RequestError("malformed")


async def _content(part: BodyPartReader, limit: int) -> tuple[bytes, bool]:
    """Returns the content up to a limit, and whether there was more. Reads to the end of the part."""
    kept, total = bytearray(), 0
    while chunk := await part.read_chunk(CHUNK):
        total += len(chunk)
        kept += chunk[: max(0, limit - len(kept))]
        if total > MOST_READ:
            raise RequestError("too_large")
    return bytes(kept), total > limit


def _tidy(name: str) -> str:
    """Returns the name of a file in one line, without folders and invisible characters."""
    last = name.replace("\\", "/").rsplit("/", 1)[-1]
    return "".join(it for it in " ".join(last.split()) if it.isprintable())[-LONGEST_NAME:] or "?"
