"""Counts all answered participations. `bot.results.counts.rows` selects what may be published."""

from __future__ import annotations

from collections import Counter
from typing import Final, NamedTuple

from sqlalchemy import Connection

from bot.results.counts import small_groups
from bot.results.counts.answer_dataset import AnswerDataset, Variable
from bot.results.counts.participation_reader import GivenAnswer, ParticipationAnswers, stream_participations
from bot.results.counts.small_groups import MergedSizes
from bot.results.counts.values import Kind, code_of
from flows.values import GAPS, Missing, Value

MERGED: Final = "other"
"""The cell of groups that are too small to be counted apart."""
CONTEXTS: Final = ("status", "channel", "language", "mode", "revision")
ANSWERED: Final = "answered."
OTHER: Final = "other."
"""Values that are no answer to the question as it was asked: counted together, never by name."""
BALLOTS: Final = frozenset({"rank", "points", "pairwise"})


def ballot_of(value: Value) -> tuple[object, ...]:
    """An answer as something that can be counted.

    >>> ballot_of(["a", "b"]), ballot_of({"a": 3})
    (('a', 'b'), (('a', 3),))
    """
    if isinstance(value, dict):
        return tuple(sorted(value.items()))
    return tuple(value) if isinstance(value, list) else (value,)


class _Counter(NamedTuple):
    """Where the answers of one variable are counted."""

    id: str
    kind: Kind
    is_closed: bool
    cells: Counter[str]
    options: Counter[str] | None
    ballots: Counter[tuple[object, ...]] | None

    def add(self, given: GivenAnswer) -> None:
        """Counts one participation."""
        value = given.value
        if value is None:
            self.cells[f"missing.{given.missing}"] += 1
        elif given.is_words and self.kind != "text":
            self.cells[OTHER] += 1
        else:
            self.cells[f"option.{code_of(value)}" if self.is_closed else ANSWERED] += 1
            if self.ballots is not None:
                self.ballots[ballot_of(value)] += 1
            if self.options is not None and isinstance(value, list | dict):
                # The codes alone: a Counter would add up the amounts, which are not people.
                self.options.update([*value])


class ParticipationCounts:
    """Counts participations one by one."""

    def __init__(self, subject: AnswerDataset) -> None:
        self.subject = subject
        self.apart = frozenset[str]()
        """The variables that are not told, because what else was shown of them would give single answers away."""
        self.begun = 0
        self.responses = 0
        """The answered ones, which everything else here is about (`storage.tables.participations`)."""
        self.finished = 0
        self.contexts = {name: Counter[str]() for name in CONTEXTS}
        self.cells = {variable.id: Counter[str](_cells_of(variable)) for variable in subject.variables}
        self.options = {
            variable.id: Counter[str](dict.fromkeys(variable.codes, 0))
            for variable in subject.variables
            if variable.is_several
        }
        self.ballots = {
            variable.id: Counter[tuple[object, ...]]()
            for variable in subject.variables
            if variable.question.type in BALLOTS
        }
        """Whole answers where the result is more than a count of each option (`bot.results.ballots`)."""
        self._counters = [
            _Counter(
                id=it.id,
                kind=it.kind,
                is_closed=is_single_choice(it),
                cells=self.cells[it.id],
                options=self.options.get(it.id),
                ballots=self.ballots.get(it.id),
            )
            for it in subject.variables
        ]

    def add(self, response: ParticipationAnswers) -> None:
        session = response.session
        self.begun += 1
        self.finished += session.status == "completed"
        if not response.is_answered:
            return
        self.responses += 1
        context = (session.status, session.channel, session.language, session.mode, str(response.revision))
        for name, value in zip(CONTEXTS, context, strict=True):
            self.contexts[name][value] += 1
        for counter in self._counters:
            counter.add(response.given[counter.id])

    def answered(self, id_: str) -> int:
        """How many answered this question, or said something else under its key."""
        return sum(n for name, n in self.cells[id_].items() if not name.startswith("missing."))

    def asked(self, id_: str) -> int:
        """How many came to this question: they answered it, or said that they do not."""
        return self.answered(id_) + sum(
            self.cells[id_][f"missing.{code.value}"] for code in Missing if code not in GAPS
        )

    def sizes(self, name: str) -> MergedSizes:
        """The publishable counts of a context: small groups are merged."""
        return small_groups.merge_small_groups(self.contexts[name], self.subject.min_cell_size)

    def published(self, name: str) -> dict[str, int | None]:
        """The same by code, and `MERGED` for those that are counted together; None where nothing may be told."""
        sizes = self.sizes(name)
        found: dict[str, int | None] = {code: sizes.published.get(code) for code in self.contexts[name]}
        return found | ({MERGED: sizes.other} if sizes.other else {})


def is_single_choice(variable: Variable) -> bool:
    """Whether each participation stands in exactly one of the variable's cells."""
    return bool(variable.codes) and variable.kind in ("option", "number")


def _cells_of(variable: Variable) -> dict[str, int]:
    answers = [f"option.{code}" for code in variable.codes] if is_single_choice(variable) else [ANSWERED]
    return dict.fromkeys((*answers, *(f"missing.{code.value}" for code in Missing)), 0)


def count_participations(connection: Connection, subject: AnswerDataset) -> ParticipationCounts:
    """All participations, counted. Shares and cells are of those that are answered."""
    counts = ParticipationCounts(subject)
    for response in stream_participations(connection, subject):
        counts.add(response)
    return counts
