"""Detects whether a file reverts changes that were published since it was made: compare-and-swap for files.

A file that says which revision it was made from (`show` writes that) must have everything that changed since. A file
that does not say it may not put back what the newest revision changed. `--base N` says that revision N was seen.
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
    """From the newest revision to the file."""


def find_conflict(
    new: Consultation, newest: PublishedRevision, lived: Sequence[PublishedRevision], base: int | None
) -> Conflict | None:
    """The conflict with the live revision, if there is one. `new` differs from it. `lived`: the revisions that were
    live, in the order of time, `newest` last; one may be there several times.

    `base` is the revision the file was made from, None where it does not say so. A revision this program cannot read is
    no reason to refuse the file that mends it.
    """
    current = stored_revisions.read_revision(newest)
    if base == newest.number or current is None:
        return None
    by_number = {it.number: it for it in lived}
    if base is not None and base not in by_number:
        return Conflict("base_unknown", base, newest.number, newest.published_at)
    if base is not None:
        old = stored_revisions.read_revision(by_number[base])
        lost = tuple(overwritten_changes(old, current, new) if old else differences(current, new))
        return _conflict("base_old", base, newest, lost)
    before = next((it.number for it in reversed(lived) if it.number != newest.number), None)
    old = stored_revisions.read_revision(by_number[before]) if before is not None else None
    if before is None or old is None:
        return None
    digest = content_digest(canonical_content(new))
    same = next((it.number for it in lived if it.content_hash == digest), None)
    if same is not None:
        return _conflict("earlier_again", same, newest, tuple(differences(current, new)))
    return _conflict("takes_back", before, newest, tuple(reverted_changes(old, current, new)))


def _conflict(
    kind: Literal["base_old", "takes_back", "earlier_again"],
    base: int,
    newest: PublishedRevision,
    lost: tuple[Difference, ...],
) -> Conflict | None:
    return Conflict(kind, base, newest.number, newest.published_at, lost) if lost else None
