"""What pages of the console show of consultations: state, figures, and what waits for the staff."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final, NamedTuple, get_args
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, Engine

from bot.common.audit import last_entries
from bot.consultations.live_revisions import listing_of
from flows.listing import Listing
from storage.tables.answer_drafts import count_answer_drafts
from storage.tables.broadcasts import StoredBroadcast, unfinished_broadcasts
from storage.tables.consultation_drafts import DraftHead, drafts_never_stored
from storage.tables.consultations import ConsultationState, ConsultationStateNow
from storage.tables.owed_answers import count_by_answer
from storage.tables.participations import Tally, tally_participations
from storage.tables.revisions import (
    PublishedRevision,
    list_live_revision_heads,
    list_unpublished_revisions,
    revision_contents,
)
from storage.tables.waiting_texts import count_waiting

STATES: Final[tuple[ConsultationStateNow, ...]] = ("draft", "test", "not_yet", "open", "closed", "archived")
"""In the order of a consultation's life."""


class Waiting(NamedTuple):
    """What waits in one consultation."""

    to_read: int
    """Proposals and open answers that no member has decided about."""
    to_answer: int
    """Released proposals without a final official answer."""
    drafted: int = 0
    """Drafts of official answers that are not sent."""


class ConsultationSummary(NamedTuple):
    """One line of the list of consultations."""

    consultation_id: int
    slug: str
    title: str
    state: ConsultationStateNow
    languages: tuple[str, ...]
    is_sample: bool
    opens_at: datetime | None
    closes_at: datetime | None
    number: int
    published_at: datetime
    published_by: str
    """The name in the audit log; "" for revisions from before there was one."""
    tally: Tally
    waiting: Waiting


LARGE: Final = 10_000
"""Participations from which on counting them takes too long for each request."""
KEPT_SECONDS: Final = 60
"""So long the numbers of a large consultation are shown without counting again."""
_tallies: Final[WeakKeyDictionary[Engine, dict[int, tuple[datetime, Tally]]]] = WeakKeyDictionary()


def summaries(
    connection: Connection, assigned: frozenset[int] | None, language: str, now: datetime, slug: str = ""
) -> list[ConsultationSummary]:
    """Returns the consultations that a member may see, open ones first, or the one with this slug. `assigned` is None
    for all.
    """

    def is_wanted(it: PublishedRevision | DraftHead) -> bool:
        return slug in ("", it.slug) and (assigned is None or it.consultation_id in assigned)

    to_read = count_waiting(connection)
    found = [
        _summary(connection, revision, state, language, now=now, to_read=to_read.get(revision.consultation_id, 0))
        for revision, state in _newest_revisions(connection, slug, now)
        if not revision.is_trial and is_wanted(revision)
    ]
    found += [_draft_summary(it) for it in drafts_never_stored(connection) if is_wanted(it)]
    return sorted(found, key=lambda it: (_ORDER[it.state], it.is_sample, it.slug))


def _newest_revisions(
    connection: Connection, slug: str, now: datetime
) -> list[tuple[PublishedRevision, ConsultationStateNow]]:
    """Returns the live revision of each consultation; of one that was never live, its test or else its draft."""
    heads = [it for it in list_live_revision_heads(connection, get_args(ConsultationState)) if slug in ("", it.slug)]
    contents = dict(revision_contents(connection, [head.id for head in heads]))
    known = {head.consultation_id for head in heads}
    unpublished = [it for it in list_unpublished_revisions(connection) if it.consultation_id not in known]
    return [
        *((head.with_content(contents[head.id]), head.state_at(now)) for head in heads),
        *((it, _stage(it)) for it in _newest(unpublished)),
    ]


def running_pushes(connection: Connection, slugs: Iterable[str]) -> list[StoredBroadcast]:
    """Returns the confirmed broadcasts of these consultations that are not finished."""
    known = frozenset(slugs)
    return [it for it in unfinished_broadcasts(connection) if it.slug in known and it.state != "draft"]


_ORDER: Final[dict[ConsultationStateNow, int]] = {
    "open": 0,
    "not_yet": 1,
    "test": 2,
    "draft": 3,
    "closed": 4,
    "archived": 5,
}


def _newest(drafts: Iterable[PublishedRevision]) -> list[PublishedRevision]:
    """Returns one revision of each consultation: its test rather than its draft."""
    by_id: dict[int, PublishedRevision] = {}
    for it in drafts:
        if it.consultation_id not in by_id or it.state == "test":
            by_id[it.consultation_id] = it
    return list(by_id.values())


def _summary(
    connection: Connection,
    revision: PublishedRevision,
    state: ConsultationStateNow,
    language: str,
    *,
    now: datetime,
    to_read: int,
) -> ConsultationSummary:
    listing = listing_of(revision.content)
    is_live = state not in ("draft", "test")
    entry = last_entries(connection, "consultation.publish", f"{revision.slug}/{revision.number}")
    return ConsultationSummary(
        consultation_id=revision.consultation_id,
        slug=revision.slug,
        title=_title(listing, language) if listing else revision.slug,
        state=state,
        languages=tuple(listing.tags) if listing else (),
        is_sample=revision.sample,
        opens_at=revision.opens_at,
        closes_at=revision.closes_at,
        number=revision.number,
        published_at=revision.published_at,
        published_by=entry.actor if entry else "",
        tally=_tally(connection, revision.consultation_id, now) if is_live else Tally(0, 0, 0),
        waiting=_waiting(connection, revision.consultation_id, to_read) if is_live else Waiting(0, 0),
    )


def _draft_summary(draft: DraftHead) -> ConsultationSummary:
    """Returns the line of a consultation without any revision; its number is the version of the draft."""
    return ConsultationSummary(
        draft.consultation_id,
        draft.slug,
        title=draft.title,
        state="draft",
        languages=(),
        is_sample=False,
        opens_at=None,
        closes_at=None,
        number=draft.version,
        published_at=draft.changed_at,
        published_by=draft.changed_by,
        tally=Tally(0, 0, 0),
        waiting=Waiting(0, 0),
    )


def _title(listing: Listing, language: str) -> str:
    tag = language if language in listing.title.languages() else listing.main_language
    return listing.title.in_language(tag, {})


def _tally(connection: Connection, consultation_id: int, now: datetime) -> Tally:
    """Counts the participations; of a large consultation once in `KEPT_SECONDS`."""
    kept = _tallies.setdefault(connection.engine, {})
    at, tally = kept.get(consultation_id, (now, None))
    if tally is None or abs(now - at) >= timedelta(seconds=KEPT_SECONDS):
        tally = tally_participations(connection, consultation_id)
        if tally.begun >= LARGE:
            kept[consultation_id] = now, tally
        else:
            kept.pop(consultation_id, None)
    return tally


def _waiting(connection: Connection, consultation_id: int, to_read: int) -> Waiting:
    to_answer = count_by_answer(connection, consultation_id, "owed")
    return Waiting(to_read, to_answer, count_answer_drafts(connection, consultation_id))


def _stage(revision: PublishedRevision) -> ConsultationStateNow:
    return "test" if revision.state == "test" else "draft"
