"""What questions about proposals must know (`flows.facts`): statements of others, and codes for one's own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from flows.facts import Need


class Statement(NamedTuple):
    """A released proposal as somebody reads it."""

    id: int
    code: str
    text: str
    """In the language of the reader where there is such a text, else in its own."""
    language: str
    """Of `text`."""
    original: str = ""
    """What the author wrote, where `text` is a translation."""
    original_language: str = ""


class Offer(NamedTuple):
    """The next statement for a person, None where all were rated; and how many the person has rated so far."""

    statement: Statement | None
    rated: int


@dataclass(frozen=True, slots=True)
class NextStatement(Need[Offer]):
    """The next released statement to rate in a question: never one's own, never one rated before.

    `after` is the one that is being rated in this very turn, 0 if none; votes given in the questions `dropped` go in
    this very turn, so what they were about comes again.
    """

    key: str
    language: str
    after: int = 0
    dropped: frozenset[str] = frozenset()

    @property
    def nothing(self) -> Offer:
        return Offer(None, 0)


@dataclass(frozen=True, slots=True)
class StillReleased(Need[bool]):
    """Whether a statement can be rated at this moment: neither hidden nor withdrawn meanwhile."""

    id: int

    @property
    def nothing(self) -> bool:
        return False


class GivenVote(NamedTuple):
    """What a person thinks of a statement: -1 disagrees, 0 passes, 1 agrees; and whether it is important to them."""

    vote: int
    is_important: bool


@dataclass(frozen=True, slots=True)
class MyVote(Need[GivenVote | None]):
    """What the person said to a statement before; None for nothing."""

    id: int

    @property
    def nothing(self) -> None:
        return None


@dataclass(frozen=True, slots=True)
class SimilarTo(Need[tuple[Statement, ...]]):
    """Up to three released proposals of other people in this consultation that say nearly the same, the nearest first.

    `language` is that of the reader.
    """

    text: str
    language: str

    @property
    def nothing(self) -> tuple[Statement, ...]:
        return ()


@dataclass(frozen=True, slots=True)
class NewCode(Need[str]):
    """A public reference code that nobody has yet. It says nothing about anybody."""

    @property
    def nothing(self) -> str:
        return "00000-00000"


@dataclass(frozen=True, slots=True)
class IsMine(Need[bool]):
    """Whether the proposal with this code was submitted by the person, and not withdrawn."""

    code: str

    @property
    def nothing(self) -> bool:
        return False
