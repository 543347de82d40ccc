"""A new consultation: from a template, as a copy of another one, or from a file."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from functools import partial
from typing import Final, NamedTuple

from aiohttp import web
from sqlalchemy import Connection

from bot.authoring import drafts
from bot.authoring.drafts import Draft, DraftUnusable
from bot.authoring.starting_points import City, begin_with, slug_of_title, template_text, templates
from bot.authoring.upload_check import CheckFailed, check_upload, read_check
from bot.authoring.yaml_edit import EditRefused
from bot.consultations.definition_issues import DefinitionIssue
from bot.exchange.xlsform.notes import UNUSABLE_PHRASES, UnusableForm
from bot.exchange.xlsform.upload import convert_upload, is_workbook
from bot.web.console.draft_editing import draft_author
from bot.web.console.form_upload import UploadedFile
from bot.web.console.overview import ConsultationSummary, summaries
from bot.web.console.registry import console_page
from bot.web.console.visit import Visit
from storage.tables.staff_assignments import StaffAssignment, insert_staff_assignments

OPEN_FOR: Final = timedelta(days=28)
LONGEST_TITLE: Final = 120
PROBLEMS: Final[dict[str, str]] = {
    "nothing": "console.new.problem.nothing",
    "file_missing": "console.problem.file_missing",
    "file_large": "console.problem.file_large",
    "file_slow": "console.problem.file_slow",
    "faults": "console.new.problem.faults",
    "large": "console.draft.problem.large",
    "unreadable": "console.draft.problem.unreadable",
    "slug": "console.draft.problem.unreadable",
    "taken": "console.draft.problem.taken",
    **UNUSABLE_PHRASES,
}


class Beginning(NamedTuple):
    """The file that a new consultation begins with, or why there is none."""

    text: str = ""
    instead: str = "befragung"
    """The slug if the title gives none."""
    problem: str = ""
    issues: tuple[DefinitionIssue, ...] = ()
    is_template: bool = False
    """Whether the settings say who asks, and when it ends."""


@console_page("GET", "/consultations/new", "consultations.change")
async def show_new(visit: Visit) -> web.StreamResponse:
    """Offers templates, copies and a file."""
    return await _page(visit)


@console_page("POST", "/consultations/new", "consultations.change", takes_file=True)
async def begin_consultation(visit: Visit) -> web.StreamResponse:
    """Makes a draft, and continues on its first page."""
    begun = await _beginning(visit)
    if begun.problem:
        return await _page(visit, begun.problem, begun.issues)
    title = " ".join(visit.field("title").split())[:LONGEST_TITLE]
    try:
        draft = await _create(visit, begun, title)
    except (DraftUnusable, EditRefused) as refused:
        return await _page(visit, getattr(refused, "reason", "unreadable"))
    return visit.see(f"/consultations/{draft.slug}/about", done="created")


async def _beginning(visit: Visit) -> Beginning:
    if name := visit.field("template"):
        text = template_text(name)
        return Beginning(text, name, is_template=True) if text else Beginning(problem="nothing")
    if slug := visit.field("copy"):
        known = {it.slug for it in await _own(visit)}
        found = await visit.read(partial(drafts.find_draft, slug=slug)) if slug in known else None
        return Beginning(found.text, slug) if found else Beginning(problem="nothing")
    return await _from_file(visit)


async def _from_file(visit: Visit) -> Beginning:
    file = visit.file
    if file is None or not file.content:
        return Beginning(problem="file_missing")
    if file.is_cut:
        return Beginning(problem="file_large")
    if is_workbook(file.content):
        return await _from_workbook(visit, file)
    try:
        checked = read_check(await check_upload(file.content, file.name))
    except CheckFailed:
        return Beginning(problem="file_slow")
    if checked.consultation is None:
        return Beginning(problem="faults", issues=checked.issues)
    return Beginning(file.content.decode("utf-8-sig"), checked.consultation.slug)


async def _from_workbook(visit: Visit, file: UploadedFile) -> Beginning:
    try:
        form = await convert_upload(file.content, file.name, visit.locale.tag)
    except UnusableForm as unusable:
        return Beginning(problem=unusable.code)
    except CheckFailed:
        return Beginning(problem="file_slow")
    instead = slug_of_title(form.name, slug_of_title(form.title, "befragung"))
    return Beginning(form.text, instead, is_template=True)


async def _create(visit: Visit, begun: Beginning, title: str) -> Draft:
    """Stores the draft. Raises DraftUnusable and EditRefused."""
    wanted = slug_of_title(title, begun.instead)
    slug = await visit.read(partial(drafts.free_slug, wanted=wanted))
    text = await asyncio.to_thread(begin_with, begun.text, slug, title, _city(visit) if begun.is_template else None)
    draft_id = visit.site.services.ids()

    def work(connection: Connection) -> Draft:
        draft = drafts.create_draft(connection, draft_id, text, draft_author(visit))
        if visit.member.assigned_only:
            insert_staff_assignments(connection, [StaffAssignment(visit.member.id, draft_id)])
        return draft

    return await visit.write(work)


def _city(visit: Visit) -> City:
    """Returns what the settings say about the city, and a last day in four weeks."""
    zone = visit.site.services.settings.zone()
    return City(
        visit.site.options.organisation,
        visit.site.origin(visit.request),
        (visit.now.astimezone(zone) + OPEN_FOR).date(),
    )


async def _own(visit: Visit) -> list[ConsultationSummary]:
    assigned = await visit.assigned()
    return await visit.read(lambda connection: summaries(connection, assigned, visit.locale.tag, visit.now))


async def _page(visit: Visit, problem: str = "", issues: tuple[DefinitionIssue, ...] = ()) -> web.Response:
    offered = await asyncio.to_thread(templates)
    return visit.page(
        "drafts/new.html",
        status=422 if problem else 200,
        trouble=PROBLEMS.get(problem, ""),
        issues=issues,
        templates=offered,
        copies=await _own(visit),
        title=visit.field("title"),
    )
