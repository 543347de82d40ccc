"""Going live: the consequences, the step, its undo within a minute, and the way back to earlier versions."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Any, Final, NamedTuple

from aiohttp import web
from sqlalchemy import Connection

from adapters.base import Reachable
from bot.authoring import going_live, publishing, second_person
from bot.authoring.dialogue_tests import DialogueResult, check_dialogues
from bot.authoring.drafts import DraftAuthor, mark_draft_published
from bot.authoring.lifecycle import StepRefused
from bot.authoring.publish_impact import PublishOptions
from bot.authoring.publishing import PublishOutcome
from bot.common.audit import unrecorded
from bot.consultations import stored_revisions, trials
from bot.web.console.consultations import own_consultation, publish_context
from bot.web.console.file_comparison import describe_parts, describe_question
from bot.web.console.overview import ConsultationSummary
from bot.web.console.publish_checklist import LEVEL_PHRASES, PublishPlan, publish_checklist
from bot.web.console.registry import console_page
from bot.web.console.versions import ConsultationVersion, definition_of, load_versions
from bot.web.console.visit import Visit, id_in
from storage.tables.console_uploads import delete_console_upload
from storage.tables.consultations import find_consultation
from storage.tables.revisions import PublishedRevision, find_live_revision, revisions_once_live
from storage.tables.stages import StagePeriod, current_stages, leave_stage

UNDO_SECONDS: Final = 60
GRACE_SECONDS: Final = 10
"""The undo is accepted so long after the minute that the page names: for slow connections."""
PUBLISH_PROBLEMS: Final = {
    "moved": "console.publish.problem_moved",
    "stopped": "console.publish.problem_stopped",
    "undecided": "console.publish.problem_undecided",
    "late": "console.publish.problem_late",
    "refused": "console.publish.problem_refused",
    "second": "console.publish.problem_second",
}
PUBLISH_DONE: Final = {
    "published": "console.publish.done",
    "hidden": "console.publish.done_hidden",
    "back": "console.publish.done_back",
    "asked": "console.publish.done_asked",
}


class _Seen(NamedTuple):
    """What the page showed when the member decided."""

    digest: str
    live: int
    same_meaning: frozenset[str]


class _Tried(Exception):
    """Carries the outcome out of a transaction, which it rolls back."""

    def __init__(self, outcome: PublishOutcome) -> None:
        super().__init__("tried")
        self.outcome = outcome


class _Stopped(Exception):
    """Going live is not possible; the transaction is rolled back."""

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem


class _State(NamedTuple):
    """What is live now, and what was."""

    live: PublishedRevision | None
    period: StagePeriod | None
    tried: int
    earlier: list[PublishedRevision]
    dialogues: list[DialogueResult]
    """How the chosen version passes the recorded runs."""
    asked_by: str = ""
    """The member who asked that the chosen version goes live; "" without a request."""

    def seconds_left(self, now: datetime) -> int:
        """Returns the seconds until the undo ends; negative afterwards."""
        if self.period is None:
            return -UNDO_SECONDS - GRACE_SECONDS
        return UNDO_SECONDS - int((now - self.period.since).total_seconds())

    @property
    def is_first(self) -> bool:
        """Whether nothing was live before."""
        return self.period is not None and self.period.back_to is None


@console_page("GET", "/consultations/{slug}/publish", "consultations.change")
async def show_publishing(visit: Visit) -> web.StreamResponse:
    """Shows the consequences of going live, or the undo of a moment ago."""
    return await _page(visit)


@console_page("POST", "/consultations/{slug}/publish", "consultations.change")
async def publish_version(visit: Visit) -> web.StreamResponse:
    """Publishes the version that the page showed, unless it or the live one changed meanwhile."""
    summary = await own_consultation(visit)
    version = _chosen(await load_versions(visit, summary), visit.field("version"))
    seen = _Seen(visit.field("digest"), id_in(visit.field("live")) or 0, frozenset(visit.form.get("same", [])))
    if version is None or version.digest != seen.digest:
        return await _page(visit, "moved")
    try:
        await visit.write(partial(_go_live, visit=visit, summary=summary, version=version, seen=seen))
    except _Stopped as stopped:
        return await _page(visit, stopped.problem)
    visit.site.consultations.expire()
    return visit.see(f"/consultations/{summary.slug}/publish", done="published")


@console_page("POST", "/consultations/{slug}/publish/ask", "consultations.change")
async def ask_second_member(visit: Visit) -> web.StreamResponse:
    """Asks that a version goes live; another member agrees by publishing it. An upload, which only its member sees, is
    stored as a draft.
    """
    summary = await own_consultation(visit)
    version = _chosen(await load_versions(visit, summary), visit.field("version"))
    if version is None or version.digest != visit.field("digest"):
        return await _page(visit, "moved")

    def work(connection: Connection) -> None:
        if version.name == "upload":
            publishing.publish_checked(connection, version.checked, publish_context(visit), version.name, stage="draft")
        note = publish_context(visit).note
        second_person.ask_to_publish(connection, summary.slug, version.digest, note)

    await visit.write(work)
    return visit.see(f"/consultations/{summary.slug}/publish", done="asked")


@console_page("POST", "/consultations/{slug}/publish/undo", "consultations.change")
async def take_publication_back(visit: Visit) -> web.StreamResponse:
    """Takes the publication back within a minute: the version before is live again, or nothing."""
    summary, seen = await own_consultation(visit), id_in(visit.field("live"))

    def work(connection: Connection) -> bool:
        find_consultation(connection, summary.slug, lock=True)
        state = _state(connection, visit, summary)
        if state.live is None or state.live.number != seen:
            raise _Stopped("moved")
        if state.seconds_left(visit.now) <= -GRACE_SECONDS:
            raise _Stopped("late")
        if state.is_first:
            going_live.withdraw_first_publication(connection, summary.slug, publish_context(visit))
        else:
            going_live.return_to_previous_revision(connection, summary.slug, publish_context(visit))
        return state.is_first

    try:
        is_hidden = await visit.write(work)
    except (_Stopped, StepRefused) as error:
        return await _page(visit, error.problem if isinstance(error, _Stopped) else "refused")
    visit.site.consultations.expire()
    return visit.see(f"/consultations/{summary.slug}/publish", done="hidden" if is_hidden else "back")


@console_page("POST", "/consultations/{slug}/publish/earlier", "consultations.change")
async def publish_earlier(visit: Visit) -> web.StreamResponse:
    """Makes an earlier version live again."""
    summary, number = await own_consultation(visit), id_in(visit.field("number"))

    def work(connection: Connection) -> bool:
        context = publish_context(visit)
        return going_live.make_consultation_live(connection, summary.slug, context, number=number or 0).is_asked

    try:
        is_asked = await visit.write(work)
    except StepRefused:
        return await _page(visit, "refused")
    visit.site.consultations.expire()
    return visit.see(f"/consultations/{summary.slug}/publish", done="asked" if is_asked else "back")


def _go_live(
    connection: Connection, visit: Visit, summary: ConsultationSummary, version: ConsultationVersion, seen: _Seen
) -> None:
    """Publishes and deletes the test with its answers. Raises _Stopped."""
    find_consultation(connection, summary.slug, lock=True)
    state = _state(connection, visit, summary, version)
    if (state.live.number if state.live else 0) != seen.live:
        raise _Stopped("moved")
    if visit.site.options.publish_needs_second and state.asked_by in ("", visit.member.name):
        raise _Stopped("second")
    outcome = _published(connection, visit, version, seen.same_meaning, looks_first=False)
    if outcome.revision is None:
        raise _Stopped("undecided" if outcome.impact.waits else "stopped")
    if any(it.level == "stop" for it in publish_checklist(_plan(visit, version, outcome, state), visit.locale)):
        raise _Stopped("stopped")
    for stage in ("test", "draft"):
        leave_stage(connection, summary.consultation_id, "test" if stage == "test" else "draft", visit.now)
    trials.end_trial(connection, summary.consultation_id)
    delete_console_upload(connection, visit.member.id, summary.consultation_id)
    if version.draft:
        by = DraftAuthor(visit.member.name, visit.now)
        mark_draft_published(connection, summary.consultation_id, version.draft, outcome.revision.number, by)


def _published(
    connection: Connection, visit: Visit, version: ConsultationVersion, same: frozenset[str], *, looks_first: bool
) -> PublishOutcome:
    """Publishes a version in this transaction, as far as check and confirmations allow."""
    definition = definition_of(version)
    keys = {node.key for node in definition.nodes()}
    intent = PublishOptions(definition.revision, same & keys, looks_first=looks_first)
    # The options name the revision, so that no remark asks to write the next one into the file.
    checked = version.checked._replace(consultation=definition.model_copy(update={"revision": None}))
    context = publish_context(visit)
    context = context._replace(note=unrecorded) if looks_first else context
    return publishing.publish_checked(connection, checked, context, version.name, intent)


def _try_out(connection: Connection, visit: Visit, version: ConsultationVersion) -> None:
    """Publishes and raises _Tried, so that the page shows exactly what publishing would do."""
    raise _Tried(_published(connection, visit, version, frozenset(), looks_first=True))


def _state(
    connection: Connection, visit: Visit, summary: ConsultationSummary, version: ConsultationVersion | None = None
) -> _State:
    number = summary.consultation_id
    live = find_live_revision(connection, summary.slug)
    trial = trials.trial_now(connection, number, visit.now)
    earlier = [it for it in revisions_once_live(connection, number) if live and it.id != live.id]
    period = current_stages(connection, number).get("live")
    results = check_dialogues(connection, number, definition_of(version)) if version else []
    return _State(
        live=live,
        period=period,
        tried=trial.tally.begun if trial else 0,
        earlier=earlier[::-1],
        dialogues=results,
        asked_by=second_person.asked_to_publish(connection, summary.slug, version.digest) if version else "",
    )


def _plan(visit: Visit, version: ConsultationVersion, outcome: PublishOutcome, state: _State) -> PublishPlan:
    services = visit.site.services
    found = [it.public_address("") for it in services.channels.values() if isinstance(it, Reachable)]
    channels = tuple(it.messenger for it in found if it is not None)
    today = visit.now.astimezone(services.settings.zone()).date()
    return PublishPlan(
        version=version,
        outcome=outcome,
        today=today,
        tried=state.tried,
        dialogues=state.dialogues,
        channels=channels,
    )


def _chosen(versions: list[ConsultationVersion], name: str) -> ConsultationVersion | None:
    waiting = [it for it in versions if it.name != "live"]
    return next((it for it in waiting if it.name == name), waiting[0] if waiting and not name else None)


async def _page(visit: Visit, problem: str = "") -> web.Response:
    summary = await own_consultation(visit)
    versions = await load_versions(visit, summary)
    version = _chosen(versions, visit.field("version") or visit.request.query.get("version", ""))
    state = await visit.read(partial(_state, visit=visit, summary=summary, version=version))
    done = visit.request.query.get("done", "")
    values: dict[str, Any] = {
        "versions": [it for it in versions if it.name != "live"],
        "version": version,
        "live": state.live,
        "earlier": state.earlier,
        "seconds_left": state.seconds_left(visit.now),
        "levels": LEVEL_PHRASES,
        "problem": problem,
        "problems": PUBLISH_PROBLEMS,
        "done": PUBLISH_DONE.get(done, ""),
        "undo": UNDO_SECONDS,
        "needs_second": visit.site.options.publish_needs_second,
        "asked_by": state.asked_by,
    }
    if version is not None:
        values |= await _consequences(visit, version, state)
    return visit.page("publish.html", status=409 if problem else 200, summary=summary, **values)


async def _consequences(visit: Visit, version: ConsultationVersion, state: _State) -> dict[str, Any]:
    """Returns the checklist, the comparison with the live version, and the open questions."""
    try:
        await visit.write(partial(_try_out, visit=visit, version=version))
    except _Tried as tried:
        outcome = tried.outcome
    definition = definition_of(version)
    checklist = publish_checklist(_plan(visit, version, outcome, state), visit.locale)
    before = stored_revisions.read_revision(state.live) if state.live else None
    return {
        "checklist": checklist,
        "is_stopped": any(it.level == "stop" for it in checklist),
        "unconfirmed": [describe_question(it, definition, visit.locale) for it in outcome.impact.unconfirmed],
        "lists": outcome.impact.lists,
        "groups": describe_parts(before, definition, visit.locale) if before else [],
        "closes": definition.closes,
    }
