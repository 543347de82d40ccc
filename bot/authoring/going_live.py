"""The steps that make a revision live, return to the one before, or take a publication back.

Like the steps of `lifecycle`: each locks the row of the consultation, returns the consequences, or raises `StepRefused`
and writes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

import structlog
from sqlalchemy import Connection

from bot.authoring import publishing, second_person
from bot.authoring.lifecycle import (
    ConsultationNow,
    Reason,
    StepRefused,
    count_under_way,
    live_after,
    take_consultation,
)
from bot.authoring.publish_impact import DEFAULT_OPTIONS, PublishOptions
from bot.authoring.publishing import PublishContext
from bot.consultations import trials
from storage.tables import stages
from storage.tables.revisions import (
    PublishedRevision,
    revision_by_number,
    revision_in_stage,
    revisions_by_id,
)
from storage.tables.sessions import count_sessions_by_status
from storage.tables.stages import Stage, StagePeriod, current_stages, enter_stage, leave_stage, stage_history
from storage.tables.triggers import replace_triggers

log = structlog.get_logger()


class WentLive(NamedTuple):
    """The result of going live. `before` is the revision that was live before; `dropped`: deleted participations of a
    test; `is_asked`: nothing is live yet, a second member was asked to agree.
    """

    revision: PublishedRevision
    before: PublishedRevision | None
    under_way: int = 0
    dropped: int = 0
    is_asked: bool = False


def make_consultation_live(
    connection: Connection,
    slug: str,
    context: PublishContext,
    *,
    intent: PublishOptions = DEFAULT_OPTIONS,
    stage: Literal["test", "draft"] | None = None,
    number: int | None = None,
) -> WentLive:
    """Makes the test revision live, or else the draft; or, by its number, any other revision.

    Sessions that have begun stay on their revision. Where the context needs a second member, the agreement to a
    revision that was never live is asked for instead. Raises StepRefused, also for a change of meaning of earlier
    answers (`publish_impact`).
    """
    it = take_consultation(connection, slug, context.now)
    _need_open(it)
    revision = _revision(connection, it, stage, number)
    if it.live and revision.id == it.live.id and number is not None:
        raise StepRefused("is_live", slug, "publish", number=revision.number)
    if context.needs_second and not second_person.was_live(connection, revision):
        second_person.ask_to_publish(connection, slug, revision.content_hash, context.note)
        return WentLive(revision, it.live, is_asked=True)
    is_chosen = number is not None
    return _put_live(connection, it, revision, context, step="go-live", intent=intent, is_chosen=is_chosen)


def return_to_previous_revision(
    connection: Connection, slug: str, context: PublishContext, *, intent: PublishOptions = DEFAULT_OPTIONS
) -> WentLive:
    """Makes the revision live that was live before; the dates of the consultation do not change.

    Raises StepRefused, also for a change of meaning of answers given since.
    """
    it = take_consultation(connection, slug, context.now)
    live = it.need_live()
    _need_open(it)
    periods = {row.period: row for row in stage_history(connection, it.row.id)}
    now = next(row for row in periods.values() if row.until is None)
    if now.back_to is None or now.back_to not in periods:
        raise StepRefused("nothing_before", slug, "publish", number=live.number)
    earlier = periods[now.back_to]
    revision = revisions_by_id(connection, [earlier.revision_id])[earlier.revision_id]
    return _put_live(connection, it, revision, context, step="publish --back", intent=intent, earlier=earlier)


def withdraw_first_publication(connection: Connection, slug: str, context: PublishContext) -> int:
    """Takes back the first publication: the consultation is a draft again, and its participations are deleted. Returns
    the number of those participations.

    Raises StepRefused if another revision was live before: then `return_to_previous_revision` is the way.
    """
    it = take_consultation(connection, slug, context.now)
    live = it.need_live()
    _need_open(it)
    if current_stages(connection, it.row.id)["live"].back_to is not None:
        raise StepRefused("is_live", slug, "publish --back", number=live.number)
    dropped = sum(count_sessions_by_status(connection, it.row.id).values())
    trials.erase_collected_data(connection, it.row.id)
    leave_stage(connection, it.row.id, "live", context.now)
    enter_stage(connection, it.row.id, "draft", live.id, context.now)
    replace_triggers(connection, it.row.id, [])
    log.info("consultation_state_changed", consultation_id=it.row.id, state=it.state, step="withdraw")
    context.note(connection, "consultation.publish_back", f"{slug}/{live.number}", "draft")
    return dropped


def withdraw_stage(
    connection: Connection, slug: str, context: PublishContext, *, stage: Literal["test", "draft"]
) -> int:
    """Withdraws a draft or a test and deletes the answers of the test. Returns the number of its participants.

    Raises StepRefused.
    """
    it = take_consultation(connection, slug, context.now)
    if not leave_stage(connection, it.row.id, stage, context.now):
        raise StepRefused("nothing_waits", slug, "publish --test", stages=stage)
    dropped = trials.end_trial(connection, it.row.id) if stage == "test" else 0
    context.note(connection, "consultation.publish_back", it.row.slug, stage)
    return dropped


def _put_live(
    connection: Connection,
    it: ConsultationNow,
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
        reasons = "; ".join(f"{error.reason}; {error.remedy}" for error in impact.issues if not error.warning)
        raise StepRefused("not_publishable", it.row.slug, None, issues=reasons)
    if impact.waits:
        reason: Reason = "unconfirmed" if impact.unconfirmed else "not_looked_at"
        raise StepRefused(reason, it.row.slug, None, impact=impact)
    log.info("consultation_state_changed", consultation_id=it.row.id, state=it.state, step=step)
    under_way = count_under_way(connection, it.live) if it.live else 0
    return WentLive(live_after(connection, revision), it.live, under_way, tried)


def _tried(connection: Connection, it: ConsultationNow, revision: PublishedRevision) -> int:
    """Returns the number of participants in the test of a revision."""
    waiting = revision_in_stage(connection, it.row.id, "test")
    trial = stages.trial_of(connection, it.row.id)
    if trial is None or waiting is None or waiting.id != revision.id:
        return 0
    return sum(count_sessions_by_status(connection, trial).values())


def _revision(
    connection: Connection, it: ConsultationNow, stage: Literal["test", "draft"] | None, number: int | None
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


def _need_open(it: ConsultationNow) -> None:
    """Raises StepRefused if participation in the new revision would not be possible."""
    if it.live is None:
        return
    if it.row.state == "archived":
        raise StepRefused("is_archived", it.row.slug, "unarchive", since=it.row.archived_at)
    if it.row.state == "closed":
        raise StepRefused("is_closed", it.row.slug, "reopen", since=it.live.closes_at)
