"""Conditions in words: up to two comparisons with earlier answers, joined by "and" or "or". Pure.

A condition that needs more stays in the file as it is, and is shown but not edited.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, Literal, NamedTuple

from bot.authoring.question_forms import first_words, node_of_entry

Verb = Literal["is", "is_not"]
ANSWERED: Final = "answered"
MOST: Final = 2
SEPARATOR: Final = "="


class ConditionRow(NamedTuple):
    """One comparison with an answer. `answer` is a value of an `AnswerChoice`."""

    verb: Verb
    answer: str


class ConditionForm(NamedTuple):
    """A condition as a form shows it. `join`: all or any. `is_complex`: it stays as it is in the file."""

    join: Literal["all", "any"] = "all"
    rows: tuple[ConditionRow, ...] = ()
    is_complex: bool = False


class AnswerChoice(NamedTuple):
    """One answer that a condition can name; without a label: any answer."""

    value: str
    label: str


class AnswerGroup(NamedTuple):
    """The answers of one earlier question that a condition can name, each with its value and label."""

    number: int
    title: str
    answers: tuple[AnswerChoice, ...]


def answer_groups(earlier: Sequence[Any], language: str) -> list[AnswerGroup]:
    """Returns what conditions can compare with: the answers of each question before, and that there is one."""
    groups = []
    for number, entry in enumerate(earlier, start=1):
        node = node_of_entry(entry)
        if node is None or not node.waits:
            continue
        key = node.key
        answers = [AnswerChoice(f"{key}{SEPARATOR}{code}", label) for code, label in _answers(entry, language)]
        groups.append(AnswerGroup(number, first_words(entry.get("text"), language), (AnswerChoice(key, ""), *answers)))
    return groups


def read_condition(condition: Any) -> ConditionForm:
    """Returns the form of a condition of the file."""
    if condition is None:
        return ConditionForm()
    join: Literal["all", "any"] = "any" if isinstance(condition, dict) and "any" in condition else "all"
    parts = condition.get(join, [condition]) if isinstance(condition, dict) else [condition]
    rows = [_row(it) for it in parts] if isinstance(parts, list) else [None]
    known = tuple(it for it in rows if it is not None)
    if len(known) < len(rows) or len(known) > MOST:
        return ConditionForm(is_complex=True)
    return ConditionForm(join, known)


def write_condition(form: ConditionForm, earlier: Sequence[Any]) -> dict[str, Any] | None:
    """Returns the condition of a form as the file has it; None without a comparison."""
    parts = [it for row in form.rows if (it := _written(row, earlier))]
    if len(parts) < 2:
        return parts[0] if parts else None
    return {form.join: parts}


def typed_value(entry: Any, code: str) -> Any:
    """Returns the value of an answer as conditions compare with it: a number, a truth value or a word."""
    node = node_of_entry(entry)
    values = node.values() if node is not None and hasattr(node, "values") else None
    if isinstance(values, frozenset):
        return next((it for it in values if str(it) == code), code)
    return code == "true" if values is bool else code


def _answers(entry: Mapping[str, Any], language: str) -> Iterator[tuple[str, str]]:
    """Yields the answers of a question with a fixed set of them."""
    node = node_of_entry(entry)
    values = node.values() if node is not None and hasattr(node, "values") else None
    if values is bool:
        yield from (("true", "yes"), ("false", "no"))
    if node is None or not isinstance(values, frozenset):
        return
    labels = dict(node.labels((language,)))
    order = [*labels, *sorted((str(it) for it in values if str(it) not in labels), key=lambda it: (len(it), it))]
    for code in order:
        text = labels.get(code)
        label = text.in_language(text.first_language((language,)), {}) if text else code
        yield code, label


def _row(part: Any) -> ConditionRow | None:
    """Returns a comparison; None for one that the form cannot show."""
    verb: Verb = "is"
    if isinstance(part, dict) and len(part) == 1 and "not" in part:
        verb, part = "is_not", part["not"]
    if not isinstance(part, dict) or len(part) != 1:
        return None
    if isinstance(part.get("answered"), str):
        return ConditionRow(verb, part["answered"])
    equal = part.get("equal")
    if not isinstance(equal, dict) or not isinstance(equal.get("question"), str):
        return None
    value = equal.get("value")
    code = str(value).lower() if isinstance(value, bool) else str(value)
    return ConditionRow(verb, f"{equal['question']}{SEPARATOR}{code}")


def _written(row: ConditionRow, earlier: Sequence[Any]) -> dict[str, Any] | None:
    key, _, code = row.answer.partition(SEPARATOR)
    entry = next((it for it in earlier if isinstance(it, dict) and it.get("key") == key), None)
    if entry is None:
        return None
    part: dict[str, Any] = {"answered": key}
    if code:
        part = {"equal": {"question": key, "value": typed_value(entry, code)}}
    return {"not": part} if row.verb == "is_not" else part
