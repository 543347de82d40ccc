"""The records exchanged with other programs, independent of the file format: statements, votes and their source."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final, Literal, NamedTuple

from pydantic_core import to_json

from bot.exchange.rejected_rows import STRICT, BadFile, RejectedRows
from storage.tables.proposals import ProposalStatus
from storage.tables.ratings import Vote

State = Literal["waiting", "released", "hidden"]
MAX_STATEMENT_LENGTH: Final = 10_000
"""The maximum number of characters of a statement; longer ones are rejected."""


class ImportedStatement(NamedTuple):
    """A proposal of another program; `row` is its line in the file."""

    source_id: str
    text: str
    created_at: datetime
    state: State = "released"
    title: str | None = None
    author: str | None = None
    """The author's pseudonym in the other program; names are never imported."""
    merged_into: str | None = None
    district: str | None = None
    topic: str | None = None
    place: str | None = None
    latitude: float | None = None
    longitude: float | None = None
    status: ProposalStatus = "received"
    answer: str | None = None
    link: str | None = None
    row: int = 0


class ImportedVote(NamedTuple):
    """One vote; `person` is the pseudonym in the other program."""

    person: str
    statement: str
    vote: Vote
    important: bool
    at: datetime


class BudgetProject(NamedTuple):
    """An option of a budget; `code` is its value in answers."""

    code: str
    label: str
    cost: int


class BudgetVote(NamedTuple):
    """A budget vote: the approved projects of each voter, by the other program's pseudonyms and our codes."""

    amount: int
    projects: tuple[BudgetProject, ...]
    ballots: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Bundle:
    """All records of one import. `votes` are in the order in which they were cast."""

    source: str
    """The other program and, if the file names it, the conversation. Two conversations may share it: see
    `bot.exchange.duplicate_detection`.
    """
    title: str
    home: str
    """The page for questions about the data: that of the conversation, else that of the program."""
    statements: tuple[ImportedStatement, ...]
    votes: tuple[ImportedVote, ...] = ()
    remarks: tuple[str, ...] = ()
    """Remarks for the operator, one sentence each."""
    budgeting: BudgetVote | None = None
    """Set instead of statements."""
    before: tuple[str, ...] = ()
    """The names of the source in earlier versions of this program, so that their imports are recognised."""
    set_aside: int = 0
    """The number of rejected rows."""
    set_aside_lines: tuple[str, ...] = ()
    """Place, reason and remedy of the first rejected rows."""

    @property
    def sources(self) -> tuple[str, ...]:
        """Returns every name of the source."""
        return (self.source, *self.before)


def content_fingerprint(rows: Iterable[Sequence[object]]) -> str:
    """Returns 12 hexadecimal digits of a hash of the content of a file."""
    return hashlib.sha256(to_json(list(rows))).hexdigest()[:12]


def pseudonym(source: str, person: str) -> str:
    """Returns 32 hexadecimal digits for a person with this pseudonym in another program. Not secret, because the other
    program publishes its pseudonyms.
    """
    return hashlib.sha256(f"{source}\0{person}".encode()).hexdigest()[:32]


def valid_statements(
    path: Path, statements: Iterable[ImportedStatement], aside: RejectedRows = STRICT
) -> tuple[ImportedStatement, ...]:
    """Returns the valid statements; rejects duplicates, and merges into a missing statement or in a circle."""
    by_id: dict[str, ImportedStatement] = {}
    for it in statements:
        if it.source_id in by_id:
            reason = f"the id {it.source_id!r} is already used in row {by_id[it.source_id].row}"
            aside.add(BadFile(path, it.row, reason, "give each statement an id of its own"))
        else:
            by_id[it.source_id] = it
    lost = {it.source_id: error for it in by_id.values() if (error := _misled(path, it, by_id))}
    for error in lost.values():
        aside.add(error)
    return tuple(it for it in by_id.values() if it.source_id not in lost)


def _misled(path: Path, it: ImportedStatement, by_id: Mapping[str, ImportedStatement]) -> BadFile | None:
    """Returns the error of the chain of merges that begins here; None if it ends at a statement."""
    seen, at = {it.source_id}, it
    while at.merged_into:
        if at.merged_into not in by_id:
            return BadFile(
                path, it.row, f"it is merged into {at.merged_into!r}, which is missing", "add that statement"
            )
        if at.merged_into in seen:
            return BadFile(path, it.row, "the merges form a circle", "remove one of these merges")
        seen.add(at.merged_into)
        at = by_id[at.merged_into]
    return None


def merge_targets(statements: tuple[ImportedStatement, ...]) -> dict[str, str]:
    """Returns merged statement → the last one of its chain. Call it after `valid_statements`."""
    into = {it.source_id: it.merged_into for it in statements if it.merged_into}
    found = {}
    for name in into:
        end = name
        while end in into:
            end = into[end]
        found[name] = end
    return found
