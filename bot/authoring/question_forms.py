"""The form of a question, made from the fields of its type: settings, entries of its list, and conditions. Pure.

No type is named here: a new type gets its form from its model.
"""

from __future__ import annotations

import re
import types
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from functools import cache
from typing import Any, Final, Literal, NamedTuple, Union, get_args, get_origin

from annotated_types import MaxLen, MinLen
from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from bot.authoring.draft_fields import DraftField, FieldChoice, FieldKind, field_name, text_in
from flows.questions.base import Node, registry
from flows.references import Key, RefersTo
from flows.values import Missing
from flows.wording import Text

APART: Final = frozenset({"key", "type", "text", "hint", "audio", "image", "ask_if", "exits"})
"""Fields that the page shows at a place of their own, or that only the file has."""
LAST: Final = ("skip", "dont_know", "refuse", "sensitive", "web_only")
"""Fields of every question; they come after those of the type."""
LONGEST_KEY: Final = 24
_GERMAN: Final = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss"})
_RESERVED: Final = frozenset({*(code.value for code in Missing), "end", "leave", "other"})


class ListField(NamedTuple):
    """A list that members edit entry by entry: options, rows, statements."""

    name: str
    is_text: bool
    """Whether an entry is a text itself; otherwise it has a `value` and a `label`."""
    numbers: tuple[str, ...] = ()
    """Further numbers of an entry, for example its cost."""
    least: int = 0
    most: int = 0


class TypeForm(NamedTuple):
    """The editable fields of a type."""

    settings: tuple[tuple[str, FieldInfo], ...]
    lists: tuple[ListField, ...]
    only_in_file: tuple[str, ...]
    """Fields without a form."""


@cache
def type_form(kind: str) -> TypeForm:
    """Returns the form of a type; an unknown type has none."""
    cls = registry().get(kind)
    settings: list[tuple[str, FieldInfo]] = []
    lists: list[ListField] = []
    rest: list[str] = []
    for name, info in cls.model_fields.items() if cls else ():
        if name in APART or _is_fixed(info):
            continue
        if found := _list_field(name, info):
            lists.append(found)
        elif kind_of_field(info):
            settings.append((name, info))
        else:
            rest.append(info.alias or name)
    settings.sort(key=lambda it: LAST.index(it[0]) if it[0] in LAST else -1)
    return TypeForm(tuple(settings), tuple(lists), tuple(rest))


def kind_of_field(info: FieldInfo) -> FieldKind | None:
    """Returns how a form shows a field; None for a field that only the file has."""
    inner = _inner(info.annotation)
    if inner is bool:
        return "tick"
    if inner in (int, float):
        return "number"
    if inner is Text:
        return "line"
    if get_origin(inner) is Literal or info.annotation == Key | None:
        return "select"
    return "day" if _has_date(info.annotation) else None


def type_names(language: str) -> list[tuple[str, str]]:
    """Returns the types with their names for those who write questions, in German or in English."""
    at = 0 if language.startswith("de") else 1
    return [(name, cls.type_name[at]) for name, cls in registry().items() if cls.type_name[at]]


def setting_fields(
    question: Mapping[str, Any], earlier: Sequence[Mapping[str, Any]], language: str
) -> Iterator[DraftField]:
    """Yields the fields of the settings of a question."""
    key, kind = str(question.get("key")), str(question.get("type"))
    for name, info in type_form(kind).settings:
        shown = kind_of_field(info)
        inner = _inner(info.annotation)
        where = ("questions", key, name, language) if inner is Text else ("questions", key, name)
        if shown is not None:
            default = None if info.is_required() else info.get_default(call_default_factory=True)
            offered = tuple(FieldChoice(*it) for it in _choices(name, info, question, earlier, language))
            yield DraftField(field_name(where), where, shown, offered, default, is_required=info.is_required())


def entry_fields(key: str, found: ListField, count: int, language: str) -> Iterator[tuple[DraftField, ...]]:
    """Yields the fields of each entry of a list: its text first, then its numbers."""
    for index in range(count):
        place = ("questions", key, found.name, index)
        text = (*place, language) if found.is_text else (*place, "label", language)
        wheres = (text, *((*place, name) for name in found.numbers))
        yield tuple(DraftField(field_name(it), it, "number" if number else "line") for number, it in enumerate(wheres))


def new_entry(found: ListField, text: str, language: str, others: Sequence[Any]) -> dict[str, Any]:
    """Returns a new entry of a list with this text."""
    if found.is_text:
        return {language: text}
    taken = {it.get("value") for it in others if isinstance(it, Mapping)}
    return {"value": free_key(key_of_text(text, "option"), taken), "label": {language: text}}


def new_question(kind: str, text: str, language: str, taken: set[str]) -> dict[str, Any]:
    """Returns a new question of a type, with its required numbers as in its example."""
    question: dict[str, Any] = {"key": free_key(key_of_text(text, kind), taken), "type": kind}
    for name, info in type_form(kind).settings:
        if info.is_required() and kind_of_field(info) == "number":
            question[name] = 10
    if text:
        question["text"] = {language: text}
    return question


def copied_question(question: Mapping[str, Any], taken: set[str]) -> str:
    """Returns the key of the copy of a question."""
    return free_key(str(question.get("key"))[: LONGEST_KEY - 3], taken)


def key_of_text(text: str, instead: str) -> str:
    """Returns a short name of a text for tables: its first words.

    >>> key_of_text("Was fehlt Ihnen?", "text")
    'was_fehlt_ihnen'
    """
    plain = unicodedata.normalize("NFKD", text.casefold().translate(_GERMAN)).encode("ascii", "ignore").decode()
    words = re.findall(r"[a-z0-9]+", plain)
    key = ""
    for word in words:
        longer = f"{key}_{word}" if key else word
        if len(longer) > LONGEST_KEY - 3:
            break
        key = longer
    key = re.sub(r"^[0-9_]+", "", key or "".join(words)[: LONGEST_KEY - 3])
    return key or instead


def free_key(wanted: str, taken: set[Any]) -> str:
    """Returns this key, or the first that is not taken: lamps, lamps_2, lamps_3."""
    key, number = wanted, 1
    while key in taken or key in _RESERVED:
        number += 1
        key = f"{wanted[: LONGEST_KEY - 3]}_{number}"
    return key


def node_of_entry(question: Any) -> Node | None:
    """Returns the node of an entry of the file; None while it does not fit its type."""
    cls = registry().get(str(question["type"])) if isinstance(question, dict) and "type" in question else None
    if cls is None:
        return None
    try:
        return cls.model_validate(question)
    except (ValidationError, RecursionError):
        return None


def _is_fixed(info: FieldInfo) -> bool:
    """Whether the type allows one value only."""
    return get_origin(info.annotation) is Literal and len(get_args(info.annotation)) == 1


def _inner(annotation: Any) -> Any:
    """Returns the type of an optional field without None, and of two kinds of numbers the wider one."""
    if get_origin(annotation) in (Union, types.UnionType):
        some = [it for it in get_args(annotation) if it is not type(None)]
        return float if set(some) == {int, float} else some[0] if len(some) == 1 else annotation
    return annotation


def _has_date(annotation: Any) -> bool:
    inner = _inner(annotation)
    base = get_args(inner)[0] if get_origin(inner) is not None and get_args(inner) else inner
    return base is date


def _list_field(name: str, info: FieldInfo) -> ListField | None:
    """Returns the list that a field holds; None for other fields."""
    args = get_args(info.annotation)
    if get_origin(info.annotation) is not tuple or not args:
        return None
    least = next((it.min_length for it in info.metadata if isinstance(it, MinLen)), 0)
    most = next((it.max_length for it in info.metadata if isinstance(it, MaxLen)), 200)
    if args[0] is Text:
        return ListField(name, is_text=True, least=least, most=most)
    if (
        isinstance(args[0], type)
        and issubclass(args[0], BaseModel)
        and {"value", "label"} <= args[0].model_fields.keys()
    ):
        numbers = tuple(it for it, about in args[0].model_fields.items() if _inner(about.annotation) is int)
        return ListField(name, is_text=False, numbers=numbers, least=least, most=most)
    return None


def _choices(
    name: str, info: FieldInfo, question: Mapping[str, Any], earlier: Sequence[Mapping[str, Any]], language: str
) -> Iterator[tuple[str, str]]:
    """Yields the values of a select: those of the type, the questions before, or the question's own options."""
    inner = _inner(info.annotation)
    if get_origin(inner) is Literal:
        yield from ((str(it), f"{name}.{it}") for it in get_args(inner))
        return
    if info.annotation != Key | None:
        return
    yield "", ""
    if any(isinstance(it, RefersTo) for it in info.metadata):
        yield from ((str(it.get("key")), first_words(it.get("text"), language)) for it in earlier)
        return
    for found in type_form(str(question.get("type"))).lists:
        entries = question.get(found.name)
        for it in entries if isinstance(entries, list) else []:
            if isinstance(it, dict):
                yield str(it.get("value")), first_words(it.get("label"), language)


def first_words(text: Any, language: str) -> str:
    """Returns a text of the file in this language, else in the first one it has, shortened for a list."""
    plain = " ".join(text_in(text, language).split())
    return plain if len(plain) <= 60 else f"{plain[:59]}…"
