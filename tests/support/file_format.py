"""The models of a consultation file as tables: each field once, at the class that declares it."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Mapping
from enum import StrEnum
from inspect import get_annotations
from types import ModuleType
from typing import Any, NamedTuple

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from flows import conditions, definition, wording
from flows.definition import Consultation
from flows.questions import base
from flows.questions.base import Node, Question, registry
from flows.references import STEP, RefersTo

_HEADINGS = {"Node": "Every step", "Question": "Every question", "MultiChoice": "Steps with several options"}
_WORDS = {"string": "string", "integer": "whole number", "number": "number", "boolean": "`true` or `false`"}


class FormatField(NamedTuple):
    """A row of the page: the name in the file, the type and the default in words."""

    name: str
    type: str
    default: str


def format_sections() -> dict[str, list[FormatField]]:
    """Returns the fields of each section, by its heading."""
    found: dict[str, list[FormatField]] = {}
    done: set[type] = set()
    for model in _models():
        for cls in reversed(model.__mro__):
            if cls in done or not _is_model(cls) or cls is BaseModel:
                continue
            done.add(cls)
            own = [field for name, field in _fields(cls) if _is_declared(cls, name)]
            if own or cls in registry().values():
                found.setdefault(_heading(cls), []).extend(own)
    return found


def _models() -> list[type[BaseModel]]:
    """Returns the consultation and all models inside of it."""
    known = {cls.__name__: cls for module in _modules() for cls in vars(module).values() if _is_model(cls)}
    return [Consultation, *(known[name] for name in sorted(Consultation.model_json_schema()["$defs"]) if name in known)]


def _modules() -> list[ModuleType]:
    types = dict.fromkeys(parent.__module__ for cls in registry().values() for parent in cls.__mro__)
    return [base, conditions, definition, wording, *(sys.modules[name] for name in types)]


def _is_model(cls: object) -> bool:
    return isinstance(cls, type) and issubclass(cls, BaseModel) and "root" not in cls.model_fields


def _fields(cls: type[BaseModel]) -> Iterator[tuple[str, FormatField]]:
    if not cls.model_fields:
        return
    schema = cls.model_json_schema()
    described = schema.get("properties") or schema["$defs"][cls.__name__]["properties"]
    for name, info in cls.model_fields.items():
        alias = info.alias or name
        default = "required" if info.is_required() else _default(info.default)
        yield name, FormatField(alias, _named(info) or type_words(described[alias]), default)


def _is_declared(cls: type[BaseModel], name: str) -> bool:
    """Whether the class itself declares the field; the name of a step type is described once."""
    is_type = issubclass(cls, Node) and cls not in {Node, Question} and name == "type"
    return name in get_annotations(cls) and not is_type


def _named(info: FieldInfo) -> str:
    """Returns the type of a field that names another question; "" for other fields."""
    markers = [marker for marker in info.metadata if isinstance(marker, RefersTo)]
    if not markers:
        return ""
    return "key of a later step, `end` or `leave`" if markers[0] == STEP else "key of an earlier question"


def _heading(cls: type[BaseModel]) -> str:
    if cls.__module__ == conditions.__name__ and len(cls.model_fields) == 1:
        return "Condition"
    if cls in registry().values():
        return f"Step `{cls.model_fields['type'].default}`"
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", cls.__name__)
    return _HEADINGS.get(cls.__name__) or words.capitalize()


def _default(value: object) -> str:
    if value is None or value in ((), {}, ""):
        return "none"
    return f"`{value}`" if isinstance(value, str) else f"`{json.dumps(value)}`"


def type_words(schema: Mapping[str, Any]) -> str:
    """Returns the type of a field in words.

    >>> type_words({"type": "integer", "minimum": 1, "maximum": 60})
    'whole number (1 to 60)'
    """
    match schema:
        case {"$ref": ref}:
            return _reference(ref.rpartition("/")[2])
        case {"const": value}:
            return f"`{value}`" if isinstance(value, str) else f"`{json.dumps(value)}`"
        case {"enum": values}:
            return " or ".join(f"`{value}`" for value in values)
        case {"oneOf": parts} | {"anyOf": parts}:
            return _alternatives([type_words(part) for part in parts if part.get("type") != "null"])
        case {"type": "array", "items": items}:
            return f"list of {type_words(items)}{_size(schema, 'minItems', 'maxItems')}"
        case {"type": "object", "additionalProperties": value}:
            return f"{type_words(value)} by language"
        case {"type": "object", "patternProperties": values}:
            return f"{' or '.join(map(type_words, values.values()))} by key"
    return _plain_type(schema)


def _alternatives(words: list[str]) -> str:
    """Joins types; each whole number is a number."""
    has_number = any(it.startswith("number") for it in words)
    return " or ".join(dict.fromkeys(it for it in words if not (has_number and it.startswith("whole number"))))


def _plain_type(schema: Mapping[str, Any]) -> str:
    if schema["type"] == "null":
        return "left out"
    if schema.get("format") == "date":
        return "date"
    if "pattern" in schema:
        return "digits" if schema["pattern"].startswith("^[0-9]") else "short name"
    return _WORDS[schema["type"]] + _size(schema, "minimum", "maximum") + _size(schema, "minLength", "maxLength")


def _size(schema: Mapping[str, Any], least: str, most: str) -> str:
    low, high = schema.get(least), schema.get(most)
    if low is None and high is None:
        return ""
    if high is None:
        return f" (from {low})"
    return f" (up to {high:,})" if low is None else f" ({low:,} to {high:,})"


def _reference(name: str) -> str:
    """Returns the type with this name in the JSON Schema."""
    if name == "Text":
        return "text by language"
    if name in {cls.__name__ for cls in registry().values()}:
        return "step"
    found = next(vars(module)[name] for module in _modules() if name in vars(module))
    if issubclass(found, StrEnum):
        return " or ".join(f"`{value}`" for value in found)
    return _heading(found).lower()
