"""The file of a revision, to download and change: as it was published, with its comments.

A revision of an earlier version of this program has no file of its own: it is written from its content. So is one that
was published as JSON, which has no comments, and one with recordings and images as paths.
"""

from __future__ import annotations

from functools import lru_cache

from sqlalchemy import Connection

from bot.authoring.file_check import CheckedFile
from bot.authoring.yaml_edit import EditRefused, set_values
from bot.authoring.yaml_export import consultation_to_yaml
from bot.consultations.stored_revisions import read_revision
from storage.tables.revision_files import replace_revision_file, revision_file
from storage.tables.revisions import PublishedRevision


def keep_file(connection: Connection, revision: PublishedRevision, checked: CheckedFile) -> None:
    """Stores the text of a file beside the revision that it was published as."""
    if _is_worth_keeping(checked):
        replace_revision_file(connection, revision.id, checked.text)


def file_of_revision(connection: Connection, revision: PublishedRevision, number: int | None) -> str | None:
    """Returns the file of a revision with this number, which lets publishing detect concurrent changes; None: without
    a number. Returns None if this program cannot read the revision.
    """
    definition = read_revision(revision)
    if definition is None:
        return None
    written = revision_file(connection, revision.id)
    return (written and _numbered(written, number)) or consultation_to_yaml(definition, number)


def is_file_kept(connection: Connection, revision: PublishedRevision, checked: CheckedFile) -> bool:
    """Whether publishing this file would change nothing, since it is the one of the revision apart from its number."""
    if not _is_worth_keeping(checked):
        return True
    return file_of_revision(connection, revision, revision.number) == _numbered(checked.text, revision.number)


def _is_worth_keeping(checked: CheckedFile) -> bool:
    """Whether a file can have comments, and no paths of its author, which mean nothing elsewhere."""
    return bool(checked.text) and not checked.text.lstrip().startswith("{") and not checked.media


@lru_cache(maxsize=16)
def _numbered(text: str, number: int | None) -> str | None:
    """Returns a file with this number; None if it cannot be written into it. Large files take up to seconds."""
    try:
        return set_values(text, {("revision",): number})
    except EditRefused:
        return None
