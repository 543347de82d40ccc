"""What a change of a field means for the answers that are stored: each question type says it of each of its fields."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final


class Meaning(StrEnum):
    """What a stored answer owes to a field.

    A type that lacks one of its fields is refused when it enters the registry, so a new field cannot be forgotten.
    """

    FIXED = "fixed"
    """The stored values mean something else once it changes: another type, another range, another text of a consent."""
    WORDS = "words"
    """A text people answered to. Only a person can tell whether other words ask the same."""
    MEASURE = "measure"
    """A text on which the value of every answer rests: the unit, the ends of a scale. Other words may ask the same, but
    figures tell answers before and after apart.
    """
    LABELS = "labels"
    """What the stored values are called, value by value (`Node.labels`). A new value is one more, a label is words."""
    ENTRIES = "entries"
    """A list of texts which people answer to one by one: a changed one is another one, and not the same renamed."""
    PATH = "path"
    """Who is asked. Answers given before keep what they say."""
    FREE = "free"
    """How it may be answered from now on. Answers given before keep what they say."""


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
    """The meanings of the fields of one class, by name, those of each kind in one string.

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
    """The meanings of all fields of a class: its own and those it inherits, its own first."""
    found: dict[str, Meaning] = {}
    for base in reversed(cls.__mro__):
        found |= vars(base).get(ATTRIBUTE, {})
    return found


ATTRIBUTE: Final = "meanings"
