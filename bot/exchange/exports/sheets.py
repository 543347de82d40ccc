"""The sheets of an export, all filled in one pass over the participations.

    sheets = [Sheet("long.csv", LONG, long_rows), whole("codebook.csv", HEAD, rows)]
    write(sheets, portions, [CsvFolder(folder), Workbook(...)])

Every batch is passed to every sheet, and the resulting rows to every target: rows are computed once.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any, Final, NamedTuple, Protocol

from bot.common.remembered import ResultCache
from bot.results.counts.values import code_of

Cell = str | int | float | None
Row = Sequence[Cell]

FORMULAS: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")

_MONTH: Final = r"(?:jan|feb|mär|mar|mrz|apr|mai|may|jun|jul|aug|sep|okt|oct|nov|dez|dec)[a-zä]*"
_CHANGED: Final = re.compile(
    rf"""\s*(?:0\d[\d.,]*|\d{{16,}}|\d[\d.,]*e[+-]?\d+
    |\d{{1,4}}(?:\s?[-/.:]\s?\d{{1,4}}){{1,2}}[.:]?
    |\d{{1,4}}[-./\s]*{_MONTH}(?:[-./\s]*\d{{1,4}})?|{_MONTH}[-./\s]*\d{{1,4}})\s*""",
    re.IGNORECASE | re.VERBOSE,
)
"""A text that a German or English Excel takes for a number or a date with other digits."""
_DATE: Final = re.compile(r"\d{4}-\d\d-\d\d")


class Sheet(NamedTuple):
    """A table of an export."""

    name: str
    """The name of its file."""
    head: Sequence[str]
    rows: Callable[[Any], Iterable[Row]]
    """Returns the rows of the next batch of participations (`bot.exchange.exports.tables.Chunk`)."""
    excel: str = ""
    """The name of a copy for a double click in Excel, if there is one."""

    @property
    def files(self) -> tuple[str, ...]:
        return (self.name, self.excel) if self.excel else (self.name,)


def static_sheet(name: str, head: Sequence[str], rows: Iterable[Row]) -> Sheet:
    """Returns a sheet that does not depend on participations."""
    left = iter(rows)
    return Sheet(name, head, lambda _: left)


Add = Callable[[Sequence[Row]], None]
"""Accepts more rows of a sheet."""


class SheetTarget(Protocol):
    """A destination of sheets."""

    def begin(self, sheet: Sheet) -> Sequence[Add]:
        """Starts a sheet; returns the consumers of its rows, none if the target skips the sheet."""


def write_sheets(
    sheets: Iterable[Sheet], portions: Iterable[Any], targets: Sequence[SheetTarget], at_once: int
) -> None:
    """Fills all targets, batch by batch. A sheet that no target accepts is not computed."""
    begun = [(sheet, [add for target in targets for add in target.begin(sheet)]) for sheet in sheets]
    wanted = [(sheet, adds) for sheet, adds in begun if adds]
    for portion in portions:
        for sheet, adds in wanted:
            rows = iter(sheet.rows(portion))
            while some := list(islice(rows, at_once)):
                for add in adds:
                    add(some)


class CsvFolder:
    """Sheets as CSV files (RFC 4180, UTF-8), also for a double click in Excel. Closes the files with `closing`."""

    def __init__(self, folder: Path, closing: ExitStack) -> None:
        self._folder = folder
        self._closing = closing

    def begin(self, sheet: Sheet) -> Sequence[Add]:
        """Starts a sheet of any name, with its copy for Excel."""
        adds = [CsvTable(self._folder / sheet.name, sheet.head, self._closing).write]
        if sheet.excel:
            adds.append(CsvTable(self._folder / sheet.excel, sheet.head, self._closing, excel=True).write)
        return adds


class CsvTable:
    """A CSV file being written."""

    def __init__(self, path: Path, head: Sequence[str], closing: ExitStack, *, excel: bool = False) -> None:
        self._file = closing.enter_context(path.open("wb"))
        self._delimiter = ";" if excel else ","
        self._cells: Callable[[Row], Row] = ResultCache(_excel_cell).of if excel else _plain
        if excel:
            self._file.write("\ufeff".encode())
        self.write([head])

    def write(self, rows: Iterable[Row]) -> None:
        """Writes some more rows."""
        text = io.StringIO(newline="")
        csv.writer(text, delimiter=self._delimiter).writerows(map(self._cells, rows))
        self._file.write(text.getvalue().encode())


def cell_text(cell: Cell) -> str:
    """Returns the text of a cell; "" for None."""
    if isinstance(cell, str):
        return cell
    if cell is None:
        return ""
    return code_of(cell) if isinstance(cell, float) else str(cell)


def to_the_second(moment: datetime) -> str:
    """ISO 8601 in UTC, as the view `v_answers_long`."""
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def _plain(row: Row) -> Row:
    if float not in map(type, row):
        return row  # the usual case: the writer accepts the value unchanged
    return [code_of(cell) if isinstance(cell, float) else cell for cell in row]


def _excel_cell(cell: Cell) -> str:
    """Formats a cell for German Excel: numbers with a decimal comma, texts escaped."""
    if isinstance(cell, float):
        return code_of(cell).replace(".", ",")
    return guard_double_click(cell) if isinstance(cell, str) else cell_text(cell)


def guard_double_click(text: str) -> str:
    """Escapes a text that a spreadsheet would change or run when it opens a file: leading zeros, long numbers, parts of
    dates, formulas. A whole date (2027-03-31) becomes the same date there, and stays.

    >>> [guard_double_click(it) for it in ("01", "1-2", "1.5", "3 Mai", "12e3", "=A1")]
    ["'01", "'1-2", "'1.5", "'3 Mai", "'12e3", "'=A1"]
    >>> [guard_double_click(it) for it in ("1", "0", "2027-03-31", "1,5", "ja", "3 Bäume", "10178 Berlin")]
    ['1', '0', '2027-03-31', '1,5', 'ja', '3 Bäume', '10178 Berlin']
    """
    return f"'{text}" if _CHANGED.fullmatch(text) and not _DATE.fullmatch(text) else guard_formula(text)


def guard_formula(text: str) -> str:
    """Escapes a text that a spreadsheet would run as a formula."""
    return f"'{text}" if text.startswith(FORMULAS) else text
