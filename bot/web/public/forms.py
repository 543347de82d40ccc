"""The form view of a conversation: one question per page, as an alternative to the chat."""

from __future__ import annotations

from typing import Any, Final

from aiohttp import web
from multidict import MultiDict, MultiDictProxy

from adapters.web.errors import RequestError
from adapters.web.log import ChatEntry
from adapters.web.sessions import WebConversation
from bot.common.i18n.locale import Locale
from bot.web.consultation_cache import PublishedConsultation
from bot.web.context import EMBED, Form, form_of, site_of
from bot.web.public import form_answers, form_table, numbers
from bot.web.public.chat import (
    SLUG,
    conversation_log,
    is_unreviewed,
    new_message_id,
    own_conversation,
    parted_page,
    redirect_to_conversation,
    requested_consultation,
    send_message,
)
from bot.web.public.form_chat import VisitorFormChat
from bot.web.public.form_model import FormStep, form_step, last_message, visible_entries
from bot.web.public.my_contributions import contribution_updates
from bot.web.public.numbers import NUMBERED
from bot.web.public.participation import NOT_BEGUN, ParticipationState, participation_of
from bot.web.public.widgets import Widget, amount_text, widget_of
from bot.web.request_locale import locale_of
from flows.questions.base import Question

QUESTION: Final = "q"
"""The part of the query that names the question of a page."""
SWAP: Final = "X-Swap"
"""The header of the page's own script: the answer to a form is the next page itself, without a redirect."""


def add_form_routes(router: web.UrlDispatcher) -> None:
    router.add_get(f"/c/{SLUG}/form", _page)
    router.add_post(f"/c/{SLUG}/form", _post)


async def _page(request: web.Request) -> web.StreamResponse:
    published = requested_consultation(request, trials=True)
    conversation = site_of(request).routes.conversation_of(request, published.slug)
    if conversation.is_new:
        return redirect_to_conversation(request, published.slug, form=False)
    try:
        return await _open_question(request, published, conversation)
    except RequestError as error:
        if error.code != "session":
            raise
        return parted_page(request, published, conversation)


async def _open_question(
    request: web.Request, published: PublishedConsultation, conversation: WebConversation
) -> web.StreamResponse:
    """Shows the question of the address: the open one, or an answered one, to which the conversation then goes back.

    So the back button of a browser leads back, and no browser puts an old answer into another question.
    """
    await conversation_log(request, conversation)
    site_of(request).routes.hub.chat(conversation.address).is_chosen = False
    wanted = request.query.get(QUESTION, "")
    at = await _moved_to(request, published, conversation, wanted)
    return await form_page(request, published, conversation) if at == wanted else _redirect(request, published, at)


async def _moved_to(
    request: web.Request, published: PublishedConsultation, conversation: WebConversation, key: str
) -> str:
    """Leads the conversation back to an answered question; returns the key of the one that is open then."""
    locale = locale_of(request)
    taken = await participation_of(request, published, conversation, locale)
    number = taken.number_of(key)
    if key == taken.at or not number:
        return taken.at
    label = locale.text("web.form.change")
    await send_message(request, conversation, f"back-{new_message_id()}", text=f"/change {number}", label=label)
    return (await participation_of(request, published, conversation, locale)).at


def question_link(published: PublishedConsultation, at: str) -> str:
    """Returns the address of a question; that of the summary and of what follows it for ""."""
    return f"/c/{published.slug}/form{f'?{QUESTION}={at}' if at else ''}"


def _redirect(request: web.Request, published: PublishedConsultation, at: str) -> web.Response:
    embed = f"{'&' if at else '?'}{EMBED}=1" if EMBED in request.query else ""
    return web.Response(status=303, headers={"Location": question_link(published, at) + embed})


async def form_page(
    request: web.Request,
    published: PublishedConsultation,
    conversation: WebConversation,
    *,
    problem: str = "",
    written: str = "",
    action: str = "",
) -> web.Response:
    """Shows the page of the current question. `problem` is the phrase for the error in what was `written`, `action` the
    address that the form is sent to, by default the one of this consultation.
    """
    entries = await conversation_log(request, conversation)
    step = form_step(entries)
    locale = Locale.of(published.best(step.language or locale_of(request).tag))
    taken = await participation_of(request, published, conversation, locale)
    values = form_values(published, locale, entries, step, problem=problem, written=written, taken=taken)
    values["news"] = await contribution_updates(request, published, conversation, locale)
    values["epoch"] = site_of(request).routes.hub.epoch
    values["url"] = question_link(published, taken.at)
    values["action"] = action or question_link(published, "")
    values["readers"] = published.text(published.consultation.readers, locale.tag)
    site, status = site_of(request), 422 if problem else 200
    template = f"public/form_{step.kind}.html"
    return site.page(request, template, locale, status=status, csrf=conversation.csrf, **values)


def form_values(
    published: PublishedConsultation,
    locale: Locale,
    entries: list[ChatEntry],
    step: FormStep,
    *,
    problem: str = "",
    written: str = "",
    taken: ParticipationState = NOT_BEGUN,
) -> dict[str, Any]:
    """Returns the template values of the current step, for all kinds of devices."""
    title = published.text(published.listing.title, locale.tag)
    widget = widget_of(published, step, locale, taken.at)
    error = _problem_text(problem, step, widget, written, locale) if problem else _fault(step, locale)
    may_name = _may_name(published, step)
    before = _text_before(entries, step, may_name=may_name)
    return {
        "published": published,
        "said": last_message(entries),
        "widget": widget,
        "taken": taken,
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
        "wrong": numbers.wrong_fields(step, written, problem) if step.expects in NUMBERED else frozenset(),
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
    is_current = await is_about(request, published, conversation, step, data)
    if not is_current and (back := await _earlier_step(request, published, conversation, step, data)):
        step, is_current, data = back, True, _as_new(data)
    if is_current:
        problem = await _submitted(request, conversation, step, data)
        if problem:
            return await form_page(
                request, published, conversation, problem=problem, written=form_answers.submitted_text(step, data)
            )
    if SWAP in request.headers:
        return await form_page(request, published, conversation)
    taken = await participation_of(request, published, conversation, locale_of(request))
    return _redirect(request, published, taken.at)


async def _earlier_step(
    request: web.Request, published: PublishedConsultation, conversation: WebConversation, step: FormStep, data: Form
) -> FormStep | None:
    """Returns the question that a form answers again; None for other forms that were left open or sent twice.

    A browser may show an earlier page again without asking for it: the conversation then goes back to its question.
    """
    key = str(data.get(QUESTION, ""))
    if not key or data.get("do") or key == step_key(step):
        return None
    if await _moved_to(request, published, conversation, key) != key:
        return None
    return form_step(await conversation_log(request, conversation))


def _as_new(data: Form) -> Form:
    """Returns a form without the id of the message that it once sent."""
    return MultiDictProxy(MultiDict((name, value) for name, value in data.items() if name != "id"))


async def _asks_the_same(request: web.Request, conversation: WebConversation, step: FormStep, data: Form) -> bool:
    """Tells whether a form that was never sent is about the question that was asked once more since."""
    sent, key = str(data.get("id", "")), step_key(step)
    if not sent or not key or key != data.get(QUESTION):
        return False
    return not any(sent in entry.client_id for entry in await conversation_log(request, conversation))


def step_key(step: FormStep) -> str:
    """Returns the key of the question that the options of a message answer; "" without options."""
    return step.options[0].parsed.key if step.options else ""


async def is_about(
    request: web.Request, published: PublishedConsultation, conversation: WebConversation, step: FormStep, data: Form
) -> bool:
    """Tells whether a form belongs to the current message; else it was left open or submitted twice.

    The numbers of messages start again with each process: a form from before a restart counts if its question is still
    the open one.
    """
    epoch, _, seq = str(data.get("at", "")).rpartition("-")
    if epoch == site_of(request).routes.hub.epoch:
        return seq == str(step.seq) or await _asks_the_same(request, conversation, step, data)
    taken = await participation_of(request, published, conversation, locale_of(request))
    return step.kind == "question" and bool(taken.at) and data.get(QUESTION) == taken.at


async def _submitted(request: web.Request, conversation: WebConversation, step: FormStep, data: Form) -> str:
    """Sends a form to the bot; a text that no message can hold stays in its field."""
    try:
        return await form_answers.submit_form(VisitorFormChat(request, conversation), step, data)
    except RequestError as error:
        if error.code != "too_long":
            raise
        return "web.error.too_long_text"


def _problem_text(problem: str, step: FormStep, widget: Widget, written: str, locale: Locale) -> str:
    """Returns the sentence about an error that the page itself found."""
    if problem != numbers.TOO_MUCH:
        return locale.text(problem)
    excess = numbers.total(step, written) - widget.budget
    return locale.text(problem, amount=amount_text(excess, widget.unit, locale))


def _text_before(entries: list[ChatEntry], step: FormStep, *, may_name: bool) -> str:
    """Returns what the text field contains: the refused words, or else the stored answer."""
    if step.error and (step.expects in {"text", "number"} or may_name):
        return _last_words(entries)
    has_answer = step.earlier is not None and not step.earlier.is_missing
    # The field takes no date as it is shown.
    return step.earlier.answer if step.earlier and has_answer and step.expects != "date" else ""


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
    return any(question.key in keys and bool(question.named_places()) for question in asked)


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
