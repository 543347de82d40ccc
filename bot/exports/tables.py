"""Rows of the long and the wide files, and how CSV is written for programs and for a double click in Excel."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from datetime import datetime, tzinfo
from pathlib import Path
from typing import Final, NamedTuple, TypeGuard

from bot.counting.responses import Given, Response
from bot.counting.subject import RESPONSE, TIMES, Subject, Variable, code_of
from flows.values import Value

Cell = str | int | float | None
Row = Sequence[Cell]

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
)
PROPOSED: Final = "proposed"
"""What stands for the code of an idea."""
FORMULAS: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


class View(NamedTuple):
    """How much of a participation a profile shows."""

    name_of: Callable[[Response], str]
    moment: Callable[[datetime], str]
    shows_text: bool


def to_the_second(moment: datetime) -> str:
    """ISO 8601 in UTC, as in the view `v_answers_long`."""
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def to_the_week(zone: tzinfo) -> Callable[[datetime], str]:
    """ISO 8601 weeks of the city: enough to see a trend, too coarse to find a person."""
    return lambda moment: "{}-W{:02}".format(*moment.astimezone(zone).isocalendar())


def long_rows(subject: Subject, response: Response, name: str, view: View) -> Iterator[Row]:
    """One row for each question; for several options one for each that was chosen, with its place or amount if any."""
    head = (name, subject.newest.slug, response.revision)
    for variable in subject.variables:
        given = _shown(variable, response.of(variable), view)
        at = view.moment(given.at) if given.at else None
        tail = (given.missing, at, given.channel, given.language, given.mode, given.version)
        for content in _contents(subject, variable, given, view):
            yield (*head, variable.key, variable.question.type, *content, *tail)


def _shown(variable: Variable, given: Given, view: View) -> Given:
    """The code of an idea is public, and its author may have shown it: outside of `raw` no row of answers has it."""
    is_idea = variable.question.type == "proposal" and given.value is not None
    return given._replace(value=PROPOSED) if is_idea and not view.shows_text else given


def _contents(subject: Subject, variable: Variable, given: Given, view: View) -> Iterator[tuple[Cell, ...]]:
    """Code, label, number, text, withheld: what stands in the middle of a long row."""
    value = given.value
    if value is None:
        yield None, None, None, None, 0
    elif given.free_text or variable.kind == "text":
        yield (None, None, None, str(value), 0) if view.shows_text else (None, None, None, None, 1)
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
    """What several options have each: an amount, a place from 1 on, or nothing but that they were chosen."""
    if isinstance(value, dict):
        return {**value}
    if variable.kind == "order":
        return {code: place for place, code in enumerate(value, start=1)}
    return dict.fromkeys(value)


def _label(subject: Subject, variable: Variable, code: str) -> str | None:
    labels = variable.labels.get(code, {})
    return labels.get(subject.language) or next(iter(labels.values()), None)


def wide_head(subject: Subject) -> tuple[str, ...]:
    """The columns of the wide files."""
    return (*RESPONSE, *TIMES, *(column for variable in subject.variables for column in variable.columns()))


def wide_row(subject: Subject, response: Response, name: str, view: View) -> Row:
    """One participation: an answer or a missing code in each question's column."""
    session = response.session
    cells: list[Cell] = [name, subject.newest.slug, response.revision, session.status, session.channel]
    cells += [session.language, session.mode, session.place_code]
    cells += [view.moment(session.started_at), view.moment(session.ended_at) if session.ended_at else None]
    for variable in subject.variables:
        cells += _wide_cells(variable, _shown(variable, response.of(variable), view), view)
    return cells


def _wide_cells(variable: Variable, given: Given, view: View) -> list[Cell]:
    value = given.value
    if variable.kind == "text" or given.free_text:
        is_withheld = value is not None and not view.shows_text
        cells: list[Cell] = [given.missing or (None if is_withheld else str(value)), given.missing, int(is_withheld)]
    else:
        cells = [given.missing if value is None else value if _is_number(value) else code_of(value)]
    if variable.is_several:
        cells[1:] = [None if value is None else _wide_cell(variable, value, code) for code in variable.codes]
    return cells[: len(variable.columns())]


def _wide_cell(variable: Variable, value: Value, code: str) -> Cell:
    """What one option has: 1 or 0, its amount, or its place (empty where it was not ranked)."""
    given = _by_code(variable, value if isinstance(value, list | dict) else [str(value)])
    if variable.kind == "order":
        return given.get(code)
    number = given.get(code)
    return int(code in given) if number is None else number


def _is_number(value: Value) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


class Table:
    """A CSV file being written (RFC 4180, UTF-8)."""

    def __init__(self, path: Path, head: Sequence[str], closing: ExitStack, *, excel: bool = False) -> None:
        file = path.open("w", encoding="utf-8-sig" if excel else "utf-8", newline="")
        self._writer = csv.writer(closing.enter_context(file), delimiter=";" if excel else ",")
        self._prepare = _for_excel if excel else _plain
        self.write([head])

    def write(self, rows: Iterable[Row]) -> None:
        self._writer.writerows(map(self._prepare, rows))


def _plain(row: Row) -> Row:
    return [code_of(cell) if isinstance(cell, float) else cell for cell in row]


def _for_excel(row: Row) -> Row:
    """Numbers with a comma, as German Excel reads them; no text that it would run as a formula."""
    return [
        code_of(cell).replace(".", ",") if isinstance(cell, float) else guarded(cell) if isinstance(cell, str) else cell
        for cell in row
    ]


def guarded(text: str) -> str:
    """A text no spreadsheet runs as a formula."""
    return f"'{text}" if text.startswith(FORMULAS) else text
