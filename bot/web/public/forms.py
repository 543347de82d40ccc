"""The form view of a conversation: one question per page, as an alternative to the chat."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Final

from aiohttp import web

from adapters.web.errors import RequestError
from adapters.web.log import ChatEntry
from adapters.web.sessions import WebConversation
from bot.common.i18n.locale import Locale
from bot.web.consultation_cache import PublishedConsultation
from bot.web.context import Form, form_of, site_of
from bot.web.public import form_table, numbers
from bot.web.public.chat import (
    SLUG,
    conversation_log,
    is_unreviewed,
    new_message_id,
    own_conversation,
    redirect_to_conversation,
    requested_consultation,
    send_message,
)
from bot.web.public.form_model import FormChoice, FormStep, form_step, last_message, visible_entries
from bot.web.public.my_contributions import contribution_updates
from bot.web.public.numbers import NUMBERED
from bot.web.request_locale import locale_of
from flows.messages import QuickReply
from flows.questions.base import Question
from flows.tokens import DONE

_WORDS: Final = {
    "back": ("/back", "web.form.back"),
    "keep": ("/continue", "web.form.keep"),
    "human": ("/human", "button.human"),
    "reload": ("/repeat", "web.form.next"),
}
"""The messages sent by the form's own buttons, and their text in the log."""
_Submit = Callable[[web.Request, WebConversation, FormStep, str, Form], Awaitable[str]]
"""Sends a form to the bot; returns the phrase of the error, or ""."""
CHANGE: Final = "change-"


def add_form_routes(router: web.UrlDispatcher) -> None:
    router.add_get(f"/c/{SLUG}/form", _page)
    router.add_post(f"/c/{SLUG}/form", _post)


async def _page(request: web.Request) -> web.StreamResponse:
    published = requested_consultation(request, trials=True)
    conversation = site_of(request).routes.conversation_of(request, published.slug)
    if conversation.is_new:
        return redirect_to_conversation(request, published.slug, form=False)
    try:
        return await form_page(request, published, conversation)
    except RequestError as error:
        if error.code != "session":
            raise
        return redirect_to_conversation(request, published.slug, form=False)


async def form_page(
    request: web.Request,
    published: PublishedConsultation,
    conversation: WebConversation,
    *,
    problem: str = "",
    written: str = "",
) -> web.Response:
    """Shows the page of the current question. `problem` is the phrase for the error in what was `written`."""
    entries = await conversation_log(request, conversation)
    step = form_step(entries)
    locale = Locale.of(published.best(step.language or locale_of(request).tag))
    values = form_values(published, locale, entries, step, problem=problem, written=written)
    values["news"] = await contribution_updates(request, published, conversation, locale)
    site, status = site_of(request), 422 if problem else 200
    limit = site.routes.limits.text
    template = f"public/form_{step.kind}.html"
    return site.page(request, template, locale, status=status, csrf=conversation.csrf, limit=limit, **values)


def form_values(
    published: PublishedConsultation,
    locale: Locale,
    entries: list[ChatEntry],
    step: FormStep,
    *,
    problem: str = "",
    written: str = "",
) -> dict[str, Any]:
    """Returns the template values of the current step, for all kinds of devices."""
    title = published.text(published.listing.title, locale.tag)
    error = locale.text(problem) if problem else _fault(step, locale)
    may_name = _may_name(published, step)
    before = _text_before(entries, step, may_name=may_name)
    return {
        "published": published,
        "said": last_message(entries),
        "consultation_title": title,
        "step": step,
        "may_name": may_name,
        "days": _days(published, step),
        "table": form_table.form_table(published, step),
        "ticked": form_table.chosen_tokens(written),
        "about": step.about,
        "notes": _notes(step),
        "fault": error,
        "written": written or before,
        "numbers": numbers.number_fields(step, written) if step.expects in NUMBERED else {},
        "may_go_back": any(entry.msg is None for entry in visible_entries(entries)),
        "may_keep": _went_back(entries) and not before and not any(option.is_chosen for option in step.options),
        "message_id": new_message_id(),
        "offers": published.offers,
        "is_unreviewed": is_unreviewed(published, locale.tag),
    }


async def _post(request: web.Request) -> web.StreamResponse:
    """Takes a submitted form and shows the next page."""
    published = requested_consultation(request, trials=True)
    data = await form_of(request)
    conversation = own_conversation(request, published.slug, data.get("csrf"))
    step = form_step(await conversation_log(request, conversation))
    # The page was left open or submitted twice: its answer belongs to an earlier question.
    if str(data.get("at", "")) == str(step.seq):
        problem = await submit_form(request, conversation, step, data)
        if problem:
            return await form_page(
                request, published, conversation, problem=problem, written=submitted_text(step, data)
            )
    return redirect_to_conversation(request, published.slug, form=True)


def _text_before(entries: list[ChatEntry], step: FormStep, *, may_name: bool) -> str:
    """Returns what the text field contains: the refused words, or else the stored answer."""
    if step.error and (step.expects in {"text", "number"} or may_name):
        return _last_words(entries)
    has_answer = step.earlier is not None and not step.earlier.is_missing
    # The field takes no date as it is shown.
    return step.earlier.answer if step.earlier and has_answer and step.expects != "date" else ""


async def submit_form(request: web.Request, conversation: WebConversation, step: FormStep, data: Form) -> str:
    """Sends the values of a form to the bot; returns the phrase of the error, or ""."""
    sent = str(data.get("id", ""))[:40] or new_message_id()
    if data.get("do", ""):
        await _press(request, conversation, step, sent, data)
        return ""
    if step.expects == "many" and not (step.options and form_table.is_table(data)):
        return await _tick(request, conversation, step, sent, _among(step.options, data.getall("choice", [])))
    if step.options:
        return await _answer_of_options(step, data)(request, conversation, step, sent, data)
    return await _write(request, conversation, sent, data) if step.expects else ""


def _answer_of_options(step: FormStep, data: Form) -> _Submit:
    """Returns how a form with options is sent to the bot: as a table, as numbers, or as one choice."""
    if form_table.is_table(data):
        return form_table.submit_table
    return numbers.submit_numbers if step.expects in NUMBERED else _choose


async def _write(request: web.Request, conversation: WebConversation, sent: str, data: Form) -> str:
    text = _text(data)
    if not text:
        return "web.form.fill"
    await send_message(request, conversation, sent, text=text, label=text)
    return ""


async def _choose(request: web.Request, conversation: WebConversation, step: FormStep, sent: str, data: Form) -> str:
    """Sends the chosen option after its marks, or the text written instead."""
    chosen = _among(step.options + step.others, data.getall("choice", []))
    if not chosen and (text := _text(data)):
        await send_message(request, conversation, sent, text=text, label=text)
        return ""
    if not chosen:
        return "web.form.choose"
    for number, mark in enumerate(_among(step.marks, data.getall("mark", []))):
        await send_message(request, conversation, f"{sent}-{number}", choice=mark.token, label=mark.label)
    await send_message(request, conversation, sent, choice=chosen[0].token, label=chosen[0].label)
    return ""


async def _press(request: web.Request, conversation: WebConversation, step: FormStep, sent: str, data: Form) -> None:
    """Handles a button beside the answer: those of the form, else the commands the bot offers."""
    say, do = Locale.of(step.language).text, str(data["do"])
    if do in _WORDS:
        text, label = _WORDS[do]
        await send_message(request, conversation, f"{do}-{sent}", text=text, label=say(label))
    elif do == "see":
        text = f"/start {conversation.slug}"
        await send_message(request, conversation, sent, text=text, label=say("web.form.see"))
    elif do.startswith(CHANGE):
        text = f"/change {do.removeprefix(CHANGE)[:2]}"
        await send_message(request, conversation, f"back-{sent}", text=text, label=say("web.form.change"))
    elif word := _among(step.words + step.others, [do]):
        if form_table.is_table(data) and await form_table.skip_table(request, conversation, sent, word[0], data):
            return
        await send_message(request, conversation, sent, choice=word[0].token, label=word[0].label)


async def _selected(request: web.Request, conversation: WebConversation) -> set[str]:
    """Returns the tokens of the bot's selection."""
    return {reply.token for reply in await _replies(request, conversation) if reply.chosen}


async def _select(
    request: web.Request, conversation: WebConversation, step: FormStep, sent: str, ticked: list[FormChoice]
) -> None:
    """Brings the bot's selection in line: removes what is no longer ticked, then adds what is new."""
    off = [choice for choice in step.options if choice.is_chosen and choice not in ticked]
    for number, choice in enumerate(off):
        await send_message(request, conversation, f"{sent}-{number}", choice=choice.token)
    await _add(request, conversation, sent, [choice for choice in ticked if not choice.is_chosen])


async def _add(request: web.Request, conversation: WebConversation, sent: str, new: list[FormChoice]) -> None:
    """Adds options to the bot's selection: one as a tap, several by their numbers."""
    label = ", ".join(choice.label for choice in new)
    if len(new) == 1:
        await send_message(request, conversation, sent, choice=new[0].token, label=label)
    elif new:
        numbers = ", ".join(str(choice.number) for choice in new)
        await send_message(request, conversation, sent, text=numbers, label=label)


async def _tick(
    request: web.Request, conversation: WebConversation, step: FormStep, sent: str, ticked: list[FormChoice]
) -> str:
    """Brings the bot's selection in line with the ticked boxes, then ends the list."""
    was_chosen = any(choice.is_chosen for choice in step.options)
    if not (ticked or was_chosen or await _done_token(request, conversation)):
        return "web.form.choose"
    await _select(request, conversation, step, sent, ticked)
    # If the bot stored another answer ("none of these" beside others), the page is repeated and shows what was stored.
    if await _selected(request, conversation) != {choice.token for choice in ticked}:
        return "web.form.not_together"
    if token := await _done_token(request, conversation):
        await send_message(request, conversation, f"{sent}-done", choice=token)
    return ""


async def _done_token(request: web.Request, conversation: WebConversation) -> str:
    """Returns the token that ends the list, or "" with too few or too many choices."""
    replies = await _replies(request, conversation)
    return next((reply.token for reply in replies if reply.parsed.value == DONE), "")


async def _replies(request: web.Request, conversation: WebConversation) -> tuple[QuickReply, ...]:
    last = last_message(await conversation_log(request, conversation))
    return last.msg.quick_replies if last and last.msg else ()


def _among(offered: Iterable[FormChoice], tokens: Iterable[object]) -> list[FormChoice]:
    """Returns the chosen options among those offered now."""
    wanted = set(map(str, tokens))
    return [choice for choice in offered if choice.token in wanted]


def submitted_text(step: FormStep, data: Form) -> str:
    """Returns the text that the visitor submitted, to be shown beside its error."""
    if form_table.is_table(data):
        return form_table.submitted_rows(data)
    if step.expects in NUMBERED and step.options:
        return numbers.submitted_numbers(step, data)
    marked = _among(step.marks, data.getall("mark", []))
    return _text(data) or (marked[0].label if marked else "")


def _text(data: Form) -> str:
    return str(data.get("text", "")).strip()


def _fault(step: FormStep, locale: Locale) -> str:
    """Returns the error of the last reply in words that fit a form."""
    return locale.text("web.form.too_many", max=step.most) if step.most else step.error


def _days(published: PublishedConsultation, step: FormStep) -> tuple[str, str]:
    """Returns the first and the last day that the field of a date offers; "" for no limit. A title that names an
    answer is not found: then the bot alone checks the day.
    """
    found = {
        question.bounds()
        for question in published.consultation.nodes()
        if isinstance(question, Question)
        and question.expects == step.expects == "date"
        and published.text(question.text, step.language) == step.title
    }
    first, last = found.pop() if len(found) == 1 else (None, None)
    return str(first or ""), str(last or "")


def _may_name(published: PublishedConsultation, step: FormStep) -> bool:
    """Tells whether the answer may also be typed: a district by one of its quarters."""
    keys = {option.parsed.key for option in step.options}
    asked = (node for node in published.consultation.questions if isinstance(node, Question))
    return any(question.names_unlisted and question.key in keys for question in asked)


def _went_back(entries: list[ChatEntry]) -> bool:
    """Tells whether the visitor went back to this question, so that its answer may stay."""
    own = [entry for entry in entries if entry.msg is None]
    return bool(own) and own[-1].client_id.startswith("back-")


def _last_words(entries: list[ChatEntry]) -> str:
    """Returns the last text of the visitor, to be corrected."""
    own = [entry.own for entry in entries if entry.msg is None]
    return own[-1] if own else ""


def _notes(step: FormStep) -> tuple[str, ...]:
    """Returns the notes, with an earlier answer that the field cannot show."""
    if step.earlier is None or not (step.earlier.is_missing or step.expects == "date"):
        return step.notes
    return (*step.notes, f"{step.earlier.before}{step.earlier.answer}")
