"""Forms with a number per option: a rank, or an amount of a budget."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Final

from bot.web.context import Form
from bot.web.public.form_chat import FormChat
from bot.web.public.form_model import FormChoice, FormStep, last_message
from bot.web.public.widgets import node_of
from flows.messages import QuickReply
from flows.tokens import DONE
from flows.understanding.text import plain_digits

NUMBERED: Final = frozenset({"order", "amounts"})
TOO_MUCH: Final = "points.too_much"
"""The error of amounts that exceed the budget."""
_LONGEST: Final = 9
_GAP: Final = "|"


def submitted_numbers(step: FormStep, data: Form) -> str:
    """Returns the values of the fields in one text, to be shown beside an error."""
    return _GAP.join(_field(choice, data)[:_LONGEST].replace(_GAP, "") for choice in step.options)


def number_fields(step: FormStep, before: str) -> dict[str, str]:
    """Returns the value of each option's field by token: the entry `before`, else the bot's state."""
    taken = [str(choice.amount) if choice.amount else "" for choice in step.options]
    fields = before.split(_GAP) if _GAP in before else taken
    return {choice.token: field for choice, field in zip(step.options, fields, strict=False)}


def total(step: FormStep, written: str) -> int:
    """Returns the sum of the numbers written in the fields."""
    return sum(int(field) for field in number_fields(step, written).values() if _is_number(field))


def wrong_fields(step: FormStep, written: str, problem: str) -> frozenset[str]:
    """Returns the tokens of the fields that an error is about."""
    fields = {token: field for token, field in number_fields(step, written).items() if field}
    given = Counter(fields.values())
    wrong: dict[str, Iterable[str]] = {
        "web.form.numbers": (field for field in given if not _is_number(field)),
        "web.form.order_twice": (field for field, times in given.items() if times > 1),
        TOO_MUCH: (field for field in given if field != "0"),
    }
    named = set(wrong.get(problem, ()))
    return frozenset(token for token, field in fields.items() if field in named)


async def submit_numbers(chat: FormChat, step: FormStep, sent: str, data: Form) -> str:
    """Sends the values of the fields to the bot; returns the phrase of the error, or ""."""
    fields = {choice: field for choice in step.options if (field := _field(choice, data))}
    if not all(map(_is_number, fields.values())):
        return "web.form.numbers"
    given = {choice: int(field) for choice, field in fields.items() if int(field)}
    if not given:
        return "web.form.fill"
    budget = _budget(chat, step)
    if budget and sum(given.values()) > budget:
        return TOO_MUCH
    if step.expects != "order":
        said = label = _as_amounts(step, given)
    elif len({*given.values()}) < len(given):
        return "web.form.order_twice"
    else:
        said, label = _as_order(given), _order_label(given)
    await chat.send(sent, text=said, label=label)
    return await _finish(chat, step, sent)


def _budget(chat: FormChat, step: FormStep) -> int:
    """Returns what the numbers may add up to, 0 for any sum."""
    node = node_of(chat.published, step)
    terms = node.budget_terms() if node else None
    return terms.amount if terms else 0


def _is_number(field: str) -> bool:
    return field.isdecimal() and len(field) <= _LONGEST


def _order_label(given: Mapping[FormChoice, int]) -> str:
    """Returns the options with their positions, the first one first."""
    return ", ".join(f"{number}. {choice.label}" for choice, number in sorted(given.items(), key=lambda it: it[1]))


def _field(choice: FormChoice, data: Form) -> str:
    return plain_digits(str(data.get(f"number-{choice.token}", "")).strip())


def _as_order(given: dict[FormChoice, int]) -> str:
    """Returns the option numbers, best first. A single one is sent twice: one number alone would deselect it."""
    order = [str(choice.number) for choice in sorted(given, key=lambda choice: given[choice])]
    return ", ".join(order if len(order) > 1 else order * 2)


def _as_amounts(step: FormStep, given: dict[FormChoice, int]) -> str:
    """Returns every option with its amount, also those set to zero."""
    named = [choice for choice in step.options if choice in given or choice.amount]
    return ", ".join(f"{choice.number}: {given.get(choice, 0)}" for choice in named)


async def _finish(chat: FormChat, step: FormStep, sent: str) -> str:
    """Ends the input if the question is still open and the bot has accepted the form."""
    done = step.options[0].parsed._replace(value=DONE).format()
    last = last_message(await chat.entries())
    replies: tuple[QuickReply, ...] = last.msg.quick_replies if last and last.msg else ()
    if any(reply.token == done for reply in replies):
        await chat.send(f"{sent}-done", choice=done)
    return ""
