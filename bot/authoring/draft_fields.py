"""Form fields of a draft: which values of a consultation file a page shows, and what a sent form changes. Pure.

A form is compared with the version it was made from. Changes that another member made meanwhile to other values stay;
two changes of one value are a conflict, and nothing is stored.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, Literal, NamedTuple

from flows.questions.base import Where

FieldKind = Literal["line", "long", "number", "tick", "select", "day", "words"]
LONGEST: Final = 5_000
"""Characters of one value of a form."""


class FieldChoice(NamedTuple):
    """One value of a select, with its label or the key of its phrase."""

    code: str
    label: str


class DraftField(NamedTuple):
    """One value of the file in a form. `where` is its path, with the key of a question instead of its index."""

    name: str
    where: Where
    kind: FieldKind = "line"
    offered: tuple[FieldChoice, ...] = ()
    """Of a select."""
    default: Any = None
    """The value of the model if the file does not say one."""
    is_required: bool = False


class FieldConflict(NamedTuple):
    """One value that two members changed: its field, both values, and what was sent."""

    field: DraftField
    mine: str
    theirs: str


def field_name(where: Where) -> str:
    """Returns the name of the form field of a path.

    >>> field_name(("questions", "lamps", "text", "de"))
    'questions-lamps-text-de'
    """
    return "-".join(map(str, where))


def languages_of(data: dict[str, Any]) -> list[str]:
    """Returns the languages of a file, the main one first, in each form that a file may use."""
    said = data.get("languages")
    if isinstance(said, dict):
        return [it for it in said if isinstance(it, str)]
    tags = [it.get("tag") if isinstance(it, dict) else it for it in said] if isinstance(said, list) else []
    return [it for it in tags if isinstance(it, str)]


def main_language(data: dict[str, Any]) -> str:
    """Returns the main language of a file: the first one it offers."""
    return next(iter(languages_of(data)), "de")


def text_in(text: Any, language: str) -> str:
    """Returns a text of the file in this language, else in the first one it has; "" if there is none.

    >>> text_in({"en": "Park", "de": {"text": "Der Park", "review": "reviewed"}}, "de")
    'Der Park'
    """
    said = (text.get(language) or next(iter(text.values()), "")) if isinstance(text, dict) else text
    said = said.get("text") if isinstance(said, dict) else said
    return str(said or "").strip()


def value_at(data: Any, where: Where) -> Any:
    """Returns the value of a path; None if there is none. A question may be named by its key."""
    for part in where:
        if isinstance(data, list) and isinstance(part, str):
            data = next((it for it in data if isinstance(it, dict) and it.get("key") == part), None)
        elif isinstance(data, dict):
            data = data.get(part)
        elif isinstance(data, list) and isinstance(part, int) and part < len(data):
            data = data[part]
        else:
            return None
    return data


def index_path(data: Any, where: Where) -> Where | None:
    """Returns a path with the indexes of questions instead of their keys; None if a question is gone."""
    if where[:1] != ("questions",) or not isinstance(where[1], str):
        return where
    entries = data.get("questions")
    keys = [it.get("key") if isinstance(it, dict) else None for it in entries] if isinstance(entries, list) else []
    return ("questions", keys.index(where[1]), *where[2:]) if where[1] in keys else None


def shown_value(field: DraftField, data: Any) -> str:
    """Returns the value of a field as a form shows it; "yes" or "" for a tick."""
    value = value_at(data, field.where)
    if isinstance(value, dict) and "text" in value:
        value = value["text"]
    value = field.default if value is None else value
    if field.kind == "tick":
        return "yes" if value is True else ""
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return "" if value is None else str(value)


def sent_values(fields: Iterable[DraftField], form: Mapping[str, Sequence[str]]) -> dict[DraftField, str]:
    """Returns what a form says about the fields that it contains: each is named in `f`, because a tick that is not
    set, and a field that a page left out, are both missing.
    """
    named = frozenset(form.get("f", ()))
    return {it: tidy_text(next(iter(form.get(it.name, ())), "")) for it in fields if it.name in named}


def changes_of(sent: Mapping[DraftField, str], base: Any, newest: Any) -> tuple[dict[Where, Any], list[FieldConflict]]:
    """Returns the changes for the newest version, by path, and the conflicts. `base`: the version of the form."""
    changes: dict[Where, Any] = {}
    conflicts: list[FieldConflict] = []
    for field, said in sent.items():
        before, now = shown_value(field, base), shown_value(field, newest)
        if said in (before, now):
            continue
        where = index_path(newest, field.where)
        if where is None or now != before:
            conflicts.append(FieldConflict(field, said, now))
        else:
            value = stored_value(field, said)
            changes[where if value is None else _wording_path(newest, where)] = value
    return changes, conflicts


def stored_value(field: DraftField, said: str) -> Any:
    """Returns a value as the file has it; None removes it. A number that is none stays text, so that the check names
    it and nothing typed is lost.
    """
    if field.kind == "tick":
        value: Any = said == "yes"
        return None if value == field.default else value
    if not said:
        return None
    if field.kind == "number":
        return _number(said)
    if field.kind == "words":
        return [it for word in said.replace(";", ",").split(",") if (it := word.strip())]
    return said


def _number(said: str) -> int | float | str:
    plain = said.replace(" ", "")
    try:
        return int(plain)
    except ValueError:
        pass
    try:
        value = float(plain.replace(",", "."))
    except ValueError:
        return said
    return value if abs(value) < 1e15 else said


def _wording_path(data: Any, where: Where) -> Where:
    """Returns the path of the text itself where a wording also has a review."""
    found = value_at(data, where)
    return (*where, "text") if isinstance(found, dict) and "text" in found else where


def tidy_text(said: str) -> str:
    """Returns a typed text without surrounding blanks and invisible characters, cut at `LONGEST`."""
    lines = said.replace("\r\n", "\n").replace("\r", "\n").strip()
    return "".join(it for it in lines if it == "\n" or it.isprintable() or it in "\u200e\u200f\u200d\u200c")[:LONGEST]
