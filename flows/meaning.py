"""What a change of a field means for stored answers. Each question type declares it for each of its fields."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final


class Meaning(StrEnum):
    """How a stored answer depends on a field.

    Registering a type that leaves out one of its fields fails, so a new field cannot be forgotten.
    """

    FIXED = "fixed"
    """A change gives stored values another meaning: another type, another range, another consent text."""
    WORDS = "words"
    """The wording of the question. Only a person can tell whether a new wording asks the same."""
    MEASURE = "measure"
    """A text that defines the value of every answer: the unit, the ends of a scale. A new wording may ask the same,
    but results keep answers before and after apart.
    """
    LABELS = "labels"
    """The labels of the stored values (`Node.labels`). A new value is an addition; a new label is a new wording."""
    ENTRIES = "entries"
    """A list of texts that are answered one by one: a changed text is a new entry, not a renamed one."""
    PATH = "path"
    """Decides which contacts are asked. Earlier answers stay valid."""
    FREE = "free"
    """How the question can be answered from now on. Earlier answers stay valid."""


Meanings = Mapping[str, Meaning]


def meanings(
    *,
    fixed: str = "",
    words: str = "",
    measure: str = "",
    labels: str = "",
    entries: str = "",
    path: str = "",
    free: str = "",
) -> Meanings:
    """Builds the meanings of the fields of one class; each argument lists field names, separated by spaces.

    >>> meanings(fixed="min max", words="unit")["max"]
    <Meaning.FIXED: 'fixed'>
    """
    named = {
        Meaning.FIXED: fixed,
        Meaning.WORDS: words,
        Meaning.MEASURE: measure,
        Meaning.LABELS: labels,
        Meaning.ENTRIES: entries,
        Meaning.PATH: path,
        Meaning.FREE: free,
    }
    return {name: meaning for meaning, names in named.items() for name in names.split()}


def meanings_of(cls: type) -> Meanings:
    """Returns the meanings of all fields of a class; its own override inherited ones."""
    found: dict[str, Meaning] = {}
    for base in reversed(cls.__mro__):
        found |= vars(base).get(ATTRIBUTE, {})
    return found


ATTRIBUTE: Final = "meanings"
