"""Describes a change between two revisions: its kind, question and number of affected participations."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Literal, NamedTuple

from flows.definition import Consultation


class ChangeLevel(StrEnum):
    """What a change requires before publishing."""

    REFUSED = "refused"
    CONFIRM = "confirm"
    """A person must confirm that the meaning stays the same."""
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
    """A text before and after in one language; "de, tr" if its language changed."""

    language: str
    old: str
    new: str


class AnsweredRevision(NamedTuple):
    """An earlier revision with the number of answers per question."""

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
    """An unused key, for a question with a new meaning."""
    revisions: tuple[int, ...] = ()
    people: int = 0
    """Number of answers to this question under these revisions."""
