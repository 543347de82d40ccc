"""Counts over all participations, and the table of them that may be published."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from sqlalchemy import Connection

from bot.counting.responses import Response, stream
from bot.counting.subject import Subject, Variable, code_of
from bot.counting.suppression import hidden, hidden_shares
from flows.values import Missing, Value

CONTEXTS: Final = ("status", "channel", "language", "mode", "revision")
_ANSWERED: Final = "answered."
_TELLING: Final = ("missing.not_asked", "missing.interrupted")
"""How many came to a question says how many gave the answer that led there."""
BALLOTS: Final = frozenset({"rank", "points", "pairwise"})


def ballot_of(value: Value) -> tuple[object, ...]:
    """An answer as something that can be counted.

    >>> ballot_of(["a", "b"]), ballot_of({"a": 3})
    (('a', 'b'), (('a', 3),))
    """
    if isinstance(value, dict):
        return tuple(sorted(value.items()))
    return tuple(value) if isinstance(value, list) else (value,)


class CountRow(NamedTuple):
    """A cell of the published table. The names are those of counts.csv."""

    table: str
    question_key: str
    question_type: str
    kind: str
    code: str
    label: str
    n: int | None
    """None where it is suppressed."""
    suppressed: int
    """1 or 0."""


class Counts:
    """Everything that is counted while the participations pass by."""

    def __init__(self, subject: Subject) -> None:
        self.subject = subject
        self.responses = 0
        self.contexts = {name: Counter[str]() for name in CONTEXTS}
        self.cells = {variable.key: Counter[str](_cells_of(variable)) for variable in subject.variables}
        self.options = {
            variable.key: Counter[str](dict.fromkeys(variable.codes, 0))
            for variable in subject.variables
            if variable.is_several
        }
        self.ballots = {
            variable.key: Counter[tuple[object, ...]]()
            for variable in subject.variables
            if variable.question.type in BALLOTS
        }
        """Whole answers where the result is more than a count of each option (`bot.results.ballots`)."""

    def add(self, response: Response) -> None:
        self.responses += 1
        session = response.session
        context = (session.status, session.channel, session.language, session.mode, str(response.revision))
        for name, value in zip(CONTEXTS, context, strict=True):
            self.contexts[name][value] += 1
        for variable in self.subject.variables:
            given = response.of(variable)
            if given.value is None:
                self.cells[variable.key][f"missing.{given.missing}"] += 1
                continue
            self.cells[variable.key][f"option.{code_of(given.value)}" if _is_closed(variable) else _ANSWERED] += 1
            if variable.key in self.ballots:
                self.ballots[variable.key][ballot_of(given.value)] += 1
            if variable.key in self.options and isinstance(given.value, list | dict):
                # The codes alone: a Counter would add up the amounts, which are not people.
                self.options[variable.key].update([*given.value])

    def published(self, name: str) -> dict[str, int | None]:
        """The counts of a context, None where they are too small."""
        return _published(self.contexts[name], self.responses, self.subject.least)


def _is_closed(variable: Variable) -> bool:
    """Whether each participation stands in exactly one of the variable's cells."""
    return bool(variable.codes) and variable.kind in ("option", "number")


def _cells_of(variable: Variable) -> dict[str, int]:
    answers = [f"option.{code}" for code in variable.codes] if _is_closed(variable) else [_ANSWERED]
    return dict.fromkeys((*answers, *(f"missing.{code.value}" for code in Missing)), 0)


def _published(cells: Mapping[str, int], total: int, least: int, forced: tuple[str, ...] = ()) -> dict[str, int | None]:
    out = frozenset(cells) if 0 < total < least else hidden(cells, forced, least)
    return {name: None if name in out else n for name, n in cells.items()}


def counted(connection: Connection, subject: Subject) -> Counts:
    """All participations, counted."""
    counts = Counts(subject)
    for response in stream(connection, subject):
        counts.add(response)
    return counts


def published_rows(counts: Counts, missing_labels: Mapping[str, str]) -> Iterator[CountRow]:
    """The published table, one row per cell."""
    least = counts.subject.least
    total = None if 0 < counts.responses < least else counts.responses
    yield _row("participations", "", "", "total", "", "", total)
    for name in CONTEXTS:
        cells = counts.published(name)
        yield from (_row(name, "", "", name, code, "", cells[code]) for code in sorted(cells))
    telling: set[str] = set()
    for variable in counts.subject.variables:
        leads = _leading_to(counts.subject, variable.key)
        forced = () if leads.isdisjoint(telling) else _TELLING
        cells = _published(counts.cells[variable.key], counts.responses, least, forced)
        shares = _shares(counts, variable, cells)
        if None in cells.values() or None in shares.values():
            telling.add(variable.key)
        yield from _question_rows(counts.subject, variable, cells, shares, missing_labels)


def _shares(counts: Counts, variable: Variable, cells: Mapping[str, int | None]) -> dict[str, int | None]:
    """How many chose each of several options, of all who answered."""
    options: Mapping[str, int] = counts.options.get(variable.key, {})
    answered = cells.get(_ANSWERED)
    if answered is None:
        return dict.fromkeys(options)
    out = hidden_shares(options, answered, counts.subject.least)
    return {code: None if code in out else n for code, n in options.items()}


def _question_rows(
    subject: Subject,
    variable: Variable,
    cells: Mapping[str, int | None],
    shares: Mapping[str, int | None],
    missing_labels: Mapping[str, str],
) -> Iterator[CountRow]:
    labels = {code: texts.get(subject.language, "") for code, texts in variable.labels.items()}
    for name, n in cells.items():
        kind, _, code = name.partition(".")
        label = missing_labels.get(code, "") if kind == "missing" else labels.get(code, "")
        yield _row("question", variable.key, variable.question.type, kind, code, label, n)
    for code, n in shares.items():
        yield _row("question", variable.key, variable.question.type, "chosen", code, labels.get(code, ""), n)


def _row(table: str, key: str, type_: str, kind: str, code: str, label: str, n: int | None) -> CountRow:
    return CountRow(table, key, type_, kind, code, label, n, int(n is None))


def _leading_to(subject: Subject, key: str) -> set[str]:
    """The questions whose answers decide whether this one is asked, in any revision."""
    found: set[str] = set()
    for flow in subject.flows.values():
        if key not in flow.nodes:
            continue
        for node in flow.nodes.values():
            conditions = [node.ask_if] if node.key == key else [way.condition for way in node.leaving()]
            found |= {it.question for condition in conditions if condition for it in condition.comparisons()}
            if node.key == key:
                break
    return found
