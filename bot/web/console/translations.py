"""Translations of one text: written, corrected, reviewed and removed by members of the team."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NamedTuple

from aiohttp import web
from sqlalchemy import Connection

from bot.proposals import moderation_decisions
from bot.proposals.moderation_decisions import LONGEST_TITLE, ModerationContext, ProposalWording
from bot.proposals.moderation_rules import DecisionRefused, item_by_code
from bot.web.console.consultations import own_consultation
from bot.web.console.overview import ConsultationSummary
from bot.web.console.reading_list import ReadingText, reading_texts
from bot.web.console.registry import console_page
from bot.web.console.visit import Visit
from flows.languages import LANGUAGES, Language

PATH: Final = "/consultations/{slug}/reading/{code}/translations"


class _Shown(NamedTuple):
    summary: ConsultationSummary
    text: ReadingText
    languages: list[Language]
    """The languages of the consultation and of the translations, without the text's own."""


@console_page("GET", PATH, "texts.read")
async def show_translations(visit: Visit) -> web.StreamResponse:
    """Shows a text beside its translations."""
    return _page(visit, await _shown(visit))


@console_page("POST", PATH, "texts.decide")
async def change_translation(visit: Visit) -> web.StreamResponse:
    """Saves, reviews or removes the translation into one language. What is refused is shown again as it was typed."""
    shown = await _shown(visit)
    name, _, language = visit.field("do").partition(":")
    change = _CHANGES.get(name)
    if change is None or language not in {it.tag for it in shown.languages}:
        raise web.HTTPNotFound
    number = shown.text.item.proposal.id

    def work(connection: Connection) -> None:
        change(visit, visit.moderation(connection), number, language)

    try:
        await visit.write(work)
    except DecisionRefused as refused:
        is_over = refused.reason in ("changed", "already", "withdrawn")
        return _page(
            visit, await _shown(visit), status=409 if is_over else 422, problem="changed" if is_over else "no_text"
        )
    here = f"/consultations/{visit.part('slug')}/reading/{visit.part('code')}/translations"
    return visit.see(here, said=f"{name}:{language}")


async def _shown(visit: Visit) -> _Shown:
    """Loads the text of the path. Raises HTTPNotFound, also for texts of other consultations."""
    summary = await own_consultation(visit)

    def load(connection: Connection) -> ReadingText | None:
        item = item_by_code(connection, visit.part("code"))
        if item is None or item.proposal.consultation_id != summary.consultation_id:
            return None
        number = item.proposal.id
        found = reading_texts(connection, summary.consultation_id, [number], visit.locale.tag, with_similar=False)
        return found[number]

    found = await visit.read(load)
    if found is None:
        raise web.HTTPNotFound
    tags = dict.fromkeys([*summary.languages, *found.item.texts])
    own = found.item.proposal.language
    return _Shown(summary, found, [LANGUAGES[tag] for tag in tags if tag in LANGUAGES and tag != own])


def _page(visit: Visit, shown: _Shown, *, status: int = 200, problem: str = "") -> web.Response:
    name, _, language = visit.request.query.get("said", "").partition(":")
    values: dict[str, Any] = {
        "it": shown.text,
        "known": {it.row.language: it for it in shown.text.translations},
        "languages_to_write": shown.languages,
        "said": name if name in _CHANGES and language in LANGUAGES else "",
        "said_language": LANGUAGES[language].name if language in LANGUAGES else "",
        "is_open": shown.text.item.state in ("waiting", "released"),
    }
    return visit.page("translations.html", status=status, summary=shown.summary, problem=problem, **values)


def _save(visit: Visit, context: ModerationContext, number: int, language: str) -> None:
    wording = ProposalWording(visit.field(f"title-{language}")[: LONGEST_TITLE + 1], visit.field(f"text-{language}"))
    is_by_machine = visit.field(f"by-{language}") == "machine"
    moderation_decisions.translate_text(
        context,
        number,
        language,
        wording,
        translator="machine" if is_by_machine else "",
        reviewed=visit.field(f"reviewed-{language}") == "yes",
        seen=visit.field("version"),
    )


def _review(visit: Visit, context: ModerationContext, number: int, language: str) -> None:
    moderation_decisions.review_translation(context, number, language, seen=visit.field("version"))


def _unreview(visit: Visit, context: ModerationContext, number: int, language: str) -> None:
    moderation_decisions.review_translation(context, number, language, reviewed=False, seen=visit.field("version"))


def _remove(visit: Visit, context: ModerationContext, number: int, language: str) -> None:
    moderation_decisions.remove_translation(context, number, language, seen=visit.field("version"))


_CHANGES: Final[dict[str, Callable[[Visit, ModerationContext, int, str], None]]] = {
    "save": _save,
    "review": _review,
    "unreview": _unreview,
    "remove": _remove,
}
