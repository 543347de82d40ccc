"""Saves the form of a draft at every pause, and answers with what the check says beside each field.

The page sends its form with htmx; without JavaScript it has its buttons only. Nothing is merged that the page does not
show: if another member changed the same values, or others of this page, nothing is stored and the page says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from aiohttp import web

from bot.authoring.draft_fields import DraftField
from bot.authoring.drafts import DraftChanged, DraftUnusable
from bot.authoring.yaml_edit import EditRefused
from bot.web.console.draft_editing import (
    PROBLEMS,
    Change,
    EditConflict,
    EditedDraft,
    ShownField,
    apply_form,
    draft_page,
    edited_draft,
    present_others,
    shows_all,
)
from bot.web.console.registry import console_page
from bot.web.console.visit import Visit

AUTOSAVE: Final = "HX-Request"
"""The header that htmx sends: only its requests are answered with parts of a page."""
AUTOSAVE_PROBLEMS: Final = {**PROBLEMS, "others": "console.draft.autosave.others"}
Shown = Callable[[EditedDraft], Iterable[ShownField]]


def is_autosave(visit: Visit) -> bool:
    """Whether the page saves by itself, not because a button was pressed."""
    return AUTOSAVE in visit.request.headers


async def autosaved(
    visit: Visit, edited: EditedDraft, fields: Iterable[DraftField], shown: Shown, then: Change | None = None
) -> web.Response:
    """Stores the form and returns the parts of the page that change. `shown`: the fields with the result of the check.
    `then` is left out if another member saved meanwhile.
    """
    fields = list(fields)
    problem = "" if await shows_all(visit, edited, fields) else "others"
    if not problem:
        try:
            await apply_form(visit, edited, fields, then)
        except (EditConflict, DraftChanged):
            problem = "others"
        except (EditRefused, DraftUnusable) as refused:
            problem = getattr(refused, "reason", "unreadable")
    edited = await edited_draft(visit)
    return await draft_page(
        visit,
        "autosaved.html",
        edited,
        unsaved=AUTOSAVE_PROBLEMS.get(problem, ""),
        shown=[] if problem else list(shown(edited)),
    )


@console_page("POST", "/consultations/{slug}/draft/here", "consultations.change")
async def stay_here(visit: Visit) -> web.StreamResponse:
    """Notes that the member still has the page open, and says who else has."""
    edited = await edited_draft(visit)
    return visit.page("drafts/here.html", others=present_others(visit, edited.draft))
