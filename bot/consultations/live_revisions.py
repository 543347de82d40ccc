"""Reads live revisions without compiling them: their listings, and their content compressed.

With 500 consultations of 22 kB the first read takes a quarter of a second and a few megabytes; later reads load new
revisions only. Compiled, they would take 16 s and 800 MB.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple
from weakref import WeakValueDictionary

import structlog
from pydantic import ValidationError
from sqlalchemy import Connection

from flows.listing import Listing
from storage.tables.consultations import ConsultationState
from storage.tables.revisions import PublishedRevision, RevisionHead, list_live_revision_heads, revision_contents

log = structlog.get_logger()

_FASTEST = 1


@dataclass(frozen=True, slots=True, weakref_slot=True)
class _Kept:
    listing: Listing
    packed: bytes


_shared: WeakValueDictionary[tuple[int, str], _Kept] = WeakValueDictionary()
"""By id and content hash; shared by the conversations and the web pages."""


class LiveRevision(NamedTuple):
    """A live revision with its listing."""

    head: RevisionHead
    listing: Listing
    packed: bytes

    def content(self) -> str:
        """Returns the stored content."""
        return unpack_content(self.packed)

    def whole(self) -> PublishedRevision:
        """Returns the revision with its content."""
        return self.head.with_content(self.content())


class LiveRevisions:
    """Reads the live revisions; for known ones only states and dates."""

    def __init__(self) -> None:
        self._known: dict[int, _Kept | None] = {}
        """By id of the revision, which never changes; None if this version cannot read it."""

    def look(self, connection: Connection, states: Sequence[ConsultationState]) -> Iterator[LiveRevision]:
        """Yields the revisions in these states by slug, including trials. Unreadable ones are skipped and logged."""
        heads = list_live_revision_heads(connection, states, trials=True)
        known: dict[int, _Kept | None] = {}
        new: dict[int, RevisionHead] = {}
        for head in heads:
            if head.id in self._known:
                known[head.id] = self._known[head.id]
            elif found := _shared.get((head.id, head.content_hash)):
                known[head.id] = found
            else:
                new[head.id] = head
        for number, content in revision_contents(connection, [*new]):
            known[number] = _read(content, new[number])
        self._known = known
        for head in heads:
            if kept := known[head.id]:
                yield LiveRevision(head, kept.listing, kept.packed)

    def leave_out(self, revision_id: int) -> None:
        """Marks a revision as unreadable, because its questions are."""
        self._known[revision_id] = None


def _read(content: str, head: RevisionHead) -> _Kept | None:
    listing = listing_of(content)
    if listing is None:
        log.error("revision_unreadable", consultation_id=head.consultation_id)
        return None
    kept = _shared[head.id, head.content_hash] = _Kept(listing, zlib.compress(content.encode(), _FASTEST))
    return kept


def unpack_content(packed: bytes) -> str:
    """Decompresses the content of a revision."""
    return zlib.decompress(packed).decode()


def listing_of(content: str) -> Listing | None:
    """Parses the listing of stored content; None if it is not a consultation."""
    try:
        return Listing.model_validate_json(content)
    except ValidationError:
        return None
