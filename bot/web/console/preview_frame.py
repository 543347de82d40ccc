"""The resident's own page in the preview: the real form and the real kiosk page over a run that is not stored.

The page is rendered by the templates of residents; its addresses then lead back into the preview.
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from typing import Any, Final

from aiohttp import web
from multidict import MultiDict, MultiDictProxy

from adapters.web.errors import RequestError
from adapters.web.log import ChatEntry
from bot.authoring.preview_run import LONGEST_TEXT, MOST_STEPS, PlayedRun, PreviewStep, compile_preview
from bot.common.i18n.locale import Locale
from bot.web.assisted.device_sessions import KIOSK
from bot.web.console.consultations import own_consultation
from bot.web.console.preview import PREVIEW_RUNS, PreviewRun, chosen_version, play_preview
from bot.web.console.registry import console_page
from bot.web.console.rendering import BASE
from bot.web.console.versions import definition_of
from bot.web.console.visit import Visit
from bot.web.consultation_cache import PublishedConsultation, unpublished
from bot.web.context import FRAMED, Form
from bot.web.public import form_answers, forms
from bot.web.public.form_model import FormStep, form_step
from bot.web.public.participation import ParticipationState, state_in_words
from flows.flow import Flow

PATH: Final = "/consultations/{slug}/preview/page/{view}"
_LEADS_OUT: Final = re.compile(r'href="(/(?!console/|static/)[^"]*)"')
_STILL: Final = KIOSK._replace(idle=24 * 3600, typing=24 * 3600, farewell=24 * 3600)
"""A kiosk that waits: a member may look at a page for as long as they like."""


@dataclass(slots=True)
class PreviewChat:
    """The run of a member as the conversation that a form writes to."""

    published: PublishedConsultation
    flow: Flow
    run: PreviewRun

    async def played(self) -> PlayedRun:
        """Returns the run with its replies."""
        return await asyncio.to_thread(play_preview, self.flow, self.run)

    async def entries(self) -> list[ChatEntry]:
        """Returns the conversation so far."""
        return preview_entries(await self.played())

    async def send(self, client_id: str, *, text: str = "", choice: str = "", label: str = "") -> None:
        """Adds a message to the run. Raises RequestError for a text or a run that is too long."""
        if len(text) > LONGEST_TEXT:
            raise RequestError("too_long")
        if len(self.run.steps) >= MOST_STEPS:
            raise RequestError("too_many")
        self.run = self.run._replace(steps=(*self.run.steps, PreviewStep(text, choice)))


def preview_entries(played: PlayedRun) -> list[ChatEntry]:
    """Returns a run as the log of a web conversation."""
    found: list[ChatEntry] = []
    for number, step in enumerate(played.steps):
        if number:
            is_back = step.said.startswith(("/back", "/change"))
            found.append(ChatEntry(len(found) + 1, None, step.said, f"{'back-' if is_back else ''}{number}"))
        found += [ChatEntry(at, msg) for at, msg in enumerate(step.messages, len(found) + 1)]
    return found


@console_page("GET", PATH, "consultations.change")
async def show_preview_page(visit: Visit) -> web.StreamResponse:
    """Shows the form or the kiosk page of the run; the address may name an answered question to go back to."""
    chat = await _chat(visit)
    if visit.part("view") not in ("form", "kiosk"):
        return _to_page(visit, chat)
    await _go_to(chat, visit.request.query.get(forms.QUESTION, ""))
    return await _page(visit, chat)


@console_page("POST", PATH, "consultations.change")
async def answer_preview_page(visit: Visit) -> web.StreamResponse:
    """Takes what a button of the page sends: an answer, another language, or the end of a visit at a kiosk."""
    chat, view = await _chat(visit), visit.part("view")
    if view in ("form", "kiosk"):
        problem, written = await _submitted(chat, _form_of(visit))
        if problem or forms.SWAP in visit.request.headers or view == "kiosk":
            return await _page(visit, chat, problem, written)
    elif view == "language" and visit.field("lang") in chat.flow.languages:
        chat.run = chat.run._replace(language=visit.field("lang"))
    elif view == "end":
        chat.run = chat.run._replace(steps=())
    _keep(visit, chat)
    return web.Response(status=204) if view == "here" else _to_page(visit, chat)


async def _chat(visit: Visit) -> PreviewChat:
    summary = await own_consultation(visit)
    version, run = await chosen_version(visit, summary)
    definition = definition_of(version)
    flow = await asyncio.to_thread(compile_preview, definition)
    published = await asyncio.to_thread(unpublished, definition, summary.consultation_id, visit.now)
    return PreviewChat(published, flow, run)


def _keep(visit: Visit, chat: PreviewChat) -> None:
    visit.request.app[PREVIEW_RUNS].put(visit.member.id, visit.part("slug"), chat.run)


async def _state(chat: PreviewChat, locale: Locale) -> ParticipationState:
    return state_in_words(chat.published, (await chat.played()).session, locale)


async def _go_to(chat: PreviewChat, key: str) -> None:
    """Leads the run back to an answered question; any other key changes nothing."""
    taken = await _state(chat, Locale.of(chat.run.language))
    if key != taken.at and (number := taken.number_of(key)):
        await chat.send("", text=f"/change {number}")


async def _submitted(chat: PreviewChat, data: Form) -> tuple[str, str]:
    """Plays a submitted form; returns the phrase of the error with the submitted text. A form that was left open
    answers its own question if that one is answered already, and else changes nothing.
    """
    step = form_step(await chat.entries())
    if str(data.get("at", "")).rpartition("-")[2] != str(step.seq):
        key = str(data.get(forms.QUESTION, ""))
        await _go_to(chat, key)
        step = form_step(await chat.entries())
        if not key or data.get("do") or key != (await chat.played()).session.at:
            return "", ""
    try:
        problem = await form_answers.submit_form(chat, step, data)
    except RequestError as error:
        if error.code != "too_long":
            raise
        problem = "web.error.too_long_text"
    return problem, form_answers.submitted_text(step, data) if problem else ""


def _form_of(visit: Visit) -> Form:
    return MultiDictProxy(MultiDict((name, value) for name, values in visit.form.items() for value in values))


def _to_page(visit: Visit, chat: PreviewChat) -> web.Response:
    view = "kiosk" if chat.run.channel == "kiosk" else "form"
    return visit.see(f"/consultations/{visit.part('slug')}/preview/page/{view}")


async def _page(visit: Visit, chat: PreviewChat, problem: str = "", written: str = "") -> web.Response:
    _keep(visit, chat)
    entries = await chat.entries()
    step = form_step(entries)
    locale = Locale.of(chat.published.best(step.language or chat.run.language))
    taken = await _state(chat, locale)
    values = forms.form_values(chat.published, locale, entries, step, problem=problem, written=written, taken=taken)
    is_kiosk = visit.part("view") == "kiosk"
    values |= _kiosk_values(visit, step) if is_kiosk else _form_values(chat, taken, locale)
    template = "assisted/visit_ask.html" if is_kiosk else f"public/form_{step.kind}.html"
    status = 422 if problem else 200
    response = visit.site.page(
        visit.request, template, locale, status=status, csrf=visit.csrf, is_embedded=False, **values
    )
    response.text = inside_preview(response.text or "", visit.part("slug"), is_draft=chat.run.version == "draft")
    response.headers["Cache-Control"] = "no-store"
    visit.request[FRAMED] = True
    return response


def _form_values(chat: PreviewChat, taken: ParticipationState, locale: Locale) -> dict[str, Any]:
    return {
        "news": (),
        "epoch": "preview",
        "url": forms.question_link(chat.published, taken.at),
        "action": forms.question_link(chat.published, ""),
        "readers": chat.published.text(chat.published.consultation.readers, locale.tag),
    }


def _kiosk_values(visit: Visit, step: FormStep) -> dict[str, Any]:
    base = f"{BASE}/consultations/{visit.part('slug')}/preview/page"
    pages = {"ask": f"{base}/kiosk", "language": f"{base}/language", "here": f"{base}/here", "end": f"{base}/end"}
    return {
        "profile": _STILL,
        "pages": {**pages, "still": pages["ask"]},
        "begin": pages["ask"],
        "is_helping": False,
        "limit": visit.site.routes.limits.text,
        "seconds": _STILL.idle,
    }


def inside_preview(html: str, slug: str, *, is_draft: bool) -> str:
    """Returns a page of residents whose addresses lead back into the preview; those of other pages open another tab.

    >>> inside_preview('<form action="/c/park/language">', "park", is_draft=False)
    '<form action="/console/consultations/park/preview/page/language">'
    >>> inside_preview('<a href="/privacy">', "park", is_draft=False)
    '<a href="/privacy" target="_blank" rel="noopener">'
    """
    base = f"{BASE}/consultations/{slug}"
    html = re.sub(f'="/c/{re.escape(slug)}(?=[?"])', f'="{base}/preview/page/other', html)
    html = html.replace(f'="/c/{slug}/', f'="{base}/preview/page/')
    if is_draft:
        html = html.replace('src="/media/', f'src="{base}/draft/media/')
    return _LEADS_OUT.sub(r'href="\1" target="_blank" rel="noopener"', html)
