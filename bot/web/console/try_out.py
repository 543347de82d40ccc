"""A version tried out on real phones: a link and a QR code that are open for some hours; its answers never count."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from functools import partial
from typing import Final

from aiohttp import web
from sqlalchemy import Connection

from bot.authoring import publishing
from bot.authoring.dialogue_tests import (
    DialogueResult,
    check_dialogues,
    read_dialogue,
    record_dialogue,
    stored_dialogue,
)
from bot.authoring.preview_run import compile_preview
from bot.authoring.publishing import PublishOutcome
from bot.consultations import trials
from bot.web.console.consultations import own_consultation, publish_context
from bot.web.console.overview import ConsultationSummary
from bot.web.console.preview import PREVIEW_RUNS, PreviewRun
from bot.web.console.publish_checklist import describe_dialogue
from bot.web.console.registry import console_page
from bot.web.console.spread import spread_links
from bot.web.console.versions import ConsultationVersion, definition_of, load_versions
from bot.web.console.visit import Visit
from bot.web.public.resume import qr_code
from storage.tables.dialogue_tests import delete_dialogue_test, dialogue_tests_of, replace_dialogue_test

HOUR_PHRASES: Final = {
    2: "console.try.hours_2",
    8: "console.try.hours_8",
    24: "console.try.hours_24",
    168: "console.try.hours_168",
}
"""How long a test link can be open."""
TRY_PROBLEMS: Final = {"version": "console.try.problem_version", "faults": "console.try.problem_faults"}
TRY_DONE: Final = {
    "closed": "console.try.done_closed",
    "recorded": "console.dialogue.done_recorded",
    "accepted": "console.dialogue.done_accepted",
    "deleted": "console.dialogue.done_deleted",
}


@console_page("GET", "/consultations/{slug}/test", "consultations.change")
async def show_test(visit: Visit) -> web.StreamResponse:
    """Shows the open test link with its numbers, or the form that opens one."""
    return await _page(visit, await own_consultation(visit))


@console_page("POST", "/consultations/{slug}/test", "consultations.change")
async def open_test(visit: Visit) -> web.StreamResponse:
    """Opens a test link for a version, or sets another end for the open one."""
    summary = await own_consultation(visit)
    versions, wanted = await load_versions(visit, summary), visit.field("version")
    version = next((it for it in versions if it.name == wanted or not wanted), None)
    hours = next((it for it in HOUR_PHRASES if str(it) == visit.field("hours")), min(HOUR_PHRASES))
    if version is None:
        return await _page(visit, summary, "version")

    def work(connection: Connection) -> PublishOutcome:
        context, name = publish_context(visit), version.name
        outcome = publishing.publish_checked(connection, version.checked, context, name, stage="test")
        if outcome.revision is not None:
            trials.set_trial_end(connection, summary.consultation_id, visit.now + timedelta(hours=hours))
        return outcome

    outcome = await visit.write(work)
    visit.site.consultations.expire()
    if outcome.revision is None:
        return await _page(visit, summary, "faults")
    return visit.see(f"/consultations/{summary.slug}/test")


@console_page("POST", "/consultations/{slug}/test/close", "consultations.change")
async def close_test(visit: Visit) -> web.StreamResponse:
    """Closes the test link; its answers stay until the consultation is published."""
    summary = await own_consultation(visit)

    def work(connection: Connection) -> None:
        trials.set_trial_end(connection, summary.consultation_id, visit.now)
        visit.note(connection, "consultation.close_test", summary.slug)

    await visit.write(work)
    visit.site.consultations.expire()
    return visit.see(f"/consultations/{summary.slug}/test", done="closed")


@console_page("POST", "/consultations/{slug}/test/dialogue", "consultations.change")
async def change_dialogue(visit: Visit) -> web.StreamResponse:
    """Accepts how the newest version answers a recorded run, shows the run in the preview, or deletes it."""
    summary, name = await own_consultation(visit), visit.field("name")
    version = next(iter(await load_versions(visit, summary)), None)
    found = await visit.read(lambda connection: dialogue_tests_of(connection, summary.consultation_id))
    test = next((read_dialogue(it) for it in found if it.name == name), None)
    if test is None or version is None:
        raise web.HTTPNotFound
    if visit.field("do") == "see":
        run = PreviewRun(version.name, "telegram" if test.overheard else "phone", test.language, test.steps)
        visit.request.app[PREVIEW_RUNS].put(visit.member.id, summary.slug, run)
        return visit.see(f"/consultations/{summary.slug}/preview")
    is_accepted = visit.field("do") == "accept"
    flow = await asyncio.to_thread(compile_preview, definition_of(version))
    language = test.language if test.language in flow.languages else flow.consultation.main_language
    now = record_dialogue(name, flow, language, test.steps, overheard=test.overheard)

    def work(connection: Connection) -> None:
        delete_dialogue_test(connection, summary.consultation_id, name)
        if is_accepted:
            stored = stored_dialogue(now, summary.consultation_id, visit.member.name, visit.now)
            replace_dialogue_test(connection, stored)
        visit.note(connection, "dialogue.accept" if is_accepted else "dialogue.delete", summary.slug)

    await visit.write(work)
    return visit.see(f"/consultations/{summary.slug}/test", done="accepted" if is_accepted else "deleted")


async def _dialogues(
    visit: Visit, summary: ConsultationSummary, version: ConsultationVersion | None
) -> list[tuple[DialogueResult, str]]:
    """Returns the recorded runs and how the newest version passes them, in words."""
    if version is None:
        return []
    definition = definition_of(version)
    load = partial(check_dialogues, consultation_id=summary.consultation_id, definition=definition)
    return [(it, describe_dialogue(it, definition, visit.locale)) for it in await visit.read(load)]


async def _page(visit: Visit, summary: ConsultationSummary, problem: str = "") -> web.Response:
    await visit.site.consultations.refresh()
    trial = await visit.read(lambda connection: trials.trial_now(connection, summary.consultation_id, visit.now))
    links = spread_links(visit, trial.slug, "") if trial and trial.is_open else None
    done = visit.request.query.get("done", "")
    versions = await load_versions(visit, summary)
    return visit.page(
        "try_out.html",
        status=409 if problem else 200,
        summary=summary,
        trial=trial,
        links=links,
        qr=qr_code(links.web) if links else "",
        versions=versions,
        dialogues=await _dialogues(visit, summary, next(iter(versions), None)),
        hours=HOUR_PHRASES,
        problem=problem,
        problems=TRY_PROBLEMS,
        done=TRY_DONE.get(done, ""),
    )
