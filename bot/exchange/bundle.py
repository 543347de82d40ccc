"""What is exchanged with other programs, whatever the file looks like: statements, votes, and where they are from."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final, Literal, NamedTuple

from bot.errors import HouseError
from storage.proposals import Status
from storage.ratings import Vote

State = Literal["waiting", "released", "hidden"]
LONGEST: Final = 10_000
"""Characters of a statement; longer ones are no statements."""


class BadFile(HouseError):
    """A file cannot be taken over. Says where, why, and what to do."""

    def __init__(self, path: Path | str, row: int | None, reason: str, remedy: str) -> None:
        place = Path(path).name if row is None else f"{Path(path).name}, row {row}"
        super().__init__(f"{place}: {reason}; {remedy}")


class Statement(NamedTuple):
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
    status: Status = "received"
    answer: str | None = None
    link: str | None = None
    row: int = 0


class Voted(NamedTuple):
    """A vote that was cast; `person` is the other program's pseudonym."""

    person: str
    statement: str
    vote: Vote
    important: bool
    at: datetime


class Project(NamedTuple):
    """What a budget can pay for; `code` is what it is called in answers."""

    code: str
    label: str
    cost: int


class Budgeting(NamedTuple):
    """A vote on a budget: who wanted which projects, by the other program's pseudonyms and our codes."""

    amount: int
    projects: tuple[Project, ...]
    ballots: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Bundle:
    """Everything that is taken over at once. `votes` are in the order in which they were cast."""

    source: str
    """Names the other program and the conversation there: with a statement's id it is unique everywhere."""
    title: str
    home: str
    """Where people can ask about it: the page of the conversation, else that of the program."""
    statements: tuple[Statement, ...]
    votes: tuple[Voted, ...] = ()
    remarks: tuple[str, ...] = ()
    """What the person who imports should know, a sentence each."""
    budgeting: Budgeting | None = None
    """Instead of statements."""


def pseudonym(source: str, person: str) -> str:
    """32 hexadecimal digits for somebody whom another program knows by a pseudonym of its own. Not secret: theirs is
    published.
    """
    return hashlib.sha256(f"{source}\0{person}".encode()).hexdigest()[:32]


def check_statements(path: Path, statements: tuple[Statement, ...]) -> None:
    """Refuses empty and doubled statements, merges into nothing, and merges in a circle. Raises BadFile."""
    by_id: dict[str, Statement] = {}
    for it in statements:
        if it.source_id in by_id:
            reason = f"the id {it.source_id!r} stands in row {by_id[it.source_id].row} already"
            raise BadFile(path, it.row, reason, "give each statement an id of its own")
        by_id[it.source_id] = it
    for it in statements:
        seen, at = {it.source_id}, it
        while at.merged_into:
            if at.merged_into not in by_id:
                raise BadFile(path, it.row, f"it is merged into {at.merged_into!r}, which is not there", "add that one")
            if at.merged_into in seen:
                raise BadFile(path, it.row, "the merges lead in a circle", "say of one of them that it stays")
            seen.add(at.merged_into)
            at = by_id[at.merged_into]


def final(statements: tuple[Statement, ...]) -> dict[str, str]:
    """Merged statement → the one at the end of its chain. Call after `check_statements`."""
    into = {it.source_id: it.merged_into for it in statements if it.merged_into}
    found = {}
    for name in into:
        end = name
        while end in into:
            end = into[end]
        found[name] = end
    return found
