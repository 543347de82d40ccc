"""The texts of one language out to a translator and back, as a workbook or a PO file."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Final, NamedTuple

from aiohttp import web

from bot.authoring.draft_fields import languages_of
from bot.authoring.draft_texts import REVIEWED, mark_changed, with_review
from bot.authoring.drafts import DraftChanged, DraftUnusable
from bot.authoring.translator_texts import TakenTranslations, take_translations, texts_for_translator
from bot.authoring.upload_check import CheckFailed
from bot.authoring.yaml_edit import EditRefused, plain_data, set_values
from bot.exchange.translator_files.content import (
    FileKind,
    FileProblem,
    TranslatedText,
    TranslatorFile,
    UnusableTranslation,
)
from bot.exchange.translator_files.po import write_po
from bot.exchange.translator_files.upload import read_upload_of_translator
from bot.exchange.translator_files.xlsx import write_xlsx
from bot.web.console.draft_editing import (
    EditedDraft,
    edited_draft,
    see_draft,
    store_change,
    text_of_version,
)
from bot.web.console.draft_languages import languages_page
from bot.web.console.registry import console_page
from bot.web.console.visit import Visit

CONTENT_TYPES: Final[dict[FileKind, str]] = {
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "po": "text/x-gettext-translation",
}
PROBLEMS: Final[dict[FileProblem, str]] = {
    "unreadable": "console.translator.unreadable",
    "other_language": "console.translator.other_language",
    "empty": "console.translator.empty",
}
MOST_NAMED: Final = 100
PATH: Final = "/consultations/{slug}/languages/{tag}/file"


class LeftText(NamedTuple):
    """A text of the file that was not taken, beside what the draft has now."""

    now: str
    in_file: str


class ReturnedFile(NamedTuple):
    """What the page says about a returned file that was not taken as a whole."""

    taken: int
    outdated: list[LeftText]
    conflicts: list[LeftText]
    unknown: list[str]


@console_page("GET", PATH, "consultations.change")
async def send_to_translator(visit: Visit) -> web.StreamResponse:
    """Sends the texts of a language, with those of the main one beside them."""
    edited, tag = await _opened(visit)
    kind: FileKind = "xlsx" if visit.request.query.get("kind") == "xlsx" else "po"
    texts = [TranslatedText(*it) for it in texts_for_translator(edited.data, edited.language, tag)]
    file = TranslatorFile(tag, edited.language, edited.draft.version, texts)
    content = await asyncio.to_thread(write_po if kind == "po" else write_xlsx, file)
    headers = {
        "Cache-Control": "no-store",
        "Content-Disposition": f'attachment; filename="{edited.summary.slug}-{tag}.{kind}"',
    }
    return web.Response(body=content, content_type=CONTENT_TYPES[kind], headers=headers)


@console_page("POST", PATH, "consultations.change", takes_file=True)
async def take_back(visit: Visit) -> web.StreamResponse:
    """Takes the translations of a returned file, and names those that do not fit the draft any more."""
    edited, tag = await _opened(visit)
    file = visit.file
    if file is None or not file.content:
        return await _refused(visit, edited, tag, "console.problem.file_missing")
    if file.is_cut:
        return await _refused(visit, edited, tag, "console.problem.file_large")
    try:
        returned = await read_upload_of_translator(file.content, tag)
    except UnusableTranslation as unusable:
        return await _refused(visit, edited, tag, PROBLEMS[unusable.problem])
    except CheckFailed:
        return await _refused(visit, edited, tag, "console.problem.file_slow")
    taken = await _taken(visit, edited, tag, returned)
    try:
        await _store(visit, edited, tag, taken)
    except (DraftChanged, EditRefused, DraftUnusable):
        return await _refused(visit, await edited_draft(visit), tag, "console.draft.problem.changed", 409)
    if not (taken.outdated or taken.conflicts or taken.unknown):
        return see_draft(visit, edited, "languages", "translated" if taken.changes else "same", open=tag)
    return await languages_page(visit, await edited_draft(visit), tag, returned=_shown(taken))


async def _opened(visit: Visit) -> tuple[EditedDraft, str]:
    """Returns the draft and the language of the path. Raises HTTPNotFound, also for the main language."""
    edited, tag = await edited_draft(visit), visit.part("tag")
    if tag not in languages_of(edited.data) or tag == edited.language:
        raise web.HTTPNotFound
    return edited, tag


async def _taken(visit: Visit, edited: EditedDraft, tag: str, returned: TranslatorFile) -> TakenTranslations:
    base = edited.data
    if returned.version != edited.draft.version:
        text = ""
        if returned.version is not None:
            text = await visit.read(partial(text_of_version, draft=edited.draft, version=returned.version))
        base = await asyncio.to_thread(plain_data, text) if text else {}
    sent = [(it.place, it.source, it.text) for it in returned.texts]
    return take_translations(edited.data, base or None, edited.language, tag, sent)


async def _store(visit: Visit, edited: EditedDraft, tag: str, taken: TakenTranslations) -> None:
    """Stores the changes, and the review if the form says that everything was read. Raises as `store_change`."""
    is_reviewed = visit.field("review") == REVIEWED and not (taken.outdated or taken.conflicts)

    def change(text: str) -> str:
        changed = mark_changed(text, set_values(text, taken.changes), edited.language) if taken.changes else text
        return with_review(changed, tag, REVIEWED, visit.member.name) if is_reviewed else changed

    if taken.changes or is_reviewed:
        await store_change(visit, edited.draft, change)


def _shown(taken: TakenTranslations) -> ReturnedFile:
    return ReturnedFile(
        taken=len(taken.changes),
        outdated=[LeftText(it.source_now, it.text) for it in taken.outdated[:MOST_NAMED]],
        conflicts=[LeftText(it.theirs, it.mine) for it in taken.conflicts[:MOST_NAMED]],
        unknown=taken.unknown[:MOST_NAMED],
    )


async def _refused(visit: Visit, edited: EditedDraft, tag: str, phrase: str, status: int = 422) -> web.Response:
    return await languages_page(visit, edited, tag, status=status, file_problem=phrase)
