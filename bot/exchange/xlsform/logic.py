"""Conditions and limits of an XLSForm in the form of a consultation file. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final, NamedTuple

from bot.exchange.xlsform.expressions import (
    THIS,
    Compared,
    Expression,
    JoinedParts,
    NegatedPart,
    SelectedValue,
    Unmapped,
    parse_expression,
)
from flows.days import parse_day

_LISTED: Final = frozenset({"choice", "choices"})
_ORDERED: Final = frozenset({"number", "date"})


class TakenQuestion(NamedTuple):
    """A question that was taken over: its key, its type, and the values of its options by their names in the form."""

    key: str
    kind: str
    values: Mapping[str, str] = {}
    is_whole: bool = True
    """Of a number: whether it has no decimals."""


TakenQuestions = Mapping[str, TakenQuestion]
"""By their names in the form."""


def condition_of(text: str, earlier: TakenQuestions) -> dict[str, Any]:
    """Returns the condition of a `relevant` cell. Raises Unmapped."""
    return _condition(parse_expression(text), earlier)


def limits_of(text: str, question: TakenQuestion) -> dict[str, Any]:
    """Returns the settings of a question that say the same as a `constraint` cell. Raises Unmapped."""
    found = parse_expression(text)
    is_all = isinstance(found, JoinedParts) and found.join == "all"
    settings: dict[str, Any] = {}
    for part in found.parts if isinstance(found, JoinedParts) and is_all else (found,):
        for name, value in _limit(part, question).items():
            if settings.setdefault(name, value) != value:
                raise Unmapped
    return settings


def _condition(found: Expression, earlier: TakenQuestions) -> dict[str, Any]:
    match found:
        case JoinedParts(join, parts):
            return {join: [_condition(it, earlier) for it in parts]}
        case NegatedPart(part):
            return {"not": _condition(part, earlier)}
        case SelectedValue(name, value):
            return _equal(_question(name, earlier), value)
        case Compared():
            return _comparison(found, _question(found.name, earlier))


def _question(name: str, earlier: TakenQuestions) -> TakenQuestion:
    if name not in earlier or earlier[name].kind == "note":
        raise Unmapped
    return earlier[name]


def _comparison(found: Compared, question: TakenQuestion) -> dict[str, Any]:
    answered = {"answered": question.key}
    if found.function == "string-length" and (found.operator, found.value) in ((">", 0), (">=", 1), ("!=", 0)):
        return answered
    if found.function:
        raise Unmapped
    if found.value == "" and found.operator in ("=", "!="):
        return answered if found.operator == "!=" else {"not": answered}
    if question.kind == "choices":
        raise Unmapped  # there it means: this one and no other
    if found.operator == "=":
        return _equal(question, found.value)
    if found.operator == "!=":
        return {"not": _equal(question, found.value)}
    if question.kind not in _ORDERED:
        raise Unmapped
    name = "less" if found.operator.startswith("<") else "greater"
    strict = {name: {"question": question.key, "than": _bound(question, found.value)}}
    return strict if "=" not in found.operator else {"any": [strict, _equal(question, found.value)]}


def _equal(question: TakenQuestion, value: str | float) -> dict[str, Any]:
    """Returns a comparison for equality. Raises Unmapped for free text, and for values that the question has not."""
    if question.kind in _LISTED:
        if str(value) not in question.values:
            raise Unmapped
        return {"equal": {"question": question.key, "value": question.values[str(value)]}}
    if question.kind not in _ORDERED:
        raise Unmapped
    return {"equal": {"question": question.key, "value": _bound(question, value)}}


def _bound(question: TakenQuestion, value: str | float) -> str | int | float:
    if question.kind == "date":
        day = parse_day(value)
        if day is None:
            raise Unmapped
        return day.isoformat()
    if not isinstance(value, str):
        return value
    try:
        return int(value)
    except ValueError:
        raise Unmapped from None


def _limit(part: Expression, question: TakenQuestion) -> dict[str, Any]:
    """Returns the setting of one part of a constraint. Raises Unmapped."""
    match part:
        case Compared(name=name, function="count-selected") if name == THIS and question.kind in ("choices", "rank"):
            return _between(part, "min", "max")
        case Compared(name=name, function="string-length") if name == THIS and question.kind == "text":
            return _between(part, "min_length", "max_length")
        case Compared(name=name, function="") if name == THIS and question.kind in _ORDERED:
            return _range(part, question)
        case NegatedPart(JoinedParts("all", parts)) if question.kind == "choices":
            return _exclusive(parts, question)
    raise Unmapped


def _between(part: Compared, least: str, most: str) -> dict[str, Any]:
    if not isinstance(part.value, int):
        raise Unmapped
    match part.operator:
        case ">=" | ">":
            return {least: part.value + (part.operator == ">")}
        case "<=" | "<":
            return {most: part.value - (part.operator == "<")}
        case "=":
            return {least: part.value, most: part.value}
    raise Unmapped


def _range(part: Compared, question: TakenQuestion) -> dict[str, Any]:
    bound = _bound(question, part.value)
    name = "min" if part.operator.startswith(">") else "max"
    if part.operator in (">=", "<="):
        return {name: bound}
    step = 1 if name == "min" else -1
    day = parse_day(bound) if isinstance(bound, str) else None
    if part.operator not in (">", "<"):
        raise Unmapped
    if day is not None:
        return {name: (day + timedelta(days=step)).isoformat()}
    if isinstance(bound, int) and question.is_whole:
        return {name: bound + step}
    raise Unmapped


def _exclusive(parts: tuple[Expression, ...], question: TakenQuestion) -> dict[str, Any]:
    """Returns the option of `not(selected(., 'none') and count-selected(.) > 1)`."""
    several = (Compared(THIS, ">", 1, "count-selected"), Compared(THIS, ">=", 2, "count-selected"))
    chosen = [it for it in parts if isinstance(it, SelectedValue) and it.name == THIS]
    if len(parts) != 2 or len(chosen) != 1 or not any(it in several for it in parts):
        raise Unmapped
    if chosen[0].value not in question.values:
        raise Unmapped
    return {"exclusive": question.values[chosen[0].value]}
