"""Rows of the long and the wide files."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, tzinfo
from functools import lru_cache, partial
from typing import Final, NamedTuple, TypeGuard

from bot.common.remembered import ResultCache
from bot.exchange.exports.sheets import Cell, Row
from bot.results.counts.answer_dataset import COUNTED_COLUMN, RESPONSE_COLUMNS, TIME_COLUMNS, AnswerDataset, Variable
from bot.results.counts.participation_reader import GivenAnswer, ParticipationAnswers, parse_stored_answer
from bot.results.counts.values import code_of
from flows.values import Value

LONG: Final = (
    "response_id",
    "consultation",
    "revision",
    "question_key",
    "question_type",
    "option_code",
    "option_label",
    "value",
    "text",
    "withheld",
    "missing",
    "answered_at",
    "channel",
    "language",
    "mode",
    "version",
    "variable",
    "answered",
)
PROPOSED: Final = "proposed"
"""Replaces the code of a proposal."""


class NamedParticipation(NamedTuple):
    """A participation and its id in this export."""

    response: ParticipationAnswers
    name: str


Chunk = Sequence[NamedParticipation]


class ProfileView(NamedTuple):
    """The data of a participation that a profile contains."""

    name_of: Callable[[ParticipationAnswers], str]
    moment: Callable[[datetime], str]
    shows_text: bool


def to_the_week(zone: tzinfo) -> Callable[[datetime], str]:
    """ISO 8601 weeks in the city's time zone: precise enough for trends, too coarse to identify a person."""
    return lru_cache(4096)(lambda moment: "{}-W{:02}".format(*moment.astimezone(zone).isocalendar()))


class LongRows:
    """One row per question; for questions with several options one per chosen option, with its rank or amount if there
    is one.
    """

    def __init__(self, subject: AnswerDataset, view: ProfileView) -> None:
        self._subject = subject
        self._view = view
        self._variables = [(it, ResultCache(partial(self._of_key, it))) for it in subject.variables]

    def __call__(self, portion: Chunk) -> Iterator[Row]:
        """Returns the rows of these participations, in order."""
        slug, moment = self._subject.newest.slug, self._view.moment
        for response, name in portion:
            head, counts = (name, slug, response.revision), int(response.is_answered)
            for variable, contents in self._variables:
                given = response.given[variable.id]
                at = moment(given.at) if given.at else None
                context = (given.missing, at, given.channel, given.language, given.mode, given.version)
                found = contents[given.raw, given.is_released] if given.raw else self._contents(variable, given)
                for content in found:
                    yield (*head, *content, *context, variable.name, counts)

    def _of_key(self, variable: Variable, key: tuple[str, bool]) -> tuple[tuple[Cell, ...], ...]:
        """Returns the middle columns of a stored answer, and whether it is released."""
        raw, is_released = key
        return self._contents(variable, parse_stored_answer(variable, raw)._replace(is_released=is_released))

    def _contents(self, variable: Variable, given: GivenAnswer) -> tuple[tuple[Cell, ...], ...]:
        shown = _shown(variable, given, self._view)
        head = (variable.key, variable.question.type)
        return tuple((*head, *content) for content in _contents(self._subject, variable, shown, self._view))


def _shown(variable: Variable, given: GivenAnswer, view: ProfileView) -> GivenAnswer:
    """The code of an idea is public, and its author may have shown it: outside of `raw` no row of answers has it."""
    is_idea = variable.question.carries == "proposal" and given.value is not None
    return given._replace(value=PROPOSED) if is_idea and not view.shows_text else given


def _is_shown(given: GivenAnswer, view: ProfileView) -> bool:
    """Whether free text is included: in the profile `raw`, and after moderators released it."""
    return view.shows_text or given.is_released


def _contents(
    subject: AnswerDataset, variable: Variable, given: GivenAnswer, view: ProfileView
) -> Iterator[tuple[Cell, ...]]:
    """Returns code, label, number, text, withheld: the middle columns of a long row."""
    value = given.value
    if value is None:
        yield None, None, None, None, 0
    elif given.is_words:
        yield (None, None, None, code_of(value), 0) if _is_shown(given, view) else (None, None, None, None, 1)
    elif isinstance(value, list | dict):
        for code, number in _by_code(variable, value).items():
            yield code, _label(subject, variable, code), number, None, 0
        if not value:
            yield None, None, None, None, 0
    elif _is_number(value):
        yield None, _label(subject, variable, code_of(value)), value, None, 0
    else:
        yield code_of(value), _label(subject, variable, code_of(value)), None, None, 0


def _by_code(variable: Variable, value: list[str] | dict[str, int]) -> dict[str, int | None]:
    """Returns for each chosen option its amount, its rank from 1 on, or nothing."""
    if isinstance(value, dict):
        return {**value}
    if variable.tally == "order":
        return {code: place for place, code in enumerate(value, start=1)}
    return dict.fromkeys(value)


def _label(subject: AnswerDataset, variable: Variable, code: str) -> str | None:
    labels = variable.labels.get(code, {})
    return labels.get(subject.language) or next(iter(labels.values()), None)


def wide_head(subject: AnswerDataset) -> tuple[str, ...]:
    """Returns the columns of the wide files."""
    return (
        *RESPONSE_COLUMNS,
        *TIME_COLUMNS,
        *(column for variable in subject.variables for column in variable.columns()),
        COUNTED_COLUMN,
    )


class WideRows:
    """One row per participation: an answer or a missing code in each question's column."""

    def __init__(self, subject: AnswerDataset, view: ProfileView) -> None:
        self._subject = subject
        self._view = view
        self._variables = [(it, ResultCache(partial(self._of_key, it))) for it in subject.variables]

    def __call__(self, portion: Chunk) -> Iterator[Row]:
        """Returns the rows of these participations, in order."""
        slug, moment = self._subject.newest.slug, self._view.moment
        for response, name in portion:
            session = response.session
            cells: list[Cell] = [name, slug, response.revision, session.status, session.channel, session.language]
            cells += [session.mode, session.place_code, moment(session.started_at)]
            cells.append(moment(session.ended_at) if session.ended_at else None)
            for variable, remembered in self._variables:
                given = response.given[variable.id]
                cells += remembered[given.raw, given.missing, given.is_released]
            cells.append(int(response.is_answered))
            yield cells

    def _of_key(self, variable: Variable, key: tuple[str, str, bool]) -> list[Cell]:
        """Returns the cells of a stored answer or of the reason for a missing one, and whether it is released."""
        raw, missing, is_released = key
        given = parse_stored_answer(variable, raw or None)._replace(missing=missing, is_released=is_released)
        return _wide_cells(variable, _shown(variable, given, self._view), self._view)


def _wide_cells(variable: Variable, given: GivenAnswer, view: ProfileView) -> list[Cell]:
    value = given.value
    if variable.tally == "text":
        is_withheld = value is not None and not _is_shown(given, view)
        return [given.missing or (None if is_withheld else str(value)), given.missing, int(is_withheld)]
    cells = [_value_cell(given, view)]
    if variable.is_several:
        is_known = value is not None and not given.is_words
        cells += [_wide_cell(variable, value, code) if is_known else None for code in variable.codes]
    return cells


def _value_cell(given: GivenAnswer, view: ProfileView) -> Cell:
    """Returns the answer, or the reason for a missing one; None for words that were not released."""
    value = given.value
    if value is None:
        return given.missing
    if given.is_words:
        return code_of(value) if _is_shown(given, view) else None
    return value if _is_number(value) else code_of(value)


def _wide_cell(variable: Variable, value: Value | None, code: str) -> Cell:
    """Returns the cell of one option: 1 or 0, its amount, or its rank (empty if it was not ranked)."""
    given = _by_code(variable, value) if isinstance(value, list | dict) else {}
    if variable.tally == "order":
        return given.get(code)
    number = given.get(code)
    return int(code in given) if number is None else number


def _is_number(value: Value) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool)
