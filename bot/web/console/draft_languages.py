"""The languages of a draft: what is missing in each, its texts beside those of the main language, and its review."""

from __future__ import annotations

from functools import partial
from typing import Any, Final, NamedTuple

from aiohttp import web

from bot.authoring.draft_fields import field_name, languages_of, shown_value
from bot.authoring.draft_texts import (
    REVIEWED,
    UNREVIEWED,
    count_missing,
    mark_reviewed,
    review_of,
    text_pairs,
    texts_to_review,
    with_language,
    with_review,
)
from bot.authoring.drafts import DraftChanged, DraftUnusable
from bot.authoring.yaml_edit import EditRefused
from bot.web.console.draft_autosave import autosaved, is_autosave
from bot.web.console.draft_editing import (
    Change,
    EditConflict,
    EditedDraft,
    ShownField,
    apply_form,
    conflict_page,
    draft_page,
    edited_draft,
    see_draft,
    store_change,
)
from bot.web.console.registry import console_page
from bot.web.console.visit import Visit, id_in
from flows.languages import LANGUAGES, language_name

REVIEWS: Final = (UNREVIEWED, REVIEWED)


class LanguageTab(NamedTuple):
    """One language with the number of its missing texts, and of those that changed after the review."""

    tag: str
    title: str
    lacking: int
    unread: int


class PairedText(NamedTuple):
    """One text in the main language, with its field in the open one."""

    original: str
    shown: ShownField
    is_unread: bool
    """Whether it changed after the review."""


@console_page("GET", "/consultations/{slug}/languages", "consultations.change")
async def show_languages(visit: Visit) -> web.StreamResponse:
    """Opens the language with most missing texts, or the second one."""
    edited = await edited_draft(visit)
    return await languages_page(visit, edited, visit.request.query.get("open", "") or _first(edited))


@console_page("POST", "/consultations/{slug}/languages", "consultations.change")
async def add_language(visit: Visit) -> web.StreamResponse:
    """Offers one language more; its missing texts are shown in the main one."""
    edited, tag = await edited_draft(visit), visit.field("tag")
    if tag not in LANGUAGES or tag in languages_of(edited.data):
        raise web.HTTPNotFound
    try:
        await store_change(visit, edited.draft, lambda text: with_language(text, tag, edited.language))
    except DraftChanged:
        return await languages_page(visit, await edited_draft(visit), tag, "changed", 409)
    except (EditRefused, DraftUnusable) as refused:
        return await languages_page(visit, edited, _first(edited), getattr(refused, "reason", "unreadable"), 422)
    return see_draft(visit, edited, "languages", "saved", open=tag)


@console_page("POST", "/consultations/{slug}/languages/{tag}", "consultations.change")
async def save_language(visit: Visit) -> web.StreamResponse:
    """Stores texts and review of a language. The review is not stored if another member changed the draft: this
    member has not read the newest texts.
    """
    edited, tag = await edited_draft(visit), visit.part("tag")
    if tag not in languages_of(edited.data):
        raise web.HTTPNotFound
    fields = [it.field for it in text_pairs(edited.data, edited.language, tag)] if tag != edited.language else []
    if is_autosave(visit):
        return await autosaved(visit, edited, fields, lambda _: [])
    is_newest = id_in(visit.field("version")) == edited.draft.version
    then = _review_change(visit, edited, tag)
    try:
        await apply_form(visit, edited, fields, then if is_newest else None)
    except EditConflict as conflict:
        return await conflict_page(visit, edited, conflict)
    except DraftChanged:
        return await languages_page(visit, await edited_draft(visit), tag, "changed", 409)
    except (EditRefused, DraftUnusable) as refused:
        return await languages_page(visit, edited, tag, getattr(refused, "reason", "unreadable"), 422)
    return see_draft(visit, edited, "languages", "saved" if is_newest or not then else "read_again", open=tag)


def _review_change(visit: Visit, edited: EditedDraft, tag: str) -> Change | None:
    """Returns what the form says about the review: of the language as a whole, or of single texts."""
    review, read = visit.field("review"), frozenset(visit.form.get("read", ()))
    if review in REVIEWS and review != review_of(edited.data, tag):
        return partial(with_review, tag=tag, review=review, reviewer=visit.member.name)
    return partial(mark_reviewed, names=read, tag=tag) if read else None


def _first(edited: EditedDraft) -> str:
    others = languages_of(edited.data)[1:] or [edited.language]
    return max(others, key=lambda tag: count_missing(edited.data, edited.language, tag))


def _tab(edited: EditedDraft, tag: str) -> LanguageTab:
    lacking = count_missing(edited.data, edited.language, tag)
    return LanguageTab(tag, language_name(tag), lacking, unread=len(texts_to_review(edited.data, tag)))


def _pairs(edited: EditedDraft, tag: str) -> list[PairedText]:
    """Returns the texts of the open language; of the main one only those that changed after the review."""
    unread = {field_name(it) for it in texts_to_review(edited.data, tag)}
    return [
        PairedText(it.original, ShownField(it.field, it.question, shown_value(it.field, edited.data), []), is_unread)
        for it in text_pairs(edited.data, edited.language, tag)
        if it.original and ((is_unread := it.field.name in unread) or tag != edited.language)
    ]


async def languages_page(
    visit: Visit, edited: EditedDraft, tag: str, problem: str = "", status: int = 200, **values: Any
) -> web.Response:
    """Shows the languages of a draft, and one of them open."""
    offered = languages_of(edited.data)
    tag = tag if tag in offered else _first(edited)
    review = review_of(edited.data, tag)
    return await draft_page(
        visit,
        "languages.html",
        edited,
        problem,
        status,
        tabs=[_tab(edited, it) for it in offered],
        open_tag=tag,
        open_name=language_name(tag),
        main_name=language_name(edited.language),
        pairs=_pairs(edited, tag),
        review=review,
        reviews=REVIEWS if review in REVIEWS else (*REVIEWS, review),
        addable=[LanguageTab(it, language_name(it), lacking=0, unread=0) for it in LANGUAGES if it not in offered],
        **{"file_problem": "", "returned": None, **values},
    )
