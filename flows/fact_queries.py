"""Fact queries of the question types about proposals (`flows.facts`)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from flows.facts import FactQuery


class Statement(NamedTuple):
    """A released proposal in the language of its reader."""

    id: int
    code: str
    text: str
    """The translation into the reader's language if there is one, else the original."""
    language: str
    """Language of `text`."""
    original: str = ""
    """The author's text, if `text` is a translation."""
    original_language: str = ""


class NextStatementOffer(NamedTuple):
    """The next statement for a contact, None if all are rated, and the number of statements rated so far."""

    statement: Statement | None
    rated: int
    left: int = 0
    """How many can still be rated, this one included, as far as known without asking who wrote them; 0 if unknown."""


@dataclass(frozen=True, slots=True)
class NextStatement(FactQuery[NextStatementOffer]):
    """The next released statement to rate in a question: never the contact's own, never one rated before.

    `after` is the statement rated in this turn, 0 if none. Votes of the questions `dropped` are deleted in this turn,
    so their statements are offered again.
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
    """Whether a statement can be rated now: neither hidden nor withdrawn."""

    id: int

    @property
    def default(self) -> bool:
        return False


class StoredVote(NamedTuple):
    """The stored vote of a contact: -1 disagrees, 0 passes, 1 agrees; and whether it is marked as important."""

    vote: int
    is_important: bool


@dataclass(frozen=True, slots=True)
class OwnVote(FactQuery[StoredVote | None]):
    """The contact's earlier vote on a statement; None if there is none."""

    id: int

    @property
    def default(self) -> None:
        return None


@dataclass(frozen=True, slots=True)
class SimilarTo(FactQuery[tuple[Statement, ...]]):
    """Up to three similar released proposals of other contacts in this consultation, most similar first.

    `language` is that of the reader.
    """

    text: str
    language: str

    @property
    def default(self) -> tuple[Statement, ...]:
        return ()


@dataclass(frozen=True, slots=True)
class NewProposalCode(FactQuery[str]):
    """A new public reference code. It reveals nothing about the author."""

    @property
    def default(self) -> str:
        return "00000-00000"


@dataclass(frozen=True, slots=True)
class IsOwnProposal(FactQuery[bool]):
    """Whether the contact submitted the proposal with this code and did not withdraw it."""

    code: str

    @property
    def default(self) -> bool:
        return False
