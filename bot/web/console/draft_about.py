"""The first page of a draft: who asks, why, who decides, what comes of it; title, dates, form of address."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from aiohttp import web

from bot.authoring.draft_fields import DraftField, FieldChoice, FieldKind, field_name, shown_value
from bot.authoring.drafts import DraftChanged, DraftUnusable
from bot.authoring.yaml_edit import EditRefused
from bot.web.console.draft_autosave import autosaved, is_autosave
from bot.web.console.draft_editing import (
    EditConflict,
    EditedDraft,
    ShownField,
    apply_form,
    conflict_page,
    draft_page,
    edited_draft,
    issues_below,
    see_draft,
)
from bot.web.console.registry import console_page
from bot.web.console.visit import Visit
from flows.definition import Level
from flows.questions.base import Where

ADDRESSES: Final = ("sie", "du")
RESULTS: Final = ("at_close", "live")


def about_fields(language: str) -> Iterator[tuple[str, DraftField]]:
    """Yields the fields of the page in their order, each with its place: sentences, frame, or more."""
    for name in ("title", "asks", "why", "decides", "feedback"):
        yield "sentences", _field((name, language), "line" if name == "title" else "long", is_required=True)
    yield "frame", _field(("readers", language), is_required=True)
    yield "frame", _field(("minutes",), "number", is_required=True)
    yield "frame", _field(("opens",), "day")
    yield "frame", _field(("closes",), "day")
    yield "frame", _select(("address",), ADDRESSES, "sie")
    yield "more", _field(("audience", language), is_required=True)
    yield "more", _select(("level",), tuple(Level), None)
    yield "more", _select(("results",), RESULTS, "at_close")
    yield "more", _field(("keywords",), "words", default=())
    for name in ("name", "hours"):
        yield "more", _field(("contact", name, language), is_required=True)
    for name in ("email", "phone", "web"):
        yield "more", _field(("contact", name), default="")
    yield "more", _field(("retention", "days"), "number", is_required=True)
    yield "more", _field(("retention", "remains", language), is_required=True)
    yield "more", _field(("thanks", language), "long")
    yield "more", _field(("four_eyes",), "tick", default=False)


@console_page("GET", "/consultations/{slug}/about", "consultations.change")
async def show_about(visit: Visit) -> web.StreamResponse:
    """Shows the form."""
    return await _page(visit, await edited_draft(visit))


@console_page("POST", "/consultations/{slug}/about", "consultations.change")
async def save_about(visit: Visit) -> web.StreamResponse:
    """Stores what changed; the next page is this one again, or that of the questions."""
    edited = await edited_draft(visit)
    fields = [field for _, field in about_fields(edited.language)]
    if is_autosave(visit):
        return await autosaved(visit, edited, fields, lambda newest: [_shown(newest, it) for it in fields])
    try:
        await apply_form(visit, edited, fields)
    except EditConflict as conflict:
        return await conflict_page(visit, edited, conflict)
    except DraftChanged:
        return await _page(visit, await edited_draft(visit), "changed", 409)
    except (EditRefused, DraftUnusable) as refused:
        return await _page(visit, edited, getattr(refused, "reason", "unreadable"), 422)
    return see_draft(visit, edited, "questions" if visit.field("then") == "questions" else "about", "saved")


async def _page(visit: Visit, edited: EditedDraft, problem: str = "", status: int = 200) -> web.Response:
    places: dict[str, list[ShownField]] = {"sentences": [], "frame": [], "more": []}
    for place, field in about_fields(edited.language):
        places[place].append(_shown(edited, field))
    return await draft_page(visit, "about.html", edited, problem, status, places=places)


def _shown(edited: EditedDraft, field: DraftField) -> ShownField:
    names = [str(it) for it in field.where if it != edited.language]
    issues = issues_below(edited, field.where[: len(names)])
    return ShownField(field, "-".join(names), shown_value(field, edited.data), issues)


def _field(where: Where, kind: FieldKind = "line", *, default: Any = None, is_required: bool = False) -> DraftField:
    return DraftField(field_name(where), where, kind, default=default, is_required=is_required)


def _select(where: Where, values: tuple[str, ...], default: str | None) -> DraftField:
    choices = tuple(FieldChoice(str(it), f"{where[-1]}.{it}") for it in values)
    return DraftField(field_name(where), where, "select", choices, default)
