"""Every question type with its fields, from the definitions."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any, Final

from pydantic import BaseModel

from bot.cli.reference.markdown import attribute_docs, item, paragraph
from flows.questions.base import Node, Question, registry

_INTRODUCTION: Final = (
    "A question of a consultation file has a `type`. This page lists the types with the fields of each. "
    "[file-format.md](file-format.md) lists all entries of a file, and the guide shows how to write one "
    "([Deutsch](../guide/de/consultations.md), [English](../guide/en/consultations.md))."
)


def lines() -> Iterator[str]:
    yield from paragraph(_INTRODUCTION)
    yield from ("## Fields of every step", "")
    yield from _fields(Node, without=frozenset())
    yield from ("", "## Fields of every question", "")
    yield from paragraph("A `note` only says something and has none of these.")
    yield from _fields(Question, without=frozenset(Node.model_fields))
    yield from ("", "## Types", "")
    for name, definition in sorted(registry().items()):
        yield from (f"### {name}", "")
        documentation = (inspect.getdoc(definition) or "").splitlines()
        yield from (line.rstrip() for line in _wrapped(documentation))
        common = frozenset(Question.model_fields) if issubclass(definition, Question) else frozenset(Node.model_fields)
        fields = list(_fields(definition, without=common))
        yield from ("", *fields, "") if fields else ("",)


def _wrapped(documentation: list[str]) -> Iterator[str]:
    """Yields a docstring with its prose wrapped again and its examples as they are."""
    prose: list[str] = []
    in_example = False
    for line in [*documentation, ""]:
        if line.startswith("```") or in_example:
            in_example = in_example != line.startswith("```")
            yield line
        elif line.strip():
            prose.append(line)
        elif prose:
            yield from paragraph(" ".join(prose))
            prose = []


def _fields(model: type[BaseModel], *, without: frozenset[str]) -> Iterator[str]:
    schema = model.model_json_schema(by_alias=True)
    docs = attribute_docs(model)
    for name, field in model.model_fields.items():
        if name in without:
            continue
        shown = field.alias or name
        facts = "required" if field.is_required() else f"default: {_default(field.default)}"
        limits = _limits(schema["properties"][shown])
        words = f"`{shown}` ({facts}{', ' if limits else ''}{limits}): {docs.get(name, '')}"
        yield from item(words.removesuffix(": "))


def _default(value: object) -> str:
    if value is None or value in ("", (), {}):
        return "none"
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _limits(schema: dict[str, Any]) -> str:
    """Returns type and limits of a field in words, as far as its JSON Schema states them."""
    found = [{"integer": "whole number", "boolean": "`true` or `false`"}.get(schema.get("type", ""), "")]
    if "enum" in schema:
        found.append(" or ".join(f"`{value}`" for value in schema["enum"]))
    for key, words in (
        ("minimum", "at least {}"),
        ("maximum", "at most {}"),
        ("minItems", "at least {} entries"),
        ("maxItems", "at most {} entries"),
    ):
        if key in schema:
            found.append(words.format(schema[key]))
    return ", ".join(filter(None, found))
