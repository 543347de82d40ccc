"""Finds the references between the entries of a consultation file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from pydantic import BaseModel

from flows.braces import references_in
from flows.questions.base import Where
from flows.references import Purpose, RefersTo
from flows.wording import Text


class Reference(NamedTuple):
    """One reference in a consultation."""

    where: Where
    key: str
    purpose: Purpose
    has_otherwise: bool = True
    """Whether a missing answer is provided for; a reference in a text may lack that."""


def references(value: Any, where: Where = ()) -> Iterator[Reference]:
    """Yields all references in a model, also those in texts, each with its path as it is written in the file.

    >>> from flows.conditions import Answered
    >>> list(references(Answered(answered="lamps")))
    [Reference(where=('answered',), key='lamps', purpose='condition', has_otherwise=True)]
    """
    if isinstance(value, Text):
        yield from _in_text(value, where)
    elif isinstance(value, BaseModel):
        yield from _in_model(value, where)
    elif isinstance(value, tuple):
        for index, item in enumerate(value):
            yield from references(item, (*where, index))


def _in_text(text: Text, where: Where) -> Iterator[Reference]:
    for tag, wording in text.items():
        for found in references_in(wording.text):
            yield Reference((*where, tag), found.key, "label", found.otherwise is not None)


def _in_model(model: BaseModel, where: Where) -> Iterator[Reference]:
    """Yields the fields that are declared as references, then the references within each field."""
    for name, field in type(model).model_fields.items():
        within, path = getattr(model, name), (*where, field.alias or name)
        purposes = [marker.purpose for marker in field.metadata if isinstance(marker, RefersTo)]
        if within is not None:
            yield from (Reference(path, within, purpose) for purpose in purposes)
        yield from references(within, path)
