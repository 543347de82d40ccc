"""The versions of a consultation that a member can look at, try out and publish."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from typing import Final, Literal, NamedTuple

from sqlalchemy import Connection

from bot.authoring.drafts import read_draft_consultation
from bot.authoring.file_check import CheckedFile, canonical_content, content_digest
from bot.authoring.upload_check import read_check
from bot.consultations import stored_revisions
from bot.web.console.overview import ConsultationSummary
from bot.web.console.visit import Visit
from flows.definition import Consultation
from storage.tables.console_uploads import ConsoleUpload, console_upload_of
from storage.tables.consultation_drafts import StoredDraft, draft_of
from storage.tables.revisions import PublishedRevision, find_live_revision, revision_in_stage, revisions_by_id

VersionName = Literal["draft", "upload", "stored", "test", "live"]
UPLOAD_KEPT: Final = timedelta(days=1)
VERSION_PHRASES: Final[dict[VersionName, str]] = {
    "draft": "console.version.draft",
    "upload": "console.version.upload",
    "stored": "console.version.stored",
    "test": "console.version.test",
    "live": "console.version.live",
}


class ConsultationVersion(NamedTuple):
    """One version: where it comes from, and its definition with what the check found."""

    name: VersionName
    checked: CheckedFile
    draft: int = 0
    """The version of the draft; 0 if it is none."""

    @property
    def phrase(self) -> str:
        return VERSION_PHRASES[self.name]

    @property
    def digest(self) -> str:
        """Identifies the definition; "" if the check could not read it."""
        definition = self.checked.consultation
        return content_digest(canonical_content(definition)) if definition else ""


def definition_of(version: ConsultationVersion) -> Consultation:
    """Returns the definition of a version that `load_versions` returned."""
    assert version.checked.consultation is not None  # noqa: S101 - others are left out
    return version.checked.consultation


class _Sources(NamedTuple):
    draft: StoredDraft | None
    upload: ConsoleUpload | None
    revisions: list[tuple[VersionName, PublishedRevision]]


async def load_versions(visit: Visit, summary: ConsultationSummary) -> list[ConsultationVersion]:
    """Returns the versions with a definition that this program can read, newest work first, each definition once."""
    sources = await visit.read(lambda connection: _load(connection, visit, summary))
    found = await asyncio.to_thread(lambda: list(_versions(sources)))
    first = {it.digest: it for it in reversed(found) if it.checked.consultation}
    return [it for it in found if first.get(it.digest) is it or it.name == "live"]


def _load(connection: Connection, visit: Visit, summary: ConsultationSummary) -> _Sources:
    upload = console_upload_of(connection, visit.member.id, summary.consultation_id)
    is_fresh = upload is not None and visit.now - upload.created_at < UPLOAD_KEPT
    draft = draft_of(connection, summary.consultation_id)
    return _Sources(
        draft if draft and draft.revision is None else None,
        upload if is_fresh else None,
        list(_revisions(connection, summary)),
    )


def _versions(sources: _Sources) -> Iterator[ConsultationVersion]:
    if sources.draft:
        yield ConsultationVersion("draft", read_draft_consultation(sources.draft.text), sources.draft.version)
    if sources.upload:
        yield ConsultationVersion("upload", read_check(sources.upload.checked))
    for name, revision in sources.revisions:
        yield ConsultationVersion(name, CheckedFile(stored_revisions.read_revision(revision), ()))


def _revisions(connection: Connection, summary: ConsultationSummary) -> Iterator[tuple[VersionName, PublishedRevision]]:
    stages: tuple[tuple[VersionName, Literal["draft", "test"]], ...] = (("stored", "draft"), ("test", "test"))
    for name, stage in stages:
        if waiting := revision_in_stage(connection, summary.consultation_id, stage):
            yield name, revisions_by_id(connection, [waiting.id])[waiting.id]
    if live := find_live_revision(connection, summary.slug):
        yield "live", live
