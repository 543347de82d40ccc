"""What questions about proposals must know (`flows.facts`): statements of others, and codes for one's own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from flows.facts import FactQuery


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


class NextStatementOffer(NamedTuple):
    """The next statement for a person, None where all were rated; and how many the person has rated so far."""

    statement: Statement | None
    rated: int


@dataclass(frozen=True, slots=True)
class NextStatement(FactQuery[NextStatementOffer]):
    """The next released statement to rate in a question: never one's own, never one rated before.

    `after` is the one that is being rated in this very turn, 0 if none; votes given in the questions `dropped` go in
    this very turn, so what they were about comes again.
    """

    key: str
    language: str
    after: int = 0
    dropped: frozenset[str] = frozenset()

    @property
    def default(self) -> NextStatementOffer:
        return NextStatementOffer(None, 0)


@dataclass(frozen=True, slots=True)
class StillReleased(FactQuery[bool]):
    """Whether a statement can be rated at this moment: neither hidden nor withdrawn meanwhile."""

    id: int

    @property
    def default(self) -> bool:
        return False


class StoredVote(NamedTuple):
    """What a person thinks of a statement: -1 disagrees, 0 passes, 1 agrees; and whether it is important to them."""

    vote: int
    is_important: bool


@dataclass(frozen=True, slots=True)
class OwnVote(FactQuery[StoredVote | None]):
    """What the person said to a statement before; None for nothing."""

    id: int

    @property
    def default(self) -> None:
        return None


@dataclass(frozen=True, slots=True)
class SimilarTo(FactQuery[tuple[Statement, ...]]):
    """Up to three released proposals of other people in this consultation that say nearly the same, the nearest first.

    `language` is that of the reader.
    """

    text: str
    language: str

    @property
    def default(self) -> tuple[Statement, ...]:
        return ()


@dataclass(frozen=True, slots=True)
class NewProposalCode(FactQuery[str]):
    """A public reference code that nobody has yet. It says nothing about anybody."""

    @property
    def default(self) -> str:
        return "00000-00000"


@dataclass(frozen=True, slots=True)
class IsOwnProposal(FactQuery[bool]):
    """Whether the proposal with this code was submitted by the person, and not withdrawn."""

    code: str

    @property
    def default(self) -> bool:
        return False
