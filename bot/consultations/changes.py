"""A change between two revisions as a value: what kind, of which question, for how many people."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Literal, NamedTuple

from flows.definition import Consultation


class ChangeLevel(StrEnum):
    """What has to happen before a change is published."""

    REFUSED = "refused"
    CONFIRM = "confirm"
    """A person has to say that it still means the same."""
    HARMLESS = "harmless"


ChangeKind = Literal[
    "type",
    "fixed",
    "agreed_text",
    "swap",
    "words",
    "measure",
    "label",
    "spelling",
    "option_new",
    "option_gone",
    "statement_new",
    "statement_gone",
    "path",
    "setting",
    "note",
    "question_new",
    "question_gone",
    "order",
    "language_new",
    "language_gone",
    "told",
]


class WordingChange(NamedTuple):
    """A text before and after in one language; "de, tr" where it was in the one and is in the other."""

    language: str
    old: str
    new: str


class AnsweredRevision(NamedTuple):
    """An earlier revision, and how many people answered each of its questions."""

    number: int
    consultation: Consultation
    answered: Mapping[str, int]


class RevisionChange(NamedTuple):
    """One change of one question, or of the consultation where `key` is empty.

    `name` is the field, the value of the option or the language; `other` the value that had the label before.
    """

    level: ChangeLevel
    kind: ChangeKind
    key: str = ""
    name: str = ""
    old: str = ""
    new: str = ""
    other: str = ""
    wordings: tuple[WordingChange, ...] = ()
    new_key: str = ""
    """A key that is free, for what is another question now."""
    revisions: tuple[int, ...] = ()
    people: int = 0
    """How many answered this question under these revisions."""
