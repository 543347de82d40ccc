"""Detects whether a file reverts changes that were published since it was made: compare-and-swap for files.

A file that names the revision it was made from (`show` writes that) must contain all later changes. A file without it
may not revert changes of the newest revision. `--base N` states that the publisher saw revision N.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal, NamedTuple

from bot.authoring.differences import Difference, differences, overwritten_changes, reverted_changes
from bot.authoring.file_check import canonical_content, content_digest
from bot.consultations import stored_revisions
from flows.definition import Consultation
from storage.tables.revisions import PublishedRevision


class Conflict(NamedTuple):
    """Why publishing would lose changes. `base` is the revision the file was made from, if known."""

    kind: Literal["base_old", "base_unknown", "takes_back", "earlier_again"]
    base: int
    newest: int
    published_at: datetime
    lost: tuple[Difference, ...] = ()
    """The differences between the newest revision and the file."""


def find_conflict(
    new: Consultation, newest: PublishedRevision, lived: Sequence[PublishedRevision], base: int | None
) -> Conflict | None:
    """Returns the conflict with the live revision, if there is one. `new` is the consultation to publish. `lived`: the
    revisions that were live, in chronological order, `newest` last; one may occur several times.

    `base` is the revision the file was made from, None if unknown. An unreadable revision does not prevent publishing a
    file that repairs it.
    """
    current = stored_revisions.read_revision(newest)
    if base == newest.number or current is None:
        return None
    if base is None:
        return _reverting_conflict(new, current, newest, lived)
    made_from = next((it for it in reversed(lived) if it.number == base), None)
    if made_from is None:
        return Conflict("base_unknown", base, newest.number, newest.published_at)
    old = stored_revisions.read_revision(made_from)
    lost = tuple(overwritten_changes(old, current, new) if old else differences(current, new))
    return _conflict("base_old", base, newest, lost)


def _reverting_conflict(
    new: Consultation, current: Consultation, newest: PublishedRevision, lived: Sequence[PublishedRevision]
) -> Conflict | None:
    """Returns the conflict of a file without a known origin that equals, or restores parts of, an earlier revision."""
    before = next((it for it in reversed(lived) if it.number != newest.number), None)
    old = stored_revisions.read_revision(before) if before is not None else None
    if before is None or old is None:
        return None
    digest = content_digest(canonical_content(new))
    same = next((it.number for it in lived if it.content_hash == digest), None)
    if same is not None:
        return _conflict("earlier_again", same, newest, tuple(differences(current, new)))
    return _conflict("takes_back", before.number, newest, tuple(reverted_changes(old, current, new)))


def _conflict(
    kind: Literal["base_old", "takes_back", "earlier_again"],
    base: int,
    newest: PublishedRevision,
    lost: tuple[Difference, ...],
) -> Conflict | None:
    return Conflict(kind, base, newest.number, newest.published_at, lost) if lost else None
