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
"""Characters of a statement; longer ones are no statements."""


class ImportedStatement(NamedTuple):
    """A proposal as another program knows it, `row` being the line of the file it stands in."""

    source_id: str
    text: str
    created_at: datetime
    state: State = "released"
    title: str | None = None
    author: str | None = None
    """The other program's pseudonym of the author; names of people are never taken over."""
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
    """A vote that was cast; `person` is the other program's pseudonym."""

    person: str
    statement: str
    vote: Vote
    important: bool
    at: datetime


class BudgetProject(NamedTuple):
    """What a budget can pay for; `code` is what it is called in answers."""

    code: str
    label: str
    cost: int


class BudgetVote(NamedTuple):
    """A vote on a budget: who wanted which projects, by the other program's pseudonyms and our codes."""

    amount: int
    projects: tuple[BudgetProject, ...]
    ballots: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Bundle:
    """Everything that is taken over at once. `votes` are in the order in which they were cast."""

    source: str
    """Names the other program and, as far as the file tells, the conversation there. Two conversations may share it:
    see `bot.exchange.duplicate_detection`."""
    title: str
    home: str
    """Where people can ask about it: the page of the conversation, else that of the program."""
    statements: tuple[ImportedStatement, ...]
    votes: tuple[ImportedVote, ...] = ()
    remarks: tuple[str, ...] = ()
    """What the person who imports should know, a sentence each."""
    budgeting: BudgetVote | None = None
    """Instead of statements."""
    before: tuple[str, ...] = ()
    """What the source was called by earlier versions of this program: what they took over is recognised."""
    set_aside: int = 0
    """Rows that could not be read or taken over."""
    set_aside_lines: tuple[str, ...] = ()
    """Place, reason and remedy of the first of them."""

    @property
    def sources(self) -> tuple[str, ...]:
        """Every name the source can have here."""
        return (self.source, *self.before)


def content_fingerprint(rows: Iterable[Sequence[object]]) -> str:
    """12 hexadecimal digits for what stands in a file."""
    return hashlib.sha256(to_json(list(rows))).hexdigest()[:12]


def pseudonym(source: str, person: str) -> str:
    """32 hexadecimal digits for somebody whom another program knows by a pseudonym of its own. Not secret: theirs is
    published.
    """
    return hashlib.sha256(f"{source}\0{person}".encode()).hexdigest()[:32]


def valid_statements(
    path: Path, statements: Iterable[ImportedStatement], aside: RejectedRows = STRICT
) -> tuple[ImportedStatement, ...]:
    """The statements without those that stand twice, are merged into nothing, or in a circle: these are set aside."""
    by_id: dict[str, ImportedStatement] = {}
    for it in statements:
        if it.source_id in by_id:
            reason = f"the id {it.source_id!r} stands in row {by_id[it.source_id].row} already"
            aside.add(BadFile(path, it.row, reason, "give each statement an id of its own"))
        else:
            by_id[it.source_id] = it
    lost = {it.source_id: fault for it in by_id.values() if (fault := _misled(path, it, by_id))}
    for fault in lost.values():
        aside.add(fault)
    return tuple(it for it in by_id.values() if it.source_id not in lost)


def _misled(path: Path, it: ImportedStatement, by_id: Mapping[str, ImportedStatement]) -> BadFile | None:
    """Why the merges that begin here do not end at a statement."""
    seen, at = {it.source_id}, it
    while at.merged_into:
        if at.merged_into not in by_id:
            return BadFile(path, it.row, f"it is merged into {at.merged_into!r}, which is not there", "add that one")
        if at.merged_into in seen:
            return BadFile(path, it.row, "the merges lead in a circle", "say of one of them that it stays")
        seen.add(at.merged_into)
        at = by_id[at.merged_into]
    return None


def merge_targets(statements: tuple[ImportedStatement, ...]) -> dict[str, str]:
    """Merged statement → the one at the end of its chain. Call after `valid_statements`."""
    into = {it.source_id: it.merged_into for it in statements if it.merged_into}
    found = {}
    for name in into:
        end = name
        while end in into:
            end = into[end]
        found[name] = end
    return found
