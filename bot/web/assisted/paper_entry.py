"""Entry of paper forms: all questions on one page; the answers are stored like those of every other message."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from aiohttp import web

from adapters.web.errors import RequestError
from adapters.web.hub import NotRunning, TooMany
from adapters.web.sessions import WebConversation
from bot.common.i18n.locale import Locale
from bot.consultations.entry_codes import parse_entry_code
from bot.web.assisted.device_sessions import ASSIST
from bot.web.assisted.pages import NOT_KEPT
from bot.web.assisted.paper import PaperQuestion, consultation_language, flow_of_consultation, paper_questions
from bot.web.assisted.paper_check import DryRun, SheetAnswer, dry_run_sheet
from bot.web.assisted.sign_in import checked_form, csrf_of, may_help, require_helper
from bot.web.consultation_cache import PublishedConsultation
from bot.web.context import site_of
from bot.web.public.chat import SLUG, is_unreviewed, requested_consultation
from bot.web.public.form_model import form_step
from flows.flow import Flow
from flows.understanding.text import clean_text

_SHEET: Final = re.compile(r"[0-9a-f]{32}")
MOST_KEPT: Final = 200


class SavedSheet(NamedTuple):
    """The result of a saved form."""

    receipt: str
    has_left: bool


SAVED_SHEETS: Final = web.AppKey("sheets", OrderedDict[str, SavedSheet])
"""Recently saved sheets: a form submitted twice is saved once, and the same page is shown."""


def add_paper_entry_routes(router: web.UrlDispatcher) -> None:
    router.add_get(f"{ASSIST.base}/{SLUG}/sheet", _empty)
    router.add_post(f"{ASSIST.base}/{SLUG}/sheet", _save)


async def _empty(request: web.Request) -> web.Response:
    member = await require_helper(request)
    await site_of(request).consultations.refresh()
    published = requested_consultation(request)
    if not await may_help(request, member, published):
        raise RequestError("unknown")
    if published.state() != "open":
        raise RequestError("closed")
    language = consultation_language(request, published)
    return _show(request, published, language, {}, parse_entry_code(request.query.get("at", "")))


async def _save(request: web.Request) -> web.Response:
    """Runs a dry run; with errors nothing is stored, and the page shows them."""
    await site_of(request).consultations.refresh()
    member, data = await checked_form(request)
    published = requested_consultation(request)
    if not await may_help(request, member, published):
        raise RequestError("unknown")
    language = published.best(_first(data, "in"))
    flow, place = flow_of_consultation(published), parse_entry_code(_first(data, "at").strip())
    asked = {question.key: question for question in paper_questions(flow, language)}
    sheet = {key: _filled(data, question) for key, question in asked.items() if not question.is_off}
    sent = _first(data, "sheet")
    if not _SHEET.fullmatch(sent):
        raise RequestError("malformed")
    if published.state() != "open":
        raise RequestError("closed")
    rehearsal = dry_run_sheet(flow, language, asked, sheet)
    faults = rehearsal.faults or _nothing(sheet, language)
    if faults:
        return _show(request, published, language, sheet, place, faults=faults)
    # The same page sent twice is one sheet; sent again with other answers (the back button) it is another.
    content = repr((sent, language, place, sorted(sheet.items())))
    id_ = f"sheet-{hashlib.sha256(content.encode('utf-8', 'replace')).hexdigest()[:32]}"
    saved = request.app[SAVED_SHEETS].get(id_) or await _feed(
        request, WebConversation(published.slug, id_, ""), rehearsal, place
    )
    _remember(request.app[SAVED_SHEETS], id_, saved)
    return _done(request, published, language, saved, place)


async def _feed(request: web.Request, conversation: WebConversation, rehearsal: DryRun, place: str) -> SavedSheet:
    """Sends the messages of the dry run, in order. Raises RequestError if the conversation does not end."""
    hub, address = site_of(request).routes.hub, conversation.address
    try:
        await hub.say(address, "sheet", text=f"/start {conversation.slug}", mode="paper", entry_code=place)
        for number, words in enumerate(rehearsal.messages):
            await hub.say(address, f"sheet-{number}", text=words.text, choice=words.choice, mode="paper")
        await hub.settled(address)
        step = form_step(hub.chat(address).after(0))
    except (TooMany, NotRunning) as error:
        raise RequestError("busy", 1) from error
    finally:
        hub.wipe(address)
    if not step.receipt and not rehearsal.has_left:
        raise RequestError("busy", 1)
    return SavedSheet(step.receipt, rehearsal.has_left)


def _remember(sheets: OrderedDict[str, SavedSheet], id_: str, saved: SavedSheet) -> None:
    sheets[id_] = saved
    while len(sheets) > MOST_KEPT:
        sheets.popitem(last=False)


def _filled(data: Mapping[str, list[str]], question: PaperQuestion) -> SheetAnswer:
    names = (question.key, *(row.name for row in question.rows))
    ticked = tuple(token for name in names for token in data.get(f"tick-{name}", []) if token)
    # Cleaned like every message, so that the dry run checks what will be stored.
    return SheetAnswer(clean_text("\n".join(data.get(f"text-{question.key}", []))), ticked)


def _nothing(sheet: Mapping[str, SheetAnswer], language: str) -> dict[str, str]:
    """Returns the error of an empty form: Enter in the first field submits the page."""
    if any(filled.text or filled.ticked for filled in sheet.values()):
        return {}
    return {key: Locale.of(language).text("staff.sheet_nothing") for key in [*sheet][:1]}


def _first(data: Mapping[str, list[str]], name: str) -> str:
    return data.get(name, [""])[0]


def _show(
    request: web.Request,
    published: PublishedConsultation,
    language: str,
    sheet: Mapping[str, SheetAnswer],
    place: str,
    faults: Mapping[str, str] | None = None,
) -> web.Response:
    flow: Flow = flow_of_consultation(published)
    asked: list[PaperQuestion] = paper_questions(flow, language)
    return _page(
        request,
        published,
        language,
        questions=asked,
        sheet=sheet,
        place=place,
        faults=faults or {},
        sheet_id=secrets.token_hex(16),
        limit=site_of(request).routes.limits.text,
        status=422 if faults else 200,
        saved=None,
    )


def _done(
    request: web.Request, published: PublishedConsultation, language: str, saved: SavedSheet, place: str
) -> web.Response:
    return _page(request, published, language, saved=saved, place=place, questions=[], faults={})


def _page(request: web.Request, published: PublishedConsultation, language: str, **values: Any) -> web.Response:
    response = site_of(request).page(
        request,
        "assisted/sheet.html",
        Locale.of(language),
        published=published,
        title=published.text(published.listing.title, language),
        offers=published.offers,
        is_unreviewed=is_unreviewed(published, language),
        csrf=csrf_of(request),
        action=ASSIST.path(published.slug, "sheet"),
        begin=ASSIST.base,
        **values,
    )
    response.headers.update(NOT_KEPT)
    return response
