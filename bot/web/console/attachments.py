"""Voice messages and pictures of residents: the list of a consultation, and each file to listen to, view or save.

A voice or a face identifies a person, so every transfer of a file is an entry of the audit log.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Final, NamedTuple

from aiohttp import web
from sqlalchemy import Connection

from bot.common.keys import SecretError
from bot.consultations import stored_revisions
from bot.consultations.answer_text import decode_text, strip_media_mark
from bot.delivery.attachments.files import FOLDER, AttachmentFolder
from bot.web.console.consultations import own_consultation
from bot.web.console.registry import console_page
from bot.web.console.rendering import NOT_STORED
from bot.web.console.visit import Visit, id_in
from storage.tables.answers import answers_of_sessions
from storage.tables.attachments import ListedAttachment, attachment_by_id, newest_attachments
from storage.tables.revisions import live_revision_of

PATH: Final = "/consultations/{slug}/reading/attachments"
PAGE_SIZE: Final = 25
CONTENT_TYPES: Final[Mapping[str, str]] = {
    "ogg": "audio/ogg",
    "mp3": "audio/mpeg",
    "m4a": "audio/mp4",
    "jpg": "image/jpeg",
    "png": "image/png",
    "webp": "image/webp",
}
"""The types that the service stores: no browser runs them as a program."""


class AttachmentLine(NamedTuple):
    """One attachment of the list with its question and the caption, in its language."""

    attachment: ListedAttachment
    question: str
    caption: str
    language: str


@console_page("GET", PATH, "texts.read")
async def show_attachments(visit: Visit) -> web.StreamResponse:
    """Shows the newest attachments; `before` in the address is the id of the last one seen."""
    return await _page(visit)


@console_page("GET", f"{PATH}/{{number}}", "texts.read")
async def fetch_attachment(visit: Visit) -> web.StreamResponse:
    """Sends a file, or the part of it that a player asks for; with `save` in the address as a download."""
    summary, number = await own_consultation(visit), id_in(visit.part("number")) or 0
    found = await visit.read(partial(attachment_by_id, consultation_id=summary.consultation_id, number=number))
    if found is None:
        raise web.HTTPNotFound
    services = visit.site.services
    folder = AttachmentFolder(services.settings.data / FOLDER, services.keys)
    try:
        content = await asyncio.to_thread(folder.read, found.file)
    except (OSError, SecretError):
        return await _page(visit, "attachment_lost")
    about = f"{summary.slug}/{found.id}"
    await visit.write(lambda connection: visit.note(connection, "attachment.read", about))
    way = "attachment" if "save" in visit.request.query else "inline"
    name = f"{summary.slug}-{found.question_key}-{found.id}.{found.ending}"
    headers = {**NOT_STORED, "Content-Disposition": f'{way}; filename="{name}"', "Accept-Ranges": "bytes"}
    return _part(visit.request, content, CONTENT_TYPES.get(found.ending or "", "application/octet-stream"), headers)


def _part(request: web.Request, content: bytes, content_type: str, headers: dict[str, str]) -> web.Response:
    """Returns the bytes that a request asks for: some players play nothing without parts."""
    try:
        wanted = request.http_range
    except ValueError:
        wanted = slice(None)  # a malformed range is ignored (RFC 9110, section 14.2)
    if wanted.start is None and wanted.stop is None:
        return web.Response(body=content, content_type=content_type, headers=headers)
    start, stop, _ = wanted.indices(len(content))
    if start >= stop:
        return web.Response(status=416, headers={**headers, "Content-Range": f"bytes */{len(content)}"})
    headers = {**headers, "Content-Range": f"bytes {start}-{stop - 1}/{len(content)}"}
    return web.Response(status=206, body=content[start:stop], content_type=content_type, headers=headers)


async def _page(visit: Visit, problem: str = "") -> web.Response:
    summary = await own_consultation(visit)
    before = id_in(visit.request.query.get("before", "")) or 0

    def load(connection: Connection) -> list[AttachmentLine]:
        found = newest_attachments(connection, summary.consultation_id, before, PAGE_SIZE + 1)
        return _lines(connection, summary.consultation_id, found, visit.locale.tag)

    lines = await visit.read(load)
    return visit.page(
        "attachments.html",
        status=404 if problem else 200,
        summary=summary,
        problem=problem,
        lines=lines[:PAGE_SIZE],
        before=before,
        older=lines[PAGE_SIZE - 1].attachment.id if len(lines) > PAGE_SIZE else 0,
    )


def _lines(
    connection: Connection, consultation_id: int, found: Sequence[ListedAttachment], language: str
) -> list[AttachmentLine]:
    questions = _questions(connection, consultation_id, language)
    wanted = sorted({it.session_id for it in found})
    answers = {(it.session_id, it.question_key): it for it in answers_of_sessions(connection, wanted)} if wanted else {}
    lines = []
    for it in found:
        answer = answers.get((it.session_id, it.question_key))
        caption = strip_media_mark(decode_text(answer.value)) if answer and answer.value is not None else ""
        question = questions.get(it.question_key, it.question_key)
        lines.append(AttachmentLine(it, question, caption, answer.language if answer else ""))
    return lines


def _questions(connection: Connection, consultation_id: int, language: str) -> dict[str, str]:
    """Returns the questions of the live revision by their key."""
    live = live_revision_of(connection, consultation_id)
    definition = stored_revisions.read_revision(live) if live else None
    if definition is None:
        return {}
    main = definition.main_language
    return {
        node.key: node.text.in_language(language if language in node.text.languages() else main, {})
        for node in definition.nodes()
    }
