"""What the pages of a draft share: loading, saving, versions, the check, and the way to publishing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any, Final, NamedTuple

from aiohttp import web
from sqlalchemy import Connection

from bot.authoring import drafts
from bot.authoring.draft_fields import (
    DraftField,
    FieldConflict,
    changes_of,
    main_language,
    sent_values,
    shown_value,
)
from bot.authoring.draft_texts import mark_changed
from bot.authoring.drafts import Draft, DraftAuthor, DraftChanged, DraftUnusable
from bot.authoring.file_check import CheckedFile
from bot.authoring.import_notes import import_notes, without_import_notes
from bot.authoring.yaml_edit import EditRefused, plain_data, set_values
from bot.common.audit import Auditor
from bot.web.console.consultations import own_consultation
from bot.web.console.draft_labels import DRAFT_LABELS
from bot.web.console.draft_presence import DRAFT_PRESENCE
from bot.web.console.issue_words import ToldIssue, told_issue
from bot.web.console.overview import ConsultationSummary
from bot.web.console.reading import HTMX_CONFIG
from bot.web.console.registry import console_page
from bot.web.console.visit import Visit, id_in
from flows.questions.base import Where
from storage.tables.consultation_drafts import draft_of, draft_versions

MOST_LISTED: Final = 12
PROBLEMS: Final = {
    "gone": "console.draft.problem.gone",
    "large": "console.draft.problem.large",
    "unreadable": "console.draft.problem.unreadable",
    "slug": "console.draft.problem.unreadable",
    "taken": "console.draft.problem.taken",
    "changed": "console.draft.problem.changed",
    "question_gone": "console.draft.problem.question_gone",
}
"""Why a change of a draft was not stored."""
DONE: Final = {
    "saved": "console.draft.done.saved",
    "read_again": "console.draft.done.read_again",
    "added": "console.draft.done.added",
    "copied": "console.draft.done.copied",
    "moved": "console.draft.done.moved",
    "deleted": "console.draft.done.deleted",
    "back": "console.draft.done.back",
    "created": "console.draft.done.created",
    "translated": "console.draft.done.translated",
    "same": "console.draft.done.same",
}
UNVERSIONED: Final = frozenset({"act", "when", "join", "answer-0", "answer-1", "verb-0", "verb-1", "then"})
"""Further fields of forms; those of new entries begin with `new-`."""
Change = Callable[[str], str]


class EditedDraft(NamedTuple):
    """A draft that a page shows: the consultation, the newest version, its plain data and its check."""

    summary: ConsultationSummary
    draft: Draft
    data: dict[str, Any]
    checked: CheckedFile
    issues: tuple[ToldIssue, ...]

    @property
    def language(self) -> str:
        """The main language: the first one of the file."""
        return main_language(self.data)


class ShownField(NamedTuple):
    """A field with its value, the key of its label, and what the check says about it."""

    field: DraftField
    about: str
    value: str
    issues: list[ToldIssue]


class EditConflict(Exception):
    """Two members changed the same values."""

    def __init__(self, conflicts: Sequence[FieldConflict], rest: Sequence[tuple[DraftField, str]]) -> None:
        super().__init__("conflict")
        self.conflicts = conflicts
        self.rest = rest
        """What this member changed without a conflict: the page keeps it."""


def draft_author(visit: Visit) -> DraftAuthor:
    """Returns the member as the author of a version."""
    return DraftAuthor(visit.member.name, visit.now, Auditor(visit.site.services.keys, visit.actor))


async def edited_draft(visit: Visit) -> EditedDraft:
    """Returns the draft of the consultation of the path. Raises HTTPNotFound."""
    summary = await own_consultation(visit)
    draft = await visit.read(partial(drafts.find_draft, slug=summary.slug))
    if draft is None:
        raise web.HTTPNotFound
    # Reading a large file takes long enough to keep other requests waiting.
    checked = await asyncio.to_thread(drafts.read_draft_consultation, draft.text)
    try:
        data = await asyncio.to_thread(plain_data, draft.text)
    except EditRefused as error:
        raise web.HTTPNotFound from error
    issues = tuple(told_issue(it, visit.locale) for it in checked.issues)
    return EditedDraft(summary, draft, data, checked, issues)


async def draft_page(
    visit: Visit, template: str, edited: EditedDraft, problem: str = "", status: int = 200, **values: Any
) -> web.Response:
    """Renders a page of a draft with its head: state, check, earlier versions, undo."""
    draft = edited.draft
    versions = await visit.read(partial(draft_versions, consultation_id=draft.consultation_id))
    issues = edited.issues
    back = id_in(visit.request.query.get("back", ""))
    return visit.page(
        f"drafts/{template}",
        status=status or 200,
        summary=edited.summary,
        edited=edited,
        draft=draft,
        data=edited.data,
        faults=[it for it in issues if not it.warning],
        hints=[it for it in issues if it.warning],
        import_notes=import_notes(draft.text),
        versions=[it for it in versions if it.version != draft.version][:MOST_LISTED],
        undo_to=back if back is not None and back == draft.version - 1 else None,
        said=DONE.get(visit.request.query.get("done", ""), ""),
        trouble=PROBLEMS.get(problem, ""),
        others=present_others(visit, draft),
        htmx_config=HTMX_CONFIG,
        **DRAFT_LABELS,
        **values,
    )


def issues_below(edited: EditedDraft, where: Where) -> list[ToldIssue]:
    """Returns what the check says about a part of the file."""
    return [it for it in edited.issues if it.where[: len(where)] == where]


async def store_change(visit: Visit, draft: Draft, change: Change) -> Draft:
    """Applies a change to the newest version and stores the result. Raises EditRefused, DraftChanged, DraftUnusable."""
    text = await asyncio.to_thread(change, draft.text)
    return await visit.write(
        partial(
            drafts.save_draft,
            draft_id=draft.consultation_id,
            from_version=draft.version,
            text=text,
            by=draft_author(visit),
        )
    )


async def base_of_form(visit: Visit, edited: EditedDraft) -> Any:
    """Returns the content of the version that the sent form was made from; {} if it is not kept any more."""
    began = id_in(visit.field("version"))
    if began is None or began == edited.draft.version:
        return edited.data
    text = await visit.read(partial(text_of_version, draft=edited.draft, version=began))
    return await asyncio.to_thread(plain_data, text) if text else {}


async def shows_all(visit: Visit, edited: EditedDraft, fields: Iterable[DraftField]) -> bool:
    """Whether the page of the sent form shows what the newest version has, but for the member's own changes."""
    base = await base_of_form(visit, edited)
    sent = sent_values(fields, visit.form)
    return base is edited.data or all(shown_value(it, base) == shown_value(it, edited.data) for it in sent)


def present_others(visit: Visit, draft: Draft) -> list[str]:
    """Returns the names of the other members who have this draft open, and notes that this one has."""
    presence = visit.request.app[DRAFT_PRESENCE]
    return presence.others(draft.consultation_id, visit.member.id, visit.member.name, visit.now)


async def form_changes(visit: Visit, edited: EditedDraft, fields: Iterable[DraftField]) -> dict[Where, Any]:
    """Returns the changes of the sent form. Raises EditConflict if another member changed the same values."""
    sent = sent_values(fields, visit.form)
    base = await base_of_form(visit, edited)
    changes, conflicts = changes_of(sent, base, edited.data)
    sent = {it: said for it, said in sent.items() if said != shown_value(it, base)}
    if conflicts:
        disputed = {it.field for it in conflicts}
        raise EditConflict(conflicts, [it for it in sent.items() if it[0] not in disputed])
    return changes


def text_of_version(connection: Connection, draft: Draft, version: int) -> str:
    """Returns the text of a version; "" if it is not kept any more."""
    if version:
        stored = draft_of(connection, draft.consultation_id, version)
        return stored.text if stored else ""
    published = drafts.draft_of_revision(connection, draft.consultation_id)
    return published.text if published else ""


async def apply_form(
    visit: Visit, edited: EditedDraft, fields: Iterable[DraftField], then: Change | None = None
) -> Draft:
    """Stores the changes of the sent form, and then another one. Raises as `form_changes` and `store_change` do."""
    changes = await form_changes(visit, edited, fields)

    def change(text: str) -> str:
        changed = mark_changed(text, set_values(text, changes), edited.language) if changes else text
        return then(changed) if then else changed

    return await store_change(visit, edited.draft, change)


def see_draft(
    visit: Visit, edited: EditedDraft, end: str, done: str, *, anchor: str = "", **query: str
) -> web.Response:
    """Redirects to a page of the draft that offers to take the change back."""
    response = visit.see(
        f"/consultations/{edited.summary.slug}/{end}", done=done, back=str(edited.draft.version), **query
    )
    if anchor:
        response.headers["Location"] += f"#{anchor}"
    return response


async def conflict_page(visit: Visit, edited: EditedDraft, conflict: EditConflict) -> web.Response:
    """Shows both values of each conflict (409); the form of the page stores those of this member."""
    return await draft_page(
        visit,
        "conflict.html",
        edited,
        "changed",
        409,
        conflicts=conflict.conflicts,
        rest=conflict.rest,
        unversioned=[
            (name, visit.field(name)) for name in visit.form if name in UNVERSIONED or name.startswith("new-")
        ],
    )


@console_page("POST", "/consultations/{slug}/draft/back", "consultations.change")
async def restore_version(visit: Visit) -> web.StreamResponse:
    """Stores an earlier version again."""
    edited = await edited_draft(visit)
    wanted, seen = id_in(visit.field("to")), id_in(visit.field("version"))
    end = next((it for it in ("about", "questions", "languages") if it == visit.field("page")), "questions")
    try:
        await visit.write(
            partial(
                drafts.restore_draft,
                draft_id=edited.draft.consultation_id,
                from_version=edited.draft.version if seen is None else seen,
                version=wanted or 0,
                by=draft_author(visit),
            )
        )
    except DraftChanged:
        return await draft_page(visit, "trouble.html", await edited_draft(visit), "changed", 409)
    except DraftUnusable as unusable:
        return await draft_page(visit, "trouble.html", edited, unusable.reason, 409)
    return see_draft(visit, edited, end, "back")


@console_page("POST", "/consultations/{slug}/draft/import-notes", "consultations.change")
async def drop_import_notes(visit: Visit) -> web.StreamResponse:
    """Removes the list of what an import did not take over."""
    edited = await edited_draft(visit)
    end = "about" if visit.field("page") == "about" else "questions"
    try:
        await store_change(visit, edited.draft, without_import_notes)
    except DraftChanged:
        return await draft_page(visit, "trouble.html", await edited_draft(visit), "changed", 409)
    return see_draft(visit, edited, end, "saved")


@console_page("GET", "/consultations/{slug}/draft/file", "consultations.change")
async def download_draft(visit: Visit) -> web.StreamResponse:
    """Sends the draft as it is stored, with its comments."""
    summary = await own_consultation(visit)
    draft = await visit.read(partial(drafts.find_draft, slug=summary.slug))
    if draft is None:
        raise web.HTTPNotFound
    headers = {"Cache-Control": "no-store", "Content-Disposition": f'attachment; filename="{summary.slug}.yaml"'}
    return web.Response(text=draft.text, content_type="application/yaml", headers=headers)


@console_page("GET", "/consultations/{slug}/draft/delete", "consultations.change")
async def show_delete(visit: Visit) -> web.StreamResponse:
    """Shows what deleting the draft means."""
    return await draft_page(visit, "delete.html", await edited_draft(visit))


@console_page("POST", "/consultations/{slug}/draft/delete", "consultations.change")
async def drop_draft(visit: Visit) -> web.StreamResponse:
    """Deletes the draft with its versions."""
    edited = await edited_draft(visit)
    await visit.write(partial(drafts.delete_draft, draft_id=edited.draft.consultation_id, by=draft_author(visit)))
    is_new = edited.summary.state == "draft"
    return visit.see("/consultations" if is_new else f"/consultations/{edited.summary.slug}")
