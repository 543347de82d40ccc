"""Files: every export of a consultation as a job, and links that fetch each file once."""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, Final, Literal, NamedTuple

import structlog
from aiohttp import web
from sqlalchemy import Connection

from bot.common.audit import Act
from bot.common.keys import Keys
from bot.exchange.exports.kinds import ATTACHMENTS, ExportKind, export_kind, export_kinds
from bot.exchange.exports.metadata import Profile
from bot.exchange.exports.service import FILE_KEPT, ROWS_KEPT, ExportsFull, add_export_job, is_available
from bot.staff.policy import Action
from bot.web.console.consultations import own_consultation
from bot.web.console.overview import ConsultationSummary
from bot.web.console.registry import console_page
from bot.web.console.rendering import NOT_STORED
from bot.web.console.results import are_figures_public
from bot.web.console.visit import Visit, id_in
from bot.web.middleware import add_security_headers
from storage.tables.export_jobs import (
    ExportJob,
    ListedExportJob,
    change_export_job,
    export_job_by_id,
    newest_export_jobs,
)

log = structlog.get_logger()

MOST_LISTED: Final = 30
LONGEST_PURPOSE: Final = 300
CHUNK: Final = 256 * 1024
LONGEST_SECONDS: Final = 900.0
"""A browser that has not taken a file by then is disconnected."""
ACTIONS: Final[dict[Profile, Action]] = {
    "public": "export.public",
    "analysis": "export.analysis",
    "raw": "export.raw",
}
"""The permission that each content needs."""
_ACTS: Final[dict[Profile, Act]] = {
    "public": "export.public",
    "analysis": "export.analysis",
    "raw": "export.raw",
}

LinkProblem = Literal["used", "expired", "foreign"]


class FileLine(NamedTuple):
    """One job as the list shows it. `link` is "" for files that this session cannot fetch."""

    job: ExportJob
    kind: ExportKind | None
    by: str
    is_own: bool
    link: str

    @property
    def kilobytes(self) -> int:
        """Returns the size of the file, rounded up; 0 if there is none."""
        return -(-(self.job.size or 0) // 1024)


class _LinkGone(Exception):
    """A link that fetches nothing (any more)."""

    def __init__(self, problem: LinkProblem) -> None:
        super().__init__(problem)
        self.problem: LinkProblem = problem


@console_page("GET", "/consultations/{slug}/files", "export.public")
async def show_files(visit: Visit) -> web.StreamResponse:
    """Shows what can be exported, and the jobs."""
    return await _page(visit)


@console_page("POST", "/consultations/{slug}/files", "export.public")
async def start_export(visit: Visit) -> web.StreamResponse:
    """Starts a job. Raw data needs a purpose, which the audit log records before the first row is read."""
    summary, kind = await own_consultation(visit), export_kind(visit.field("kind"))
    if kind is None:
        raise web.HTTPNotFound
    if not visit.may(ACTIONS[kind.profile]):
        log.warning("staff_access_denied", route="/consultations/{slug}/files")
        return visit.page("refused.html", status=403)
    purpose = visit.field("purpose")[:LONGEST_PURPOSE]
    if kind.profile == "raw" and not any(letter.isalnum() for letter in purpose):
        return await _page(visit, "purpose_missing")
    is_shown = kind.profile == "public" or (kind.profile == "analysis" and not kind.is_own)  # others show the votes
    if is_shown and not await are_figures_public(visit, summary.slug):
        return await _page(visit, "not_public")
    try:
        await visit.write(partial(_add, visit=visit, summary=summary, kind=kind, purpose=purpose))
    except ExportsFull:
        return await _page(visit, "exports_full")
    visit.site.services.exporter.wake()
    return visit.see(f"/consultations/{summary.slug}/files", done="export")


@console_page("POST", "/consultations/{slug}/files/cancel", "export.public")
async def cancel_export(visit: Visit) -> web.StreamResponse:
    """Aborts an own job that waits or runs."""
    summary = await own_consultation(visit)
    job = await _own_job(visit, summary, id_in(visit.field("job")))
    if job is None:
        raise web.HTTPNotFound
    await visit.site.services.exporter.cancel(job)
    return visit.see(f"/consultations/{summary.slug}/files", done="export_cancelled")


@console_page("GET", "/consultations/{slug}/files/{token}", "export.public")
async def fetch_file(visit: Visit) -> web.StreamResponse:
    """Sends a file once, to the session that asked for it, and removes it."""
    summary = await own_consultation(visit)
    response = web.StreamResponse(headers=NOT_STORED)
    add_security_headers(visit.site, visit.request, response)
    try:
        async with _claimed(visit, summary) as (job, kind):
            name = f"{summary.slug}-{kind.profile}-{kind.format}{kind.suffix}"
            response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
            await _send(visit, job, response)
    except _LinkGone as gone:
        return visit.page("file_gone.html", status=410, summary=summary, gone=gone.problem)
    except (ConnectionError, TimeoutError):
        visit.request.protocol.force_close()  # the browser is gone, or does not read
    return response


def _add(connection: Connection, visit: Visit, summary: ConsultationSummary, kind: ExportKind, purpose: str) -> None:
    job = ExportJob(
        id=visit.site.services.ids(),
        consultation_id=summary.consultation_id,
        staff_id=visit.member.id,
        kind=kind.name,
        state="waiting",
        progress=0,
        size=None,
        created_at=visit.now,
    )
    add_export_job(connection, job)
    said = purpose if kind.is_own else f"{kind.format}: {purpose}".rstrip(": ")
    act: Act = "export.attachments" if kind.format == ATTACHMENTS else _ACTS[kind.profile]
    visit.note(connection, act, summary.slug, said)


async def _own_job(visit: Visit, summary: ConsultationSummary, number: int | None) -> ExportJob | None:
    job = await visit.read(partial(export_job_by_id, job_id=number)) if number else None
    is_own = job and (job.staff_id, job.consultation_id) == (visit.member.id, summary.consultation_id)
    return job if is_own else None


@asynccontextmanager
async def _claimed(visit: Visit, summary: ConsultationSummary) -> AsyncIterator[tuple[ExportJob, ExportKind]]:
    """Claims the file of the link for this request. A transfer that breaks off does not use the link up. Raises
    _LinkGone.
    """
    token = visit.part("token")
    job = await _own_job(visit, summary, id_in(token[:-_MAC_LENGTH]))
    kind = export_kind(job.kind) if job else None
    if job is None or kind is None or not hmac.compare_digest(token.encode(), _token(visit, job).encode()):
        raise _LinkGone("foreign")
    if not visit.may(ACTIONS[kind.profile]):
        raise _LinkGone("foreign")
    if job.state in ("fetched", "sending"):
        raise _LinkGone("used")
    if not is_available(job, visit.now):
        raise _LinkGone("expired")
    if not await visit.write(partial(change_export_job, job_id=job.id, before=("done",), state="sending")):
        raise _LinkGone("used")
    state = "done"
    try:
        yield job, kind
        state = "fetched"
    finally:
        await visit.write(partial(_settle, visit=visit, summary=summary, job=job, state=state))
        if state == "fetched":
            visit.site.services.exporter.path(job).unlink(missing_ok=True)


def _settle(connection: Connection, visit: Visit, summary: ConsultationSummary, job: ExportJob, state: str) -> None:
    change_export_job(connection, job.id, ("sending",), state=state)
    if state == "fetched":
        visit.note(connection, "export.fetch", summary.slug, job.kind)


async def _send(visit: Visit, job: ExportJob, response: web.StreamResponse) -> None:
    """Sends the file, and returns when the browser has taken all of it. Raises _LinkGone if the file is missing,
    ConnectionError, TimeoutError.
    """
    try:
        file = visit.site.services.exporter.path(job).open("rb")
    except OSError as error:
        raise _LinkGone("expired") from error
    response.content_type = "application/octet-stream"
    response.content_length = job.size
    with file:
        async with asyncio.timeout(LONGEST_SECONDS):
            await response.prepare(visit.request)
            while chunk := file.read(CHUNK):
                await response.write(chunk)
            await response.write_eof()


_MAC_LENGTH: Final = 32


def _token(visit: Visit, job: ExportJob) -> str:
    return file_token(visit.site.services.keys, job.id, visit.signed_in.session.token_hash)


def file_token(keys: Keys, job_id: int, session: bytes) -> str:
    """Returns the last part of a link to the file of a job: it is valid in this session of the console only."""
    return f"{job_id}{hmac.digest(keys.staff, b'console-file/%d/' % job_id + session, 'sha256')[:16].hex()}"


async def _page(visit: Visit, problem: str = "") -> web.Response:
    summary = await own_consultation(visit)
    found = await visit.read(partial(newest_export_jobs, consultation_id=summary.consultation_id, limit=MOST_LISTED))
    lines = _lines(visit, found)
    values: dict[str, Any] = {
        **_offered([kind for kind in export_kinds() if visit.may(ACTIONS[kind.profile])]),
        "is_public": await are_figures_public(visit, summary.slug),
        "lines": lines,
        "is_busy": any(it.job.state in ("waiting", "running") for it in lines),
        "minutes": int(FILE_KEPT.total_seconds() // 60),
        "days": ROWS_KEPT.days,
        "purpose": visit.field("purpose")[:LONGEST_PURPOSE],
        "done": visit.done(),
    }
    return visit.page("files.html", status=422 if problem else 200, summary=summary, problem=problem, **values)


def _offered(kinds: Sequence[ExportKind]) -> dict[str, Any]:
    """Groups what can be exported: own formats by profile, then those of other programs."""
    others = [kind for kind in kinds if not kind.is_own]
    return {
        "own": {profile: [it for it in kinds if it.is_own and it.profile == profile] for profile in ACTIONS},
        "others": [it for it in others if it.profile == "analysis"],
        "raw_others": [it for it in others if it.profile == "raw"],
    }


def _lines(visit: Visit, found: Sequence[ListedExportJob]) -> list[FileLine]:
    shown = []
    for job, by in found:
        kind, is_own = export_kind(job.kind), job.staff_id == visit.member.id
        is_ready = is_own and kind is not None and is_available(job, visit.now) and visit.may(ACTIONS[kind.profile])
        shown.append(FileLine(job, kind, by, is_own, _token(visit, job) if is_ready else ""))
    return shown
