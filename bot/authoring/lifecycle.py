"""How a consultation goes from one state to the next: draft, test, live, closed, archived, and back.

One function for each step. The command line, the API and the chat call the same ones, within their own transaction.
Each takes the consultation's row for itself, so that of two people who do something at once the second sees what the
first has done. It gives what follows from the step; what cannot be done raises `StepRefused`, and nothing is written.
Everything but erasure can be taken back: what undoes a step is named in `UNDO`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, Literal, NamedTuple

import structlog
from sqlalchemy import Connection

from bot.authoring import publishing
from bot.authoring.publish_impact import DEFAULT_OPTIONS, PublishOptions
from bot.authoring.publishing import PublishContext
from bot.common.audit import Act
from bot.consultations import retention, trials
from bot.results.official_answer_rate import unanswered_contributions
from storage.tables import stages
from storage.tables.consultations import (
    ConsultationStateNow,
    StoredConsultation,
    find_consultation,
    set_consultation_state,
)
from storage.tables.editions import is_edition_last
from storage.tables.participations import tally_by_entry_code
from storage.tables.publications import change_live_end
from storage.tables.revisions import (
    PublishedRevision,
    live_revision_of,
    revision_by_number,
    revision_in_stage,
    revisions_by_id,
)
from storage.tables.sessions import count_sessions_by_status, count_waiting_sessions
from storage.tables.stages import Stage, StagePeriod, current_stages, leave_stage, set_missing_ends, stage_history
from storage.tables.triggers import load_triggers

log = structlog.get_logger()

UNDO_DAYS: Final = 30
"""So long an archived consultation can be brought back, unless its answers are deleted before."""

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
"""What takes a step back."""

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
    """A step is not possible. `remedy` is the step that helps; None where only a text helps (`state_texts`)."""

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
    """The result of reopening. The answers of `before` people are deleted at the time promised to them."""

    revision: PublishedRevision
    before: int
    before_until: datetime | None


class Archiving(NamedTuple):
    """The consequences of archiving."""

    revision: PublishedRevision
    under_way: int
    words: tuple[str, ...]
    """What people may type to get in."""
    places: tuple[str, ...]
    """Codes of places on posters and links through which people came."""
    undo_until: datetime | None
    """None: it cannot be brought back, because the answers have had their time."""


class WentLive(NamedTuple):
    """A revision is asked from now on. `before` is the one that was until now; `dropped`: participations of a test."""

    revision: PublishedRevision
    before: PublishedRevision | None
    under_way: int = 0
    dropped: int = 0


class _Now(NamedTuple):
    """The current state of a consultation, with its row locked."""

    row: StoredConsultation
    live: PublishedRevision | None
    state: ConsultationStateNow | None
    """None: it was never live, and its draft or test was taken back."""

    def need_live(self) -> PublishedRevision:
        if self.live is None and self.state is None:
            raise StepRefused("nothing_left", self.row.slug, "publish")
        if self.live is None:
            raise StepRefused("not_live", self.row.slug, "go-live", state=self.state)
        return self.live


def close_consultation(connection: Connection, slug: str, context: PublishContext) -> Closed:
    """Closes a consultation now. Answers stay; participants under way are told with their next message."""
    it = _take(connection, slug, context.now)
    live = it.need_live()
    if it.state == "archived":
        raise StepRefused("is_archived", slug, "unarchive", since=it.row.archived_at)
    if it.state == "closed":
        raise StepRefused("is_closed", slug, "reopen", since=live.closes_at)
    set_consultation_state(connection, live.consultation_id, "closed", closed_at=context.now)
    _note(connection, "close", it, context)
    return Closed(_live(connection, live), _under_way(connection, live))


def reopen_consultation(
    connection: Connection, slug: str, context: PublishContext, *, until: datetime | None = None
) -> Reopened:
    """Lets a closed consultation take answers again: until a new end, or until the planned one where that is to come.

    Answers given before are deleted when it was promised to those who gave them, not later.
    """
    it = _take(connection, slug, context.now)
    live = it.need_live()
    if it.state == "archived":
        raise StepRefused("is_archived", slug, "unarchive", since=it.row.archived_at)
    if it.state != "closed":
        raise StepRefused("is_open", slug, "close", until=live.closes_at)
    if is_edition_last(connection, live.consultation_id):
        raise StepRefused("answers_gone", slug)
    planned = it.row.closes_at
    if until is None and planned and planned <= context.now:
        raise StepRefused("end_over", slug, "reopen", end=planned)
    if until and until <= context.now:
        raise StepRefused("end_past", slug, "reopen", end=until)
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
    return Reopened(_live(connection, live), before, ended + days if ended and before else None)


def preview_archiving(connection: Connection, slug: str, context: PublishContext) -> Archiving:
    """Returns the consequences of archiving. Raises StepRefused if it is not possible."""
    it = _take(connection, slug, context.now)
    live = it.need_live()
    if it.state == "archived":
        raise StepRefused("is_archived", slug, "unarchive", since=it.row.archived_at)
    if waiting := unanswered_contributions(connection, live.consultation_id):
        raise StepRefused("owed", slug, None, owed=waiting)
    if it.state != "closed":
        raise StepRefused("is_open", slug, "close", until=live.closes_at)
    triggers, undo_until = load_triggers(connection), _undo_until(live, context.now)
    return Archiving(
        live,
        _under_way(connection, live),
        tuple(sorted(value for (_, value), owner in triggers.items() if owner == live.consultation_id)),
        tuple(filter(None, (row.place_code for row in tally_by_entry_code(connection, live.consultation_id)))),
        undo_until if undo_until > context.now else None,
    )


def archive_consultation(connection: Connection, slug: str, context: PublishContext) -> Archiving:
    """Archives a closed consultation once all official answers are given. It deletes nothing."""
    found = preview_archiving(connection, slug, context)
    it = _take(connection, slug, context.now)
    if leave_stage(connection, it.row.id, "test", context.now):
        trials.end_trial(connection, it.row.id)
    set_consultation_state(connection, it.row.id, "archived", archived_at=context.now)
    _note(connection, "archive", it, context)
    return found._replace(revision=_live(connection, found.revision))


def unarchive_consultation(connection: Connection, slug: str, context: PublishContext) -> PublishedRevision:
    """Restores an archived consultation as closed."""
    it = _take(connection, slug, context.now)
    live = it.need_live()
    archived_at = it.row.archived_at
    if it.state != "archived":
        raise StepRefused("not_archived", slug, "archive" if it.state == "closed" else "close", state=it.state)
    if archived_at and (until := _undo_until(live, archived_at)) < context.now:
        raise StepRefused("undo_over", slug, None, end=until)
    # One that was open when an earlier version archived it ended at that moment.
    is_early = live.closes_at is not None and live.closes_at > context.now
    closed_at = archived_at if is_early else it.row.closed_at
    set_consultation_state(connection, it.row.id, "closed", closed_at=closed_at, archived_at=None)
    _note(connection, "unarchive", it, context)
    return _live(connection, live)


def make_consultation_live(
    connection: Connection,
    slug: str,
    context: PublishContext,
    *,
    intent: PublishOptions = DEFAULT_OPTIONS,
    stage: Literal["test", "draft"] | None = None,
    number: int | None = None,
) -> WentLive:
    """Lets the test revision be the live one, or where there is none the draft; or, by its number, any other.

    Sessions that have begun stay on their revision. Raises StepRefused, also for a change that would give earlier
    answers another meaning (`publish_impact`).
    """
    it = _take(connection, slug, context.now)
    _need_open(it)
    revision = _revision(connection, it, stage, number)
    if it.live and revision.id == it.live.id and number is not None:
        raise StepRefused("is_live", slug, "publish", number=revision.number)
    is_chosen = number is not None
    return _put_live(connection, it, revision, context, step="go-live", intent=intent, is_chosen=is_chosen)


def return_to_previous_revision(
    connection: Connection, slug: str, context: PublishContext, *, intent: PublishOptions = DEFAULT_OPTIONS
) -> WentLive:
    """Returns to the revision that was live before; the dates of the consultation stay as they are.

    Raises StepRefused, also for a change that would give answers given since another meaning.
    """
    it = _take(connection, slug, context.now)
    live = it.need_live()
    _need_open(it)
    periods = {row.period: row for row in stage_history(connection, it.row.id)}
    now = next(row for row in periods.values() if row.until is None)
    if now.back_to is None or now.back_to not in periods:
        raise StepRefused("nothing_before", slug, "publish", number=live.number)
    earlier = periods[now.back_to]
    revision = revisions_by_id(connection, [earlier.revision_id])[earlier.revision_id]
    return _put_live(connection, it, revision, context, step="publish --back", intent=intent, earlier=earlier)


def withdraw_stage(
    connection: Connection, slug: str, context: PublishContext, *, stage: Literal["test", "draft"]
) -> int:
    """Withdraws a draft or a test and deletes the answers of the test. Returns the number of its participants.

    Raises StepRefused.
    """
    it = _take(connection, slug, context.now)
    if not leave_stage(connection, it.row.id, stage, context.now):
        raise StepRefused("nothing_waits", slug, "publish --test", stages=stage)
    dropped = trials.end_trial(connection, it.row.id) if stage == "test" else 0
    context.note(connection, "consultation.publish_back", it.row.slug, stage)
    return dropped


def _put_live(
    connection: Connection,
    it: _Now,
    revision: PublishedRevision,
    context: PublishContext,
    *,
    step: Literal["go-live", "publish --back"],
    intent: PublishOptions = DEFAULT_OPTIONS,
    earlier: StagePeriod | None = None,
    is_chosen: bool = False,
) -> WentLive:
    tried = _tried(connection, it, revision)
    impact = publishing.publish_stored_revision(
        connection, revision, context, intent=intent, earlier=earlier, is_chosen=is_chosen
    )
    if impact.is_refused:
        reasons = "; ".join(f"{error.reason}; {error.remedy}" for error in impact.faults if not error.warning)
        raise StepRefused("not_publishable", it.row.slug, None, faults=reasons)
    if impact.waits:
        reason: Reason = "unconfirmed" if impact.unconfirmed else "not_looked_at"
        raise StepRefused(reason, it.row.slug, None, impact=impact)
    log.info("consultation_state_changed", consultation_id=it.row.id, state=it.state, step=step)
    under_way = _under_way(connection, it.live) if it.live else 0
    return WentLive(_live(connection, revision), it.live, under_way, tried)


def _tried(connection: Connection, it: _Now, revision: PublishedRevision) -> int:
    """Returns the number of participants in the test of a revision."""
    waiting = revision_in_stage(connection, it.row.id, "test")
    trial = stages.trial_of(connection, it.row.id)
    if trial is None or waiting is None or waiting.id != revision.id:
        return 0
    return sum(count_sessions_by_status(connection, trial).values())


def _revision(
    connection: Connection, it: _Now, stage: Literal["test", "draft"] | None, number: int | None
) -> PublishedRevision:
    """Returns the revision that is to go live. Raises StepRefused."""
    if number is not None:
        found = revision_by_number(connection, it.row.id, number)
        if found is None:
            raise StepRefused("no_revision", it.row.slug, None, number=number)
        return found
    wanted: Sequence[Stage] = (stage,) if stage else ("test", "draft")
    for name in wanted:
        if waiting := revision_in_stage(connection, it.row.id, name):
            return revisions_by_id(connection, [waiting.id])[waiting.id]
    raise StepRefused("nothing_waits", it.row.slug, "publish --test", stages=" or ".join(wanted))


def _need_open(it: _Now) -> None:
    """Raises StepRefused if participation in the new revision would not be possible."""
    if it.live is None:
        return
    if it.row.state == "archived":
        raise StepRefused("is_archived", it.row.slug, "unarchive", since=it.row.archived_at)
    if it.row.state == "closed":
        raise StepRefused("is_closed", it.row.slug, "reopen", since=it.live.closes_at)


def _take(connection: Connection, slug: str, now: datetime) -> _Now:
    row = find_consultation(connection, slug, lock=True)
    if row is None or row.is_trial:
        raise StepRefused("unknown", slug)
    live = live_revision_of(connection, row.id)
    if live is None:
        waiting = current_stages(connection, row.id)
        return _Now(row, None, "test" if "test" in waiting else "draft" if "draft" in waiting else None)
    return _Now(row, live, live.state_at(now))


def _live(connection: Connection, revision: PublishedRevision) -> PublishedRevision:
    """Returns the live revision after a step."""
    return live_revision_of(connection, revision.consultation_id) or revision


def _under_way(connection: Connection, revision: PublishedRevision) -> int:
    return count_waiting_sessions(connection, revision.consultation_id)


def _undo_until(live: PublishedRevision, archived_at: datetime) -> datetime:
    """Returns until when archiving can be undone: while the answers exist, and for a limited time."""
    last = archived_at + timedelta(days=UNDO_DAYS)
    kept = retention.retention_days(live)
    return min(last, live.closes_at + timedelta(days=kept)) if live.closes_at and kept else last


def _note(connection: Connection, step: Step, it: _Now, context: PublishContext) -> None:
    """Records a step on the whole consultation; what is done with a revision is recorded where it is made live."""
    log.info("consultation_state_changed", consultation_id=it.row.id, state=it.state, step=step)
    context.note(connection, _ACTS[step], it.row.slug, "")
