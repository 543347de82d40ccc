"""Converts the log of votes to the matrix of participants and statements, and its sums.

There are two ways of counting: a participant that changes a vote has *one last vote* and *two vote events*. Polis
publishes its sums by the second and its table by the first, without documenting it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np

from bot.results.methods.arrays import Flags, Ints, Votes

AGREE: Final = 1
DISAGREE: Final = -1
PASS: Final = 0
NONE: Final = 2
"""The cell without a vote."""


class VoteEvent(NamedTuple):
    """One vote. `at` may be in any unit that sorts like time; equal times keep the order of the log."""

    person: str
    statement: str
    vote: int
    important: bool
    at: int


@dataclass(frozen=True, slots=True)
class VoteLog:
    """All votes ever cast, in order, as columns. `person` and `statement` are indices into the two lists."""

    people: tuple[str, ...]
    statements: tuple[str, ...]
    person: Ints
    statement: Ints
    vote: Votes
    important: Flags

    @classmethod
    def of(cls, events: Iterable[VoteEvent], statements: Sequence[str] = ()) -> VoteLog:
        """Returns the log of these events. `statements` come first and are included even without votes.

        >>> VoteLog.of([VoteEvent("ana", "s1", 1, False, 7), VoteEvent("ana", "s1", 0, False, 5)]).vote.tolist()
        [0, 1]
        """
        columns = [*zip(*events, strict=True)]
        return cls.of_columns([columns] if columns else [], statements)

    @classmethod
    def of_columns(cls, parts: Iterable[Sequence[Sequence[Any]]], statements: Sequence[str] = ()) -> VoteLog:
        """Builds the log from columns: each part has those of VoteEvent. Avoids a million event objects in memory."""
        people: dict[str, int] = {}
        places = {name: place for place, name in enumerate(statements)}
        tables = [np.empty((0, 5), dtype=np.int64)]
        for who, what, vote, important, at in parts:
            persons = [people.setdefault(it, len(people)) for it in who]
            on = [places.setdefault(it, len(places)) for it in what]
            tables.append(np.column_stack([np.array(it, dtype=np.int64) for it in (persons, on, vote, important, at)]))
        table = np.concatenate(tables)
        table = table[np.argsort(table[:, 4], kind="stable")]
        votes = table[:, 2].astype(np.int8)
        return cls(
            people=tuple(people),
            statements=tuple(places),
            person=table[:, 0],
            statement=table[:, 1],
            vote=votes,
            important=table[:, 3].astype(np.bool_),
        )


class VoteTotals(NamedTuple):
    """Counts per statement."""

    agrees: Ints
    disagrees: Ints
    passes: Ints

    @property
    def seen(self) -> Ints:
        """Returns the number of votes, including passes."""
        return self.agrees + self.disagrees + self.passes


@dataclass(frozen=True, slots=True)
class VoteMatrix:
    """The last vote of every participant on every statement: people × statements, NONE without a vote."""

    people: tuple[str, ...]
    statements: tuple[str, ...]
    votes: Votes
    important: Flags

    @property
    def voted(self) -> Flags:
        return np.asarray(self.votes != NONE)

    def totals(self, people: Flags | None = None) -> VoteTotals:
        """Counts last votes: each participant counts once per statement. `people` restricts the rows."""
        votes = self.votes if people is None else self.votes[people]
        return VoteTotals(*((votes == vote).sum(axis=0, dtype=np.int64) for vote in (AGREE, DISAGREE, PASS)))

    def importance(self) -> Ints:
        """Returns the number of participants whose last vote marks each statement as important."""
        return np.asarray(self.important.sum(axis=0, dtype=np.int64))

    def only(self, statements: Flags) -> VoteMatrix:
        """Returns the matrix restricted to some statements."""
        names = tuple(name for name, kept in zip(self.statements, statements, strict=True) if kept)
        return VoteMatrix(self.people, names, self.votes[:, statements], self.important[:, statements])


def last_votes(log: VoteLog) -> VoteMatrix:
    """Returns the matrix of last votes."""
    shape = (len(log.people), len(log.statements))
    votes = np.full(shape, NONE, dtype=np.int8)
    important = np.zeros(shape, dtype=np.bool_)
    cells = log.person * max(len(log.statements), 1) + log.statement
    # The last event of each cell is the first one in the reversed log.
    _, backwards = np.unique(cells[::-1], return_index=True)
    last = len(cells) - 1 - backwards
    votes[log.person[last], log.statement[last]] = log.vote[last]
    important[log.person[last], log.statement[last]] = log.important[last]
    return VoteMatrix(log.people, log.statements, votes, important)


def event_totals(log: VoteLog) -> VoteTotals:
    """Counts all vote events: a changed vote counts again."""
    size = len(log.statements)
    return VoteTotals(
        *(np.bincount(log.statement[log.vote == vote], minlength=size) for vote in (AGREE, DISAGREE, PASS)),
    )
