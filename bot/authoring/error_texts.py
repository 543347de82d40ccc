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
from flows.slugs import MAX_SLUG_LENGTH, SLUG_PATTERN
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
    "contact": "name a contact person",
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


MOST_ERRORS: Final = 500


class ErrorText(NamedTuple):
    """One validation error: its place, reason and remedy."""

    where: Where
    reason: str
    remedy: str


def explain_validation_error(exc: ValidationError) -> Iterator[ErrorText]:
    """Yields each error of a failed validation once; of more than `MOST_ERRORS` only the number of the others."""
    said: set[ErrorText] = set()
    errors = exc.errors(include_url=False)
    if more := errors[MOST_ERRORS:]:
        yield ErrorText((), f"there are {len(more):,} more errors", "correct the first ones, and check again")
    for error in errors[:MOST_ERRORS]:
        sentence = _sentence(error)
        if sentence not in said and not _is_echo(error):
            said.add(sentence)
            yield sentence


def _is_echo(error: ErrorDetails) -> bool:
    """Whether an error is only a consequence of another one: "too few entries" because each entry was refused."""
    least = error.get("ctx", {}).get("min_length", 0)
    return error["type"] == "too_short" and isinstance(error["input"], list) and len(error["input"]) >= least


def _sentence(error: ErrorDetails) -> ErrorText:
    where = error["loc"]
    if where[:1] == ("questions",):
        where = (*where[:2], *where[3:])  # the third part is the question type, which is not a name in the file
    members = 0
    while where and where[-1] in _UNION_MEMBERS:
        where, members = where[:-1], members + 1
    if members and error["input"] is not None:
        return ErrorText(where, f"“{where[-1]}” must be one word or number", "write a value the question can have")
    return ErrorText(where, *_explained(error, where))


def _name_of(where: Where) -> str:
    """Returns the name of a field, the number of an entry ("options 2"), or that it is the file."""
    match where:
        case (*_, str() | int() as above, int() as index):
            return f"{above} {index + 1}"
        case (*_, last):
            return str(last)
    return "the file"


def _explained(error: ErrorDetails, where: Where) -> tuple[str, str]:
    name, is_missing = _name_of(where), error["type"] == "missing"
    if error["input"] is None and not is_missing and " " in name:
        return f"“{name}” has no text: in braces a comma ends a text", "put the text that contains it in double quotes"
    if error["input"] is None and not is_missing:
        return f"“{name}” is empty", _MISSING.get(name, "fill it in, or remove the line")
    if name in LANGUAGES and error["type"] == "model_type":
        return _TEXT(name, {}, error)
    if where and isinstance(where[-1], int) and error["type"] == "model_type":
        return "this entry has the wrong structure", "compare it with a sample file"
    say = _SENTENCES.get(error["type"], _something)
    return say(name, error.get("ctx", {}), error)


def _something(name: str, ctx: dict[str, Any], error: ErrorDetails) -> tuple[str, str]:
    return f"“{name}” has an invalid value", "see docs/reference/file-format.md for valid values"


def _missing(name: str, ctx: dict[str, Any], error: ErrorDetails) -> tuple[str, str]:
    return f"“{name}” is missing", _MISSING.get(name, "add it")


def _unknown_name(name: str, ctx: dict[str, Any], error: ErrorDetails) -> tuple[str, str]:
    near = get_close_matches(name, _names(), 1)
    return (
        f"“{name}” is not a known name here",
        f"did you mean “{near[0]}”?" if near else "remove it, or check its indentation",
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
        f"“{name}” has an invalid value",
        f"write names with values below it, one of them {_listed(_offered(error))}",
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
    reason = f"“{name}” cannot be {_quoted(error['input'])}"
    if SLUG_PATTERN in str(ctx["pattern"]):
        marks = "digits and hyphens, at least one letter and no hyphen in front"
        return reason, f"use small letters a-z, {marks}, at most {MAX_SLUG_LENGTH} characters"
    return reason, "use small letters a-z, digits and underscores, beginning with a letter, at most 24 characters"


def _said(reason: str, remedy: str) -> Callable[[str, dict[str, Any], ErrorDetails], tuple[str, str]]:
    """Returns a sentence with the name and the limits reported by pydantic."""
    return lambda name, ctx, error: (
        reason.format(name=name, **ctx),
        remedy.format(name=name, **ctx),
    )


def _structure(name: str, ctx: dict[str, Any], error: ErrorDetails) -> tuple[str, str]:
    """Names the entries that an entry must have, unless it is a text."""
    entries = _ENTRIES.get(str(ctx.get("class_name")))
    if entries is None:
        return _TEXTS(name, ctx, error)
    return f"“{name}” must have entries of its own", f"write {name}: {{{entries}}}"


_ENTRIES: Final = {
    "Retention": "days: 90, remains: {de: …}",
    "ContactPerson": "name: {de: …}, hours: {de: …}, email: …",
}
"""Examples of entries by the name of their class."""
_TEXT = _said("“{name}” must be a text", "write a text, in double quotes if it looks like a number")
_TEXTS = _said("“{name}” must have a text for each language", "write {{de: …, en: …}} or one language a line below it")
_LIST = _said("“{name}” must be a list", "begin each item on its own line with “- ”")
_INT = _said("“{name}” must be a whole number", "write digits only, without a unit")
_FLOAT = _said("“{name}” must be a number", "write digits, with a point for decimals")
_BOOL = _said("“{name}” must be true or false", "write true or false")
_DATE = _said("“{name}” must be a date", "write year-month-day, e.g. 2027-03-31")

_SENTENCES: Final = {
    "missing": _missing,
    "unknown_format": _said(
        "the file has format {version}, and this program reads format {known}",
        "update the program, or write the file as docs/reference/file-format.md says",
    ),
    "extra_forbidden": _unknown_name,
    "union_tag_invalid": _unknown_kind,
    "union_tag_not_found": _no_kind,
    "literal_error": _one_of,
    "enum": _one_of,
    "string_pattern_mismatch": _pattern,
    "string_type": _TEXT,
    "string_too_short": _said("“{name}” is empty", "write the text, or remove the line"),
    "string_too_long": _said("“{name}” is too long", "use at most {max_length} characters"),
    "dict_type": _TEXTS,
    "model_type": _structure,
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
    "value_error": _said("{error}", "see docs/reference/file-format.md for “{name}”"),
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
