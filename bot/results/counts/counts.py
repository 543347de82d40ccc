"""Counts all answered participations. `bot.results.counts.rows` selects what may be published."""

from __future__ import annotations

from collections import Counter
from typing import Final, NamedTuple

from sqlalchemy import Connection

from bot.results.counts import small_groups
from bot.results.counts.answer_dataset import AnswerDataset, Variable
from bot.results.counts.participation_reader import GivenAnswer, ParticipationAnswers, stream_participations
from bot.results.counts.small_groups import MergedSizes
from bot.results.counts.values import code_of
from flows.questions.base import Question
from flows.tally import Tally
from flows.values import GAPS, Missing, Value

MERGED: Final = "other"
"""The cell of groups that are too small to be counted separately."""
CONTEXTS: Final = ("status", "channel", "language", "mode", "revision")
ANSWERED: Final = "answered."
OTHER: Final = "other."
"""Values that are no valid answer to the question: counted together, never named."""
BALLOTS: Final[frozenset[Tally]] = frozenset({"order", "amounts", "pairs"})
"""Tallies whose result is more than a count of each option."""


def ballot_of(value: Value) -> tuple[object, ...]:
    """Returns an answer as a hashable value.

    >>> ballot_of(["a", "b"]), ballot_of({"a": 3})
    (('a', 'b'), (('a', 3),))
    """
    if isinstance(value, dict):
        return tuple(sorted(value.items()))
    return tuple(value) if isinstance(value, list) else (value,)


class _Counter(NamedTuple):
    """Counts the answers of one variable."""

    id: str
    question: Question
    tally: Tally
    is_closed: bool
    cells: Counter[str]
    options: Counter[str] | None
    ballots: Counter[tuple[object, ...]] | None

    def add(self, given: GivenAnswer) -> None:
        """Counts one participation."""
        value = given.value
        if value is None:
            self.cells[f"missing.{given.missing}"] += 1
        elif given.is_words and self.tally != "text":
            self.cells[OTHER] += 1
        else:
            self.cells[f"option.{code_of(self.question.cell(value))}" if self.is_closed else ANSWERED] += 1
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
        """The variables that are withheld, because together with other published figures they would disclose single
        answers.
        """
        self.begun = 0
        self.responses = 0
        """The number of answered participations; all other counts here are about these
        (`storage.tables.participations`).
        """
        self.finished = 0
        self.bursts = 0
        """Those of the answered participations that began in a burst of their network."""
        self.contexts = {name: Counter[str]() for name in CONTEXTS}
        self.cells = {variable.id: Counter[str](_cells_of(variable)) for variable in subject.variables}
        self.options = {
            variable.id: Counter[str](dict.fromkeys(variable.codes, 0))
            for variable in subject.variables
            if variable.is_several
        }
        self.ballots = {
            variable.id: Counter[tuple[object, ...]]() for variable in subject.variables if variable.tally in BALLOTS
        }
        """Whole answers, for questions whose result is more than a count of each option (`bot.results.ballots`)."""
        self._counters = [
            _Counter(
                id=it.id,
                question=it.question,
                tally=it.tally,
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
        self.bursts += session.burst
        context = (session.status, session.channel, session.language, session.mode, str(response.revision))
        for name, value in zip(CONTEXTS, context, strict=True):
            self.contexts[name][value] += 1
        for counter in self._counters:
            counter.add(response.given[counter.id])

    def answered(self, id_: str) -> int:
        """Returns the number of participations with a value for this question, including invalid values."""
        return sum(n for name, n in self.cells[id_].items() if not name.startswith("missing."))

    def asked(self, id_: str) -> int:
        """Returns the number of participations that reached this question: answered it or declined to."""
        return self.answered(id_) + sum(
            self.cells[id_][f"missing.{code.value}"] for code in Missing if code not in GAPS
        )

    def sizes(self, name: str) -> MergedSizes:
        """Returns the publishable counts of a context: small groups are merged."""
        return small_groups.merge_small_groups(self.contexts[name], self.subject.min_cell_size)

    def published(self, name: str) -> dict[str, int | None]:
        """Returns these counts by code, with `MERGED` for merged groups; suppressed counts are None."""
        sizes = self.sizes(name)
        found: dict[str, int | None] = {code: sizes.published.get(code) for code in self.contexts[name]}
        return found | ({MERGED: sizes.other} if sizes.other else {})


def is_single_choice(variable: Variable) -> bool:
    """Whether each participation is counted in exactly one of the variable's cells."""
    return variable.tally == "date" or (bool(variable.codes) and variable.tally in ("option", "number"))


def _cells_of(variable: Variable) -> dict[str, int]:
    answers = [f"option.{code}" for code in variable.codes] if is_single_choice(variable) else [ANSWERED]
    return dict.fromkeys((*answers, *(f"missing.{code.value}" for code in Missing)), 0)


def count_participations(connection: Connection, subject: AnswerDataset) -> ParticipationCounts:
    """Counts all participations. Shares and cells refer to the answered ones."""
    counts = ParticipationCounts(subject)
    for response in stream_participations(connection, subject):
        if not (subject.is_without_bursts and response.session.burst):
            counts.add(response)
    return counts
