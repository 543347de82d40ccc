"""What a file for translators holds: each text with its place, in the main language and in another one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal, NamedTuple

FileKind = Literal["xlsx", "po"]
FileProblem = Literal["unreadable", "other_language", "empty"]
MOST_TEXTS: Final = 20_000


class TranslatedText(NamedTuple):
    """One text. `place` is its path in the consultation file, as `draft_fields.field_name` writes it."""

    place: str
    source: str
    text: str
    """"" for a missing translation."""
    is_unread: bool = False
    """Whether it must be read again."""


class TranslatorFile(NamedTuple):
    """The texts of one language of a draft, and the version of the draft that they were taken from."""

    language: str
    source_language: str
    version: int | None
    """None if the file does not say one."""
    texts: Sequence[TranslatedText]


class UnusableTranslation(Exception):
    """The file is no file for translators, or one of another language."""

    def __init__(self, problem: FileProblem, reason: str = "") -> None:
        super().__init__(reason or problem)
        self.problem: FileProblem = problem


def version_in(said: str) -> int | None:
    """Returns the number of a version; None for anything else."""
    return int(said) if said.isascii() and said.isdecimal() and len(said) < 10 else None
