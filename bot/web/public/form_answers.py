"""Sends what a form says to the bot, for all kinds of devices."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Final

from bot.common.i18n.locale import Locale
from bot.web.context import Form
from bot.web.public import form_table, numbers
from bot.web.public.chat import new_message_id
from bot.web.public.form_chat import FormChat
from bot.web.public.form_model import FormChoice, FormStep, last_message
from bot.web.public.numbers import NUMBERED
from flows.messages import QuickReply
from flows.tokens import DONE

_WORDS: Final = {
    "back": ("/back", "web.form.back"),
    "keep": ("/continue", "web.form.keep"),
    "human": ("/human", "button.human"),
    "reload": ("/repeat", "web.form.next"),
}
"""The messages sent by the form's own buttons, and their text in the log."""
_Submit = Callable[[FormChat, FormStep, str, Form], Awaitable[str]]
"""Sends a form to the bot; returns the phrase of the error, or ""."""
CHANGE: Final = "change-"


async def submit_form(chat: FormChat, step: FormStep, data: Form) -> str:
    """Sends the values of a form to the bot; returns the phrase of the error, or ""."""
    sent = str(data.get("id", ""))[:40] or new_message_id()
    if data.get("do", ""):
        await _press(chat, step, sent, data)
        return ""
    if step.expects == "many" and not (step.options and form_table.is_table(data)):
        return await _tick(chat, step, sent, _among(step.options, data.getall("choice", [])))
    if step.options:
        return await _answer_of_options(step, data)(chat, step, sent, data)
    return await _write(chat, sent, data) if step.expects else ""


def _answer_of_options(step: FormStep, data: Form) -> _Submit:
    """Returns how a form with options is sent to the bot: as a table, as numbers, or as one choice."""
    if form_table.is_table(data):
        return form_table.submit_table
    return numbers.submit_numbers if step.expects in NUMBERED else _choose


async def _write(chat: FormChat, sent: str, data: Form) -> str:
    text = _text(data)
    if not text:
        return "web.form.fill"
    await chat.send(sent, text=text)
    return ""


async def _choose(chat: FormChat, step: FormStep, sent: str, data: Form) -> str:
    """Sends the chosen option after its marks, or the text written instead."""
    chosen = _among(step.options + step.others, data.getall("choice", []))
    if not chosen and (text := _text(data)):
        await chat.send(sent, text=text)
        return ""
    if not chosen:
        return "web.form.choose"
    for number, mark in enumerate(_among(step.marks, data.getall("mark", []))):
        await chat.send(f"{sent}-{number}", choice=mark.token, label=mark.label)
    await chat.send(sent, choice=chosen[0].token, label=chosen[0].label)
    return ""


async def _press(chat: FormChat, step: FormStep, sent: str, data: Form) -> None:
    """Handles a button beside the answer: those of the form, else the commands the bot offers."""
    say, do = Locale.of(step.language).text, str(data["do"])
    if do in _WORDS:
        text, label = _WORDS[do]
        await chat.send(f"{do}-{sent}", text=text, label=say(label))
    elif do == "see":
        text = f"/start {chat.published.slug}"
        await chat.send(sent, text=text, label=say("web.form.see"))
    elif do.startswith(CHANGE):
        text = f"/change {do.removeprefix(CHANGE)[:2]}"
        await chat.send(f"back-{sent}", text=text, label=say("web.form.change"))
    elif word := _among(step.words + step.others, [do]):
        if form_table.is_table(data) and await form_table.skip_table(chat, sent, word[0], data):
            return
        await chat.send(sent, choice=word[0].token, label=word[0].label)


async def _selected(chat: FormChat) -> set[str]:
    """Returns the tokens of the bot's selection."""
    return {reply.token for reply in await _replies(chat) if reply.chosen}


async def _select(chat: FormChat, step: FormStep, sent: str, ticked: list[FormChoice]) -> None:
    """Brings the bot's selection in line: removes what is no longer ticked, then adds what is new."""
    off = [choice for choice in step.options if choice.is_chosen and choice not in ticked]
    for number, choice in enumerate(off):
        await chat.send(f"{sent}-{number}", choice=choice.token)
    await _add(chat, sent, [choice for choice in ticked if not choice.is_chosen])


async def _add(chat: FormChat, sent: str, new: list[FormChoice]) -> None:
    """Adds options to the bot's selection: one as a tap, several by their numbers."""
    label = ", ".join(choice.label for choice in new)
    if len(new) == 1:
        await chat.send(sent, choice=new[0].token, label=label)
    elif new:
        numbers = ", ".join(str(choice.number) for choice in new)
        await chat.send(sent, text=numbers, label=label)


async def _tick(chat: FormChat, step: FormStep, sent: str, ticked: list[FormChoice]) -> str:
    """Brings the bot's selection in line with the ticked boxes, then ends the list."""
    was_chosen = any(choice.is_chosen for choice in step.options)
    if not (ticked or was_chosen or await _done_token(chat)):
        return "web.form.choose"
    await _select(chat, step, sent, ticked)
    # If the bot stored another answer ("none of these" beside others), the page is repeated and shows what was stored.
    if await _selected(chat) != {choice.token for choice in ticked}:
        return "web.form.not_together"
    if token := await _done_token(chat):
        await chat.send(f"{sent}-done", choice=token)
    return ""


async def _done_token(chat: FormChat) -> str:
    """Returns the token that ends the list, or "" with too few or too many choices."""
    replies = await _replies(chat)
    return next((reply.token for reply in replies if reply.parsed.value == DONE), "")


async def _replies(chat: FormChat) -> tuple[QuickReply, ...]:
    last = last_message(await chat.entries())
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
