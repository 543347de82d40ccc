"""Explains validation errors in plain sentences with a remedy, without pydantic's own texts."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Iterator
from difflib import get_close_matches
from functools import cache
from typing import Any, Final, NamedTuple

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from flows import conditions, definition
from flows.languages import LANGUAGES
from flows.questions import base
from flows.questions.base import Where, registry
from flows.wording import Wording

_MISSING: Final = {
    "asks": "say who asks",
    "why": "say what it is for, in a sentence or two",
    "readers": "say who will read the answers",
    "level": "write information, consultation, cooperation or decision",
    "decides": "say who decides, and about what",
    "feedback": "say when and where people hear what came of it",
    "audience": "say who is asked",
    "retention": "say how many days after closing answers are kept, and what remains",
    "contact": "name somebody people can talk to",
    "minutes": "say how many minutes it takes",
    "languages": "list the languages, the one you wrote in first",
    "slug": "give it a short name for links, e.g. mein-kiez",
    "questions": "ask at least one question",
    "options": "list at least two options",
    "key": "give it a short name, e.g. lamps",
    "type": "name a question type",
    "text": "write what people read",
}
_UNION_MEMBERS: Final = frozenset({"str", "int", "float", "bool", "list[str]"})


class ErrorText(NamedTuple):
    """One validation error: its place, reason and remedy."""

    where: Where
    reason: str
    remedy: str


def explain_validation_error(exc: ValidationError) -> Iterator[ErrorText]:
    """Yields each error of a failed validation once."""
    said: set[ErrorText] = set()
    for error in exc.errors(include_url=False):
        sentence = _sentence(error)
        if sentence not in said and not _is_echo(error):
            said.add(sentence)
            yield sentence


def _is_echo(error: ErrorDetails) -> bool:
    """Tells whether an error only follows from another one: "too few entries" because each entry was refused."""
    least = error.get("ctx", {}).get("min_length", 0)
    return error["type"] == "too_short" and isinstance(error["input"], list) and len(error["input"]) >= least


def _sentence(error: ErrorDetails) -> ErrorText:
    where = error["loc"]
    if where[:1] == ("questions",):
        where = (*where[:2], *where[3:])  # third comes the question type, which is no name in the file
    members = 0
    while where and where[-1] in _UNION_MEMBERS:
        where, members = where[:-1], members + 1
    if members and error["input"] is not None:
        return ErrorText(where, f"“{where[-1]}” must be one word or number", "write a value the question can have")
    return ErrorText(where, *_explained(error, where))


def _explained(error: ErrorDetails, where: Where) -> tuple[str, str]:
    name = str(where[-1]) if where else "the file"
    if len(where) > 1 and isinstance(where[-1], int):
        name = f"{where[-2]} {where[-1] + 1}"
    if error["input"] is None and error["type"] != "missing":
        return f"“{name}” is empty", _MISSING.get(name, "fill it in or take the line away")
    if name in LANGUAGES and error["type"] == "model_type":
        return _TEXT(name, {}, error)
    if where and isinstance(where[-1], int) and error["type"] == "model_type":
        return "this entry has the wrong form", "compare it with the sample files"
    say = _SENTENCES.get(error["type"], _something)
    return say(name, error.get("ctx", {}), error)


def _something(name: str, ctx: dict[str, Any], error: ErrorDetails) -> tuple[str, str]:
    return f"“{name}” cannot be what stands here", "see docs/consultations.md for what it may be"


def _missing(name: str, ctx: dict[str, Any], error: ErrorDetails) -> tuple[str, str]:
    return f"“{name}” is missing", _MISSING.get(name, "add it")


def _unknown_name(name: str, ctx: dict[str, Any], error: ErrorDetails) -> tuple[str, str]:
    near = get_close_matches(name, _names(), 1)
    return (
        f"“{name}” is not known here",
        f"did you mean “{near[0]}”?" if near else "take it away or check its indentation",
    )


def _unknown_kind(name: str, ctx: dict[str, Any], error: ErrorDetails) -> tuple[str, str]:
    offered, written = _offered(error), str(ctx["tag"])
    near = get_close_matches(written, offered, 1)
    return (
        f"there is no {_kind(error)} “{written}”",
        f"did you mean “{near[0]}”?" if near else f"use {_listed(offered)}",
    )


def _no_kind(name: str, ctx: dict[str, Any], error: ErrorDetails) -> tuple[str, str]:
    if isinstance(error["input"], dict):
        return f"the {_kind(error)} is missing", f"use {_listed(_offered(error))}"
    return (
        f"“{name}” cannot be what stands here",
        f"write names with values below it; of the names one is {_listed(_offered(error))}",
    )


def _kind(error: ErrorDetails) -> str:
    return "question type" if _is_node(error) else "condition"


def _offered(error: ErrorDetails) -> list[str]:
    return sorted(registry()) if _is_node(error) else [*_CONDITIONS]


def _is_node(error: ErrorDetails) -> bool:
    return "_type_of" in str(error.get("ctx", {}).get("discriminator", ""))


def _one_of(name: str, ctx: dict[str, Any], error: ErrorDetails) -> tuple[str, str]:
    expected = str(ctx["expected"]).replace("'", "")
    return f"“{name}” cannot be {_quoted(error['input'])}", f"write {expected}"


def _pattern(name: str, ctx: dict[str, Any], error: ErrorDetails) -> tuple[str, str]:
    marks = "hyphens" if "-]" in str(ctx["pattern"]) else "underscores"
    longest = "40" if marks == "hyphens" else "24"
    return f"“{name}” cannot be {_quoted(error['input'])}", (
        f"use small letters a-z, digits and {marks}, beginning with a letter, at most {longest} characters"
    )


def _said(reason: str, remedy: str) -> Callable[[str, dict[str, Any], ErrorDetails], tuple[str, str]]:
    """A sentence whose only variables are the name and the limits pydantic reports."""
    return lambda name, ctx, error: (
        reason.format(name=name, **ctx),
        remedy.format(name=name, **ctx),
    )


_TEXT = _said("“{name}” must be a text", "write a text, in double quotes if it looks like a number")
_TEXTS = _said(
    "“{name}” must give the text for each language", "write {{de: …, en: …}} or one language a line below it"
)
_LIST = _said("“{name}” must be a list", "begin each item on its own line with “- ”")
_INT = _said("“{name}” must be a whole number", "write digits only, without a unit")
_FLOAT = _said("“{name}” must be a number", "write digits, with a point for decimals")
_BOOL = _said("“{name}” must be true or false", "write true or false")
_DATE = _said("“{name}” must be a date", "write year-month-day, e.g. 2027-03-31")

_SENTENCES: Final = {
    "missing": _missing,
    "extra_forbidden": _unknown_name,
    "union_tag_invalid": _unknown_kind,
    "union_tag_not_found": _no_kind,
    "literal_error": _one_of,
    "enum": _one_of,
    "string_pattern_mismatch": _pattern,
    "string_type": _TEXT,
    "string_too_short": _said("“{name}” is empty", "write the text or take the line away"),
    "string_too_long": _said("“{name}” is too long", "use at most {max_length} characters"),
    "dict_type": _TEXTS,
    "model_type": _TEXTS,
    "model_attributes_type": _TEXTS,
    "tuple_type": _LIST,
    "list_type": _LIST,
    "int_type": _INT,
    "int_parsing": _INT,
    "int_from_float": _INT,
    "float_type": _FLOAT,
    "float_parsing": _FLOAT,
    "finite_number": _FLOAT,
    "bool_type": _BOOL,
    "bool_parsing": _BOOL,
    "date_type": _DATE,
    "date_parsing": _DATE,
    "date_from_datetime_parsing": _DATE,
    "date_from_datetime_inexact": _DATE,
    "greater_than_equal": _said("“{name}” is too small", "use at least {ge}"),
    "greater_than": _said("“{name}” is too small", "use more than {gt}"),
    "less_than_equal": _said("“{name}” is too large", "use at most {le}"),
    "less_than": _said("“{name}” is too large", "use less than {lt}"),
    "too_short": _said("“{name}” has too few entries", "give at least {min_length}"),
    "too_long": _said("“{name}” has too many entries", "give at most {max_length}"),
    "value_error": _said("{error}", "see docs/consultations.md for “{name}”"),
}
_CONDITIONS: Final = ("all", "any", "not", "answered", "equal", "one_of", "less", "greater")


@cache
def _names() -> tuple[str, ...]:
    """Returns all field names of a file, to suggest a correction for typos."""
    models: list[builtins.type[BaseModel]] = [Wording, *registry().values()]
    for module in (definition, base, conditions):
        models += [it for it in vars(module).values() if isinstance(it, type) and issubclass(it, BaseModel)]
    return tuple({field.alias or name for model in models for name, field in model.model_fields.items()})


def _listed(words: list[str]) -> str:
    return f"{', '.join(words[:-1])} or {words[-1]}" if len(words) > 1 else "".join(words)


def _quoted(value: object) -> str:
    text = str(value)
    return f"“{text if len(text) <= 40 else text[:39] + '…'}”"
