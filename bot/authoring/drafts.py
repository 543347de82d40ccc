"""Drafts of consultation files: several members edit one file in the console, and nothing is overwritten in silence.

    draft = save_draft(connection, draft.consultation_id, draft.version, new_text, author)

Each save is a version. It names the version it was made from, and is refused if there is a newer one. The file stays
the truth: a draft has the format of every consultation file, and its text is stored as it was written.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Final, NamedTuple

from sqlalchemy import Connection

from bot.authoring.draft_fields import main_language, text_in
from bot.authoring.file_check import CheckedFile, check_parsed_file
from bot.authoring.published_file import file_of_revision
from bot.authoring.yaml_edit import EditRefused, plain_data, set_values
from bot.authoring.yaml_source import LARGEST, parse_yaml
from bot.common.audit import Note, unrecorded
from bot.consultations import stored_revisions
from storage.tables.consultation_drafts import (
    DraftHead,
    StoredDraft,
    delete_draft_versions,
    delete_versions,
    draft_of,
    draft_versions,
    insert_consultation_drafts,
)
from storage.tables.consultations import consultation_slug, find_consultation
from storage.tables.publications import Publication, add_consultation, delete_consultation
from storage.tables.revisions import PublishedRevision, live_revision_of, revision_in_stage

NAME: Final = "draft"
"""The name of the file in issues."""
KEPT_VERSIONS: Final = 50
KEPT_STEPS: Final = 20
"""The newest versions are all kept; of older ones the last of one member in ten minutes, because pages save often."""
RECORDED_EVERY: Final = timedelta(minutes=10)
"""Changes of one member within this time are one entry of the audit log; each of them is a version."""


class DraftAuthor(NamedTuple):
    """Who saves, when, and how acts are recorded."""

    name: str
    now: datetime
    note: Note = unrecorded


class Draft(NamedTuple):
    """A draft. Version 0 is not stored: the published revision as a file, from which the first change is made."""

    consultation_id: int
    slug: str
    version: int
    title: str
    text: str
    changed_by: str
    changed_at: datetime | None
    revision: int | None
    """The number of the live revision with the same content; None for changes that are not published."""


class DraftChanged(Exception):
    """Another member saved a version meanwhile. Both texts are kept here, nothing was stored."""

    def __init__(self, mine: str, newest: Draft) -> None:
        super().__init__("the draft changed meanwhile")
        self.mine = mine
        self.newest = newest


class DraftUnusable(Exception):
    """The text cannot be the draft of this consultation. `reason`: large, unreadable (no YAML), slug (that of another
    consultation, or none), taken (the slug of a new one), gone (the version).
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@lru_cache(maxsize=16)
def read_draft_consultation(text: str) -> CheckedFile:
    """Checks a draft like an uploaded file. Takes up to seconds for the largest files; the last results are kept."""
    return check_parsed_file(parse_yaml(text, NAME), NAME)


def find_draft(connection: Connection, slug: str) -> Draft | None:
    """Returns the draft of a consultation. Without a stored one it is made from the live revision, or from the test or
    draft revision of a command (version 0). None if there is no such consultation.
    """
    found = find_consultation(connection, slug)
    if found is None:
        return None
    stored = draft_of(connection, found.id)
    return _draft(stored, slug) if stored else draft_of_revision(connection, found.id)


def draft_of_revision(connection: Connection, consultation_id: int) -> Draft | None:
    """Returns the published file of a consultation as version 0. None if it has no readable revision."""
    live = live_revision_of(connection, consultation_id)
    revision = live or _waiting_revision(connection, consultation_id)
    definition = stored_revisions.read_revision(revision) if revision else None
    if revision is None or definition is None:
        return None
    number = revision.number if live else None
    text = file_of_revision(connection, revision, number)
    assert text is not None  # noqa: S101 - for the type checker: the definition was read
    title = definition.title.in_language(definition.main_language, definition.fallbacks)
    return Draft(
        consultation_id=consultation_id,
        slug=revision.slug,
        version=0,
        title=title,
        text=text,
        changed_by="",
        changed_at=None,
        revision=number,
    )


def save_draft(
    connection: Connection,
    draft_id: int,
    from_version: int,
    text: str,
    by: DraftAuthor,
    revision: int | None = None,
) -> Draft:
    """Stores the next version. `draft_id` is the id of the consultation. `revision`: the live revision with this
    content. Raises DraftChanged if there is a newer version, DraftUnusable.
    """
    title, slug = _title_and_slug(text)
    found = find_consultation(connection, slug, lock=True)  # two saves take turns
    if found is None or found.id != draft_id:
        raise DraftUnusable("slug")
    newest = draft_of(connection, draft_id)
    if newest and newest.version != from_version and newest.text != text:
        raise DraftChanged(text, _draft(newest, slug))
    if newest and newest.text == text and (newest.version != from_version or newest.revision == revision):
        return _draft(newest, slug)
    stored = _version(draft_id, from_version + 1, title, text, by)._replace(revision=revision)
    insert_consultation_drafts(connection, [stored])
    delete_versions(connection, draft_id, superseded_versions(draft_versions(connection, draft_id)))
    if newest is None or _is_another_occasion(newest, by):
        by.note(connection, "draft.change", f"{slug}/{stored.version}", "")
    return _draft(stored, slug)


def _is_another_occasion(newest: StoredDraft, by: DraftAuthor) -> bool:
    """Whether a change is recorded beside the one before: of another author, or after a while."""
    return newest.changed_by != by.name or by.now - newest.changed_at > RECORDED_EVERY


def superseded_versions(heads: Sequence[DraftHead]) -> list[int]:
    """Returns the versions that are not kept. `heads`: all versions, newest first."""
    kept, gone = 0, []
    for place, head in enumerate(heads):
        is_step = place >= KEPT_STEPS and head.revision is None and _occasion(head) == _occasion(heads[place - 1])
        if is_step or kept >= KEPT_VERSIONS:
            gone.append(head.version)
        else:
            kept += 1
    return gone


def _occasion(head: DraftHead) -> tuple[str, int]:
    return head.changed_by, int(head.changed_at.timestamp() // RECORDED_EVERY.total_seconds())


def create_draft(connection: Connection, consultation_id: int, text: str, by: DraftAuthor) -> Draft:
    """Adds a consultation that exists as a draft only. Raises DraftUnusable ("taken": a consultation has this slug)."""
    title, slug = _title_and_slug(text)
    if find_consultation(connection, slug) is not None:
        raise DraftUnusable("taken")
    add_consultation(
        connection,
        Publication(
            consultation_id=consultation_id,
            revision_id=consultation_id,
            slug=slug,
            content="",
            content_hash="",
            published_at=by.now,
        ),
    )
    stored = _version(consultation_id, 1, title, text, by)
    insert_consultation_drafts(connection, [stored])
    by.note(connection, "draft.create", slug, "")
    return _draft(stored, slug)


def restore_draft(connection: Connection, draft_id: int, from_version: int, version: int, by: DraftAuthor) -> Draft:
    """Stores an earlier version again, as the next one. Raises DraftChanged, and DraftUnusable ("gone") if the earlier
    version is not kept any more.
    """
    earlier = draft_of(connection, draft_id, version) if version else None
    before = _draft(earlier, "") if earlier else draft_of_revision(connection, draft_id) if not version else None
    if before is None:
        raise DraftUnusable("gone")
    return save_draft(connection, draft_id, from_version, before.text, by, revision=before.revision)


def delete_draft(connection: Connection, draft_id: int, by: DraftAuthor) -> None:
    """Deletes a draft with its versions. A consultation that was never stored as a revision goes with it."""
    newest = draft_of(connection, draft_id)
    delete_draft_versions(connection, draft_id)
    if newest:
        by.note(connection, "draft.delete", consultation_slug(connection, draft_id), "")
    if live_revision_of(connection, draft_id) is None and _waiting_revision(connection, draft_id) is None:
        delete_consultation(connection, draft_id)


def mark_draft_published(connection: Connection, draft_id: int, version: int, number: int, by: DraftAuthor) -> None:
    """Writes the number of the live revision into a draft that was published; a newer version stays as it is."""
    newest = draft_of(connection, draft_id)
    if newest is None or newest.version != version:
        return
    try:
        text = set_values(newest.text, {("revision",): number})
    except EditRefused:
        text = newest.text
    save_draft(connection, draft_id, version, text, by._replace(note=unrecorded), revision=number)


def free_slug(connection: Connection, wanted: str) -> str:
    """Returns this slug, or the first that no consultation has: park, park-2, park-3 and so on."""
    slug, number = wanted, 1
    while find_consultation(connection, slug) is not None:
        number += 1
        slug = f"{wanted[:36]}-{number}"
    return slug


def _waiting_revision(connection: Connection, consultation_id: int) -> PublishedRevision | None:
    return revision_in_stage(connection, consultation_id, "test") or revision_in_stage(
        connection, consultation_id, "draft"
    )


def _title_and_slug(text: str) -> tuple[str, str]:
    """Returns the title in the main language, and the slug. Raises DraftUnusable."""
    if len(text.encode()) > LARGEST:
        raise DraftUnusable("large")
    try:
        data = plain_data(text)
    except EditRefused as error:
        raise DraftUnusable("unreadable") from error
    slug, titles = data.get("slug"), data.get("title")
    if not isinstance(slug, str) or not slug:
        raise DraftUnusable("slug")
    return (text_in(titles, main_language(data)) if isinstance(titles, dict) else "") or slug, slug


def _version(draft_id: int, version: int, title: str, text: str, by: DraftAuthor) -> StoredDraft:
    return StoredDraft(
        consultation_id=draft_id, version=version, title=title, text=text, changed_by=by.name, changed_at=by.now
    )


def _draft(stored: StoredDraft, slug: str) -> Draft:
    return Draft(
        consultation_id=stored.consultation_id,
        slug=slug,
        version=stored.version,
        title=stored.title,
        text=stored.text,
        changed_by=stored.changed_by,
        changed_at=stored.changed_at,
        revision=stored.revision,
    )
