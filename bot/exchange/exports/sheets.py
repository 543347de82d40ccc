"""The sheets of an export, all filled in one pass over the participations.

    sheets = [Sheet("long.csv", LONG, long_rows), whole("codebook.csv", HEAD, rows)]
    write(sheets, portions, [CsvFolder(folder), Workbook(...)])

Every portion is handed to every sheet, and what a sheet makes of it to every target: rows are made once.
"""

from __future__ import annotations

import csv
import io
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


class Sheet(NamedTuple):
    """A table of an export."""

    name: str
    """The file it becomes."""
    head: Sequence[str]
    rows: Callable[[Any], Iterable[Row]]
    """The rows of the next portion of what is read (`bot.exchange.exports.tables.Chunk`)."""
    excel: str = ""
    """A file that holds the same for a double click in Excel, if there is one."""

    @property
    def files(self) -> tuple[str, ...]:
        return (self.name, self.excel) if self.excel else (self.name,)


def static_sheet(name: str, head: Sequence[str], rows: Iterable[Row]) -> Sheet:
    """A sheet that does not depend on participations."""
    left = iter(rows)
    return Sheet(name, head, lambda _: left)


Add = Callable[[Sequence[Row]], None]
"""Takes more rows of a sheet."""


class SheetTarget(Protocol):
    """What sheets are written into."""

    def begin(self, sheet: Sheet) -> Sequence[Add]:
        """Takes a sheet on; gives what its rows are handed to, which may be nothing."""


def write_sheets(
    sheets: Iterable[Sheet], portions: Iterable[Any], targets: Sequence[SheetTarget], at_once: int
) -> None:
    """Fills all targets, with so many rows at once. A sheet no target wants is not made."""
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
        """Takes any sheet."""
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
    """A cell as it is written down; "" where there is nothing."""
    if isinstance(cell, str):
        return cell
    if cell is None:
        return ""
    return code_of(cell) if isinstance(cell, float) else str(cell)


def to_the_second(moment: datetime) -> str:
    """ISO 8601 in UTC, as in the view `v_answers_long`."""
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def _plain(row: Row) -> Row:
    if float not in map(type, row):
        return row  # nearly always, and the writer takes it as it is
    return [code_of(cell) if isinstance(cell, float) else cell for cell in row]


def _excel_cell(cell: Cell) -> str:
    """Numbers with a comma, as German Excel reads them; no text that it would run as a formula."""
    if isinstance(cell, float):
        return code_of(cell).replace(".", ",")
    return guard_formula(cell) if isinstance(cell, str) else cell_text(cell)


def guard_formula(text: str) -> str:
    """A text no spreadsheet runs as a formula."""
    return f"'{text}" if text.startswith(FORMULAS) else text
