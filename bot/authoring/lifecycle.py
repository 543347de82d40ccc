"""The transitions of a consultation between its states: draft, test, live, closed, archived.

There is one function for each step; the command line, the API and the chat call the same ones within their own
transaction. Each locks the row of the consultation, so that of two concurrent callers the second sees the result of the
first. It returns the consequences of the step; an impossible step raises `StepRefused`, and nothing is written. Every
step except erasure can be undone, by the step in `UNDO`.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final, Literal, NamedTuple

import structlog
from sqlalchemy import Connection

from bot.authoring.publishing import PublishContext
from bot.common.audit import Act
from bot.consultations import retention, trials
from bot.results.official_answer_rate import unanswered_contributions
from storage.tables.consultations import (
    ConsultationStateNow,
    StoredConsultation,
    find_consultation,
    set_consultation_state,
)
from storage.tables.editions import is_edition_last
from storage.tables.participations import tally_by_entry_code
from storage.tables.publications import change_live_end
from storage.tables.revisions import PublishedRevision, list_live_revisions, live_revision_of
from storage.tables.sessions import count_sessions_by_status, count_waiting_sessions
from storage.tables.stages import current_stages, leave_stage, set_missing_ends
from storage.tables.triggers import load_triggers

log = structlog.get_logger()

UNDO_DAYS: Final = 30
"""How long an archived consultation can be restored, unless its answers are deleted earlier."""

Step = Literal["publish", "publish --test", "publish --back", "go-live", "close", "reopen", "archive", "unarchive"]
UNDO: Final[dict[Step, Step]] = {
    "publish": "publish --back",
    "publish --back": "go-live",
    "go-live": "publish --back",
    "close": "reopen",
    "reopen": "close",
    "archive": "unarchive",
    "unarchive": "archive",
}
"""The step that undoes each step."""

Reason = Literal[
    "unknown",
    "not_live",
    "nothing_left",
    "is_open",
    "is_closed",
    "is_archived",
    "not_archived",
    "owed",
    "end_over",
    "end_past",
    "undo_over",
    "answers_gone",
    "nothing_waits",
    "no_revision",
    "is_live",
    "nothing_before",
    "not_publishable",
    "unconfirmed",
    "not_looked_at",
]
_ACTS: Final[dict[Step, Act]] = {
    "close": "consultation.close",
    "reopen": "consultation.reopen",
    "archive": "consultation.archive",
    "unarchive": "consultation.unarchive",
}


class StepRefused(Exception):
    """A step is not possible. `remedy` is the step that helps; None if only a text helps (`state_texts`)."""

    def __init__(self, reason: Reason, slug: str, remedy: Step | None = None, **values: object) -> None:
        super().__init__(reason)
        self.reason: Reason = reason
        self.slug = slug
        self.remedy = remedy
        self.values = values


class Closed(NamedTuple):
    """The result of closing. `under_way`: unfinished participations; their answers stay."""

    revision: PublishedRevision
    under_way: int


class Reopened(NamedTuple):
    """The result of reopening. The answers of `before` participants are deleted at the originally promised time."""

    revision: PublishedRevision
    before: int
    before_until: datetime | None


class Archiving(NamedTuple):
    """The consequences of archiving."""

    revision: PublishedRevision
    under_way: int
    words: tuple[str, ...]
    """The words that start it."""
    places: tuple[str, ...]
    """The entry codes by which participations began."""
    undo_until: datetime | None
    """None: it cannot be restored, because the retention of its answers has ended."""


class ConsultationNow(NamedTuple):
    """The current state of a consultation, with its row locked."""

    row: StoredConsultation
    live: PublishedRevision | None
    state: ConsultationStateNow | None
    """None: it was never live, and its draft or test was withdrawn."""

    def need_live(self) -> PublishedRevision:
        if self.live is None and self.state is None:
            raise StepRefused("nothing_left", self.row.slug, "publish")
        if self.live is None:
            raise StepRefused("not_live", self.row.slug, "go-live", state=self.state)
        return self.live


def close_consultation(connection: Connection, slug: str, context: PublishContext) -> Closed:
    """Closes a consultation now. Answers stay; unfinished participations are informed with their next message."""
    it = take_consultation(connection, slug, context.now)
    live = it.need_live()
    if it.state == "archived":
        raise StepRefused("is_archived", slug, "unarchive", since=it.row.archived_at)
    if it.state == "closed":
        raise StepRefused("is_closed", slug, "reopen", since=live.closes_at)
    set_consultation_state(connection, live.consultation_id, "closed", closed_at=context.now)
    _note(connection, "close", it, context)
    return Closed(live_after(connection, live), count_under_way(connection, live))


def reopen_consultation(
    connection: Connection, slug: str, context: PublishContext, *, until: datetime | None = None
) -> Reopened:
    """Lets a consultation accept answers again: until a new end, or until the planned one if it is in the future.

    Earlier answers are deleted at the originally promised time, not later.
    """
    it = take_consultation(connection, slug, context.now)
    live = it.need_live()
    _need_reopenable(connection, it, live, until, context.now)
    planned = it.row.closes_at
    ended = planned or it.row.closed_at
    if until and it.row.closed_at and not planned:
        set_missing_ends(connection, live.consultation_id, it.row.closed_at)
    end = until or planned
    set_consultation_state(connection, live.consultation_id, "open", closes_at=end, closed_at=None)
    if end != planned:
        change_live_end(connection, live.consultation_id, context.now, ends_at=end)
    _note(connection, "reopen", it, context)
    is_later = bool(until and ended and until > ended)
    before = sum(count_sessions_by_status(connection, live.consultation_id).values()) if is_later else 0
    days = timedelta(days=retention.retention_days(live))
    return Reopened(live_after(connection, live), before, ended + days if ended and before else None)


def _need_reopenable(
    connection: Connection, it: ConsultationNow, live: PublishedRevision, until: datetime | None, now: datetime
) -> None:
    """Raises StepRefused if the consultation is not closed, its answers are gone, or the end is in the past."""
    slug = it.row.slug
    if it.state == "archived":
        raise StepRefused("is_archived", slug, "unarchive", since=it.row.archived_at)
    if it.state != "closed":
        raise StepRefused("is_open", slug, "close", until=live.closes_at)
    if is_edition_last(connection, live.consultation_id):
        raise StepRefused("answers_gone", slug)
    end = until or it.row.closes_at
    if end and end <= now:
        raise StepRefused("end_past" if until else "end_over", slug, "reopen", end=end)


def preview_archiving(connection: Connection, slug: str, context: PublishContext) -> Archiving:
    """Returns the consequences of archiving. Raises StepRefused if it is not possible."""
    it = take_consultation(connection, slug, context.now)
    live = it.need_live()
    if it.state == "archived":
        raise StepRefused("is_archived", slug, "unarchive", since=it.row.archived_at)
    # Proposals in a sample need no answer.
    waiting = [] if live.sample else unanswered_contributions(connection, live.consultation_id)
    if waiting:
        raise StepRefused("owed", slug, None, owed=waiting)
    if it.state != "closed":
        raise StepRefused("is_open", slug, "close", until=live.closes_at)
    triggers, undo_until = load_triggers(connection), _undo_until(live, context.now)
    return Archiving(
        live,
        count_under_way(connection, live),
        tuple(sorted(value for (_, value), owner in triggers.items() if owner == live.consultation_id)),
        tuple(filter(None, (row.place_code for row in tally_by_entry_code(connection, live.consultation_id)))),
        undo_until if undo_until > context.now else None,
    )


def archive_consultation(connection: Connection, slug: str, context: PublishContext) -> Archiving:
    """Archives a closed consultation once all official answers are given. It deletes nothing."""
    found = preview_archiving(connection, slug, context)
    it = take_consultation(connection, slug, context.now)
    if leave_stage(connection, it.row.id, "test", context.now):
        trials.end_trial(connection, it.row.id)
    set_consultation_state(connection, it.row.id, "archived", archived_at=context.now)
    _note(connection, "archive", it, context)
    return found._replace(revision=live_after(connection, found.revision))


def archive_samples(connection: Connection, context: PublishContext) -> list[str]:
    """Closes and archives all samples that are not archived yet; returns their names. Each can be restored."""
    slugs = [it.slug for it in list_live_revisions(connection, ("open", "closed")) if it.sample]
    for slug in slugs:
        if take_consultation(connection, slug, context.now).state != "closed":
            close_consultation(connection, slug, context)
        archive_consultation(connection, slug, context)
    return slugs


def unarchive_consultation(connection: Connection, slug: str, context: PublishContext) -> PublishedRevision:
    """Restores an archived consultation as closed."""
    it = take_consultation(connection, slug, context.now)
    live = it.need_live()
    archived_at = it.row.archived_at
    if it.state != "archived":
        raise StepRefused("not_archived", slug, "archive" if it.state == "closed" else "close", state=it.state)
    if archived_at and (until := _undo_until(live, archived_at)) < context.now:
        raise StepRefused("undo_over", slug, None, end=until)
    # An earlier version archived it while it was open: it ended at that time.
    is_early = live.closes_at is not None and live.closes_at > context.now
    closed_at = archived_at if is_early else it.row.closed_at
    set_consultation_state(connection, it.row.id, "closed", closed_at=closed_at, archived_at=None)
    _note(connection, "unarchive", it, context)
    return live_after(connection, live)


def take_consultation(connection: Connection, slug: str, now: datetime) -> ConsultationNow:
    row = find_consultation(connection, slug, lock=True)
    if row is None or row.is_trial:
        raise StepRefused("unknown", slug)
    live = live_revision_of(connection, row.id)
    if live is None:
        waiting = current_stages(connection, row.id)
        return ConsultationNow(row, None, "test" if "test" in waiting else "draft" if "draft" in waiting else None)
    return ConsultationNow(row, live, live.state_at(now))


def live_after(connection: Connection, revision: PublishedRevision) -> PublishedRevision:
    """Returns the live revision after a step."""
    return live_revision_of(connection, revision.consultation_id) or revision


def count_under_way(connection: Connection, revision: PublishedRevision) -> int:
    return count_waiting_sessions(connection, revision.consultation_id)


def _undo_until(live: PublishedRevision, archived_at: datetime) -> datetime:
    """Returns until when archiving can be undone: while the answers exist, and for a limited time."""
    last = archived_at + timedelta(days=UNDO_DAYS)
    kept = retention.retention_days(live)
    return min(last, live.closes_at + timedelta(days=kept)) if live.closes_at and kept else last


def _note(connection: Connection, step: Step, it: ConsultationNow, context: PublishContext) -> None:
    """Records a step of the whole consultation; steps of a revision are recorded where it is made live."""
    log.info("consultation_state_changed", consultation_id=it.row.id, state=it.state, step=step)
    context.note(connection, _ACTS[step], it.row.slug, "")
