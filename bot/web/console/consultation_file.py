"""The file of a consultation: download of the live one, upload of a new one, its comparison, and publishing.

The upload waits in the database (`storage.tables.console_uploads`) until it is published, dropped, or a day old.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final, NamedTuple

from aiohttp import web
from sqlalchemy import Connection

from bot.authoring import going_live, publishing
from bot.authoring.file_check import CheckedFile
from bot.authoring.lifecycle import StepRefused
from bot.authoring.publish_impact import PublishImpact, PublishOptions
from bot.authoring.published_file import file_of_revision, is_file_kept
from bot.authoring.publishing import PublishOutcome
from bot.authoring.upload_check import CheckFailed, check_upload, read_check
from bot.common.audit import unrecorded
from bot.common.i18n.locale import Locale
from bot.consultations import stored_revisions
from bot.web.console.consultations import own_consultation, publish_context
from bot.web.console.file_comparison import describe_parts, describe_question, group_parts
from bot.web.console.issue_words import told_issue
from bot.web.console.overview import ConsultationSummary
from bot.web.console.registry import console_page
from bot.web.console.rendering import NOT_STORED
from bot.web.console.visit import Visit, id_in
from flows.definition import Consultation
from storage.tables.console_uploads import (
    ConsoleUpload,
    console_upload_of,
    decide_console_upload,
    delete_console_upload,
    delete_console_uploads_before,
    replace_console_upload,
)
from storage.tables.consultations import find_consultation
from storage.tables.revisions import PublishedRevision, find_live_revision
from storage.tables.stages import current_stages

UPLOAD_KEPT: Final = timedelta(days=1)
UNDO_SECONDS: Final = 60
GRACE_SECONDS: Final = 10
"""The undo is accepted so long after the minute that the page names: for slow connections."""


class FileDecisions(NamedTuple):
    """What the member decided about an upload."""

    same_meaning: frozenset[str] = frozenset()
    base: int | None = None
    """The live revision that may be replaced although the file lacks its changes."""

    @classmethod
    def of(cls, upload: ConsoleUpload) -> FileDecisions:
        data = json.loads(upload.decisions)
        return cls(frozenset(data["same"]), data["base"])

    def to_json(self) -> str:
        return json.dumps({"same": sorted(self.same_meaning), "base": self.base})


class _Tried(Exception):
    """Carries the outcome of publishing out of a transaction, which is rolled back by it."""

    def __init__(self, outcome: PublishOutcome, live: PublishedRevision | None, *, is_kept: bool) -> None:
        super().__init__("tried")
        self.outcome = outcome
        self.live = live
        self.is_kept = is_kept
        """Whether the file is that of the live revision already, with its comments."""


class _Moved(Exception):
    """Another revision is live than the one that the member compared with."""


@console_page("GET", "/consultations/{slug}/file", "consultations.change")
async def show_file(visit: Visit) -> web.StreamResponse:
    """Shows the live file, the form for a new one, and the undo of a moment ago."""
    return await _page(visit)


@console_page("GET", "/consultations/{slug}/file/live", "consultations.change")
async def download_file(visit: Visit) -> web.StreamResponse:
    """Sends the live revision as a file to edit, with its comments, as the command `show` prints it."""
    summary = await own_consultation(visit)

    def load(connection: Connection) -> tuple[str, int] | None:
        live = find_live_revision(connection, summary.slug)
        text = file_of_revision(connection, live, live.number) if live else None
        return (text, live.number) if live and text else None

    found = await visit.read(load)
    if found is None:
        raise web.HTTPNotFound
    text, number = found
    headers = {**NOT_STORED, "Content-Disposition": f'attachment; filename="{summary.slug}-{number}.yaml"'}
    return web.Response(text=text, content_type="application/yaml", headers=headers)


@console_page("POST", "/consultations/{slug}/file", "consultations.change", takes_file=True)
async def upload_file(visit: Visit) -> web.StreamResponse:
    """Checks an uploaded file and keeps it for the next page."""
    summary, file = await own_consultation(visit), visit.file
    if file is None or not file.content:
        return await _page(visit, "file_missing")
    if file.is_cut:
        return await _page(visit, "file_large")
    try:
        checked = await check_upload(file.content, file.name)
    except CheckFailed:
        return await _page(visit, "file_slow")
    definition = read_check(checked).consultation
    if definition is not None and definition.slug != summary.slug:
        return await _page(visit, "other_slug")
    upload = ConsoleUpload(
        staff_id=visit.member.id,
        consultation_id=summary.consultation_id,
        name=file.name,
        checked=checked,
        decisions=FileDecisions().to_json(),
        created_at=visit.now,
    )

    def work(connection: Connection) -> None:
        delete_console_uploads_before(connection, visit.now - UPLOAD_KEPT)
        replace_console_upload(connection, upload)

    await visit.write(work)
    return visit.see(f"/consultations/{summary.slug}/file/changes")


@console_page("GET", "/consultations/{slug}/file/changes", "consultations.change")
async def show_changes(visit: Visit) -> web.StreamResponse:
    """Shows the check, the comparison with the live revision, and the open decisions."""
    return await _changes_page(visit)


@console_page("POST", "/consultations/{slug}/file/decide", "consultations.change")
async def decide_change(visit: Visit) -> web.StreamResponse:
    """Stores one decision: a question keeps its meaning (`same`) or not (`apart`), or the live revision may be
    replaced (`base`).
    """
    summary = await own_consultation(visit)
    same, apart, base = visit.field("same"), visit.field("apart"), id_in(visit.field("base"))

    def work(connection: Connection) -> bool:
        upload = console_upload_of(connection, visit.member.id, summary.consultation_id)
        if upload is None:
            return False
        before = FileDecisions.of(upload)
        after = FileDecisions((before.same_meaning | {same} if same else before.same_meaning) - {apart}, before.base)
        after = after._replace(base=base) if base else after
        return decide_console_upload(connection, visit.member.id, summary.consultation_id, after.to_json())

    is_kept = len(same) <= LONGEST_KEY and await visit.write(work)
    return visit.see(f"/consultations/{summary.slug}/file{'/changes' if is_kept else ''}")


@console_page("POST", "/consultations/{slug}/file/drop", "consultations.change")
async def drop_upload(visit: Visit) -> web.StreamResponse:
    """Drops the upload; the live revision stays."""
    summary = await own_consultation(visit)
    await visit.write(partial(delete_console_upload, staff_id=visit.member.id, consultation_id=summary.consultation_id))
    return visit.see(f"/consultations/{summary.slug}/file", done="upload_dropped")


@console_page("POST", "/consultations/{slug}/file/publish", "consultations.change")
async def publish_upload(visit: Visit) -> web.StreamResponse:
    """Publishes the upload if the live revision is still the one that the member compared with."""
    summary, seen = await own_consultation(visit), id_in(visit.field("seen"))
    if visit.site.options.publish_needs_second:
        return visit.see(f"/consultations/{summary.slug}/publish", version="upload")

    def work(connection: Connection) -> PublishOutcome | None:
        upload = console_upload_of(connection, visit.member.id, summary.consultation_id)
        if upload is None:
            return None
        find_consultation(connection, summary.slug, lock=True)
        live = find_live_revision(connection, summary.slug)
        if live is None or live.number != seen:
            raise _Moved
        outcome = _published(visit, connection, upload, looks_first=False)
        if outcome.revision is not None:
            delete_console_upload(connection, visit.member.id, summary.consultation_id)
        return outcome

    try:
        outcome = await visit.write(work)
    except _Moved:
        return await _changes_page(visit, "moved")
    if outcome is None:
        return await _page(visit, "upload_gone")
    if outcome.revision is None:
        return await _changes_page(visit, "undecided")
    done = "file_published" if outcome.new else "file_kept"
    return visit.see(f"/consultations/{summary.slug}/file", done=done)


@console_page("POST", "/consultations/{slug}/file/back", "consultations.change")
async def take_back(visit: Visit) -> web.StreamResponse:
    """Makes the previous revision live again, within a minute after this one went live."""
    summary, seen = await own_consultation(visit), id_in(visit.field("seen"))

    def work(connection: Connection) -> str:
        find_consultation(connection, summary.slug, lock=True)
        live = find_live_revision(connection, summary.slug)
        if live is None or live.number != seen:
            return "moved"
        if _seconds_left(connection, live, visit.now) <= -GRACE_SECONDS:
            return "undo_late"
        going_live.return_to_previous_revision(connection, summary.slug, publish_context(visit))
        return ""

    try:
        problem = await visit.write(work)
    except StepRefused:
        problem = "undo_refused"
    if problem:
        return await _page(visit, problem)
    return visit.see(f"/consultations/{summary.slug}/file", done="file_back")


LONGEST_KEY: Final = 100


def _published(visit: Visit, connection: Connection, upload: ConsoleUpload, *, looks_first: bool) -> PublishOutcome:
    """Publishes an upload in this transaction, as far as check and decisions allow."""
    checked, decisions = read_check(upload.checked), FileDecisions.of(upload)
    definition = checked.consultation
    keys = {node.key for node in definition.nodes()} if definition else set()
    base = decisions.base or (definition.revision if definition else None)
    intent = PublishOptions(base, decisions.same_meaning & keys, looks_first=looks_first)
    # The options name the revision, so that no remark asks to write the next one into the file.
    checked = checked._replace(consultation=definition and definition.model_copy(update={"revision": None}))
    context = publish_context(visit)
    return publishing.publish_checked(
        connection, checked, context._replace(note=unrecorded) if looks_first else context, upload.name, intent
    )


def _try_out(connection: Connection, visit: Visit, summary: ConsultationSummary, upload: ConsoleUpload) -> None:
    """Publishes an upload and raises _Tried, so that the transaction is rolled back: the page shows exactly what
    publishing would do.
    """
    live = find_live_revision(connection, summary.slug)
    is_kept = live is not None and is_file_kept(connection, live, read_check(upload.checked))
    raise _Tried(_published(visit, connection, upload, looks_first=True), live, is_kept=is_kept)


def _seconds_left(connection: Connection, live: PublishedRevision, now: datetime) -> int:
    """Returns the seconds until the undo ends; negative afterwards."""
    period = current_stages(connection, live.consultation_id).get("live")
    if period is None or period.back_to is None:
        return -UNDO_SECONDS - GRACE_SECONDS
    return UNDO_SECONDS - int((now - period.since).total_seconds())


async def _page(visit: Visit, problem: str = "") -> web.Response:
    summary = await own_consultation(visit)

    def load(connection: Connection) -> dict[str, Any]:
        live = find_live_revision(connection, summary.slug)
        upload = console_upload_of(connection, visit.member.id, summary.consultation_id)
        is_fresh = upload is not None and visit.now - upload.created_at < UPLOAD_KEPT
        left = _seconds_left(connection, live, visit.now) if live else 0
        return {"live": live, "upload": upload if is_fresh else None, "seconds_left": left}

    values = await visit.read(load)
    status = 409 if problem in ("moved", "undo_late", "undo_refused", "upload_gone") else 422 if problem else 200
    return visit.page(
        "file.html", status=status, summary=summary, problem=problem, done=visit.done(), undo=UNDO_SECONDS, **values
    )


async def _changes_page(visit: Visit, problem: str = "") -> web.Response:
    summary = await own_consultation(visit)
    upload = await visit.read(
        partial(console_upload_of, staff_id=visit.member.id, consultation_id=summary.consultation_id)
    )
    if upload is None or visit.now - upload.created_at >= UPLOAD_KEPT:
        return await _page(visit, "upload_gone")
    checked = read_check(upload.checked)
    try:
        await visit.write(partial(_try_out, visit=visit, summary=summary, upload=upload))
    except _Tried as tried:
        values = _comparison(visit, tried.outcome, tried.live, checked, FileDecisions.of(upload))
        values["is_kept"] = tried.is_kept
    status = 409 if problem else 200
    return visit.page("file_changes.html", status=status, summary=summary, upload=upload, problem=problem, **values)


def _comparison(
    visit: Visit,
    outcome: PublishOutcome,
    live: PublishedRevision | None,
    checked: CheckedFile,
    decisions: FileDecisions,
) -> dict[str, Any]:
    before: Consultation | None = stored_revisions.read_revision(live) if live else None
    after, impact = checked.consultation, outcome.impact
    own = {str(issue) for issue in (*impact.issues, *impact.questions)}
    return {
        "live": live,
        "parts_changed": describe_parts(before, after, visit.locale) if before and after else [],
        "issues": [told_issue(it, visit.locale) for it in outcome.issues if str(it) not in own],
        "conflict": impact.conflict,
        "lost": _lost_parts(impact, [it for it in (after, before) if it], visit.locale),
        **_changed_questions(impact, after or before, visit.locale),
        "under_way": impact.under_way,
        "people": sum(impact.under_way.values()),
        "lists": impact.lists,
        "is_same": outcome.revision is not None and not outcome.new,
        "can_publish": outcome.revision is not None or (impact.waits and not impact.unconfirmed),
        "decisions": decisions,
    }


def _lost_parts(impact: PublishImpact, definitions: Sequence[Consultation], locale: Locale) -> Any:
    return group_parts(impact.conflict.lost, definitions, locale) if impact.conflict else []


def _changed_questions(impact: PublishImpact, questions: Consultation | None, locale: Locale) -> dict[str, Any]:
    """Returns the changed questions in words: those refused, those to confirm, and those confirmed."""
    waiting = {change.key for change in impact.unconfirmed}
    by_state = {
        "refused": [it for it in impact.changes if it.level == "refused"],
        "unconfirmed": impact.unconfirmed,
        "confirmed": [it for it in impact.changes if it.level == "confirm" and it.key not in waiting],
    }
    return {name: [describe_question(it, questions, locale) for it in found] for name, found in by_state.items()}
