"""The export as one Excel workbook: every table a sheet, answers also in words, dates as dates, codes as text.

It is bound from the files of the package, so it holds the same. Nothing a person wrote can become a formula, a link
or a number in it.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, tzinfo
from pathlib import Path
from typing import Any, Final

import xlsxwriter  # type: ignore[import-untyped]

from bot.counting.subject import Subject
from bot.errors import HouseError
from bot.exports import labelled

MOST_ROWS: Final = 1_048_576
"""What a sheet of Excel holds."""
SHEETS: Final = {
    "answers_wide.csv": ("Kürzel", "Codes"),
    "proposals.csv": ("Vorschläge", "Proposals"),
    "ratings_long.csv": ("Bewertungen", "Ratings"),
    "counts.csv": ("Anzahlen", "Counts"),
    "ratings.csv": ("Bewertungen", "Ratings"),
    "agreement.csv": ("Zustimmung", "Agreement"),
    "groups.csv": ("Gruppen", "Groups"),
    "statuses.csv": ("Stand", "Statuses"),
    "ballots.csv": ("Reihenfolgen", "Ballots"),
    "codebook.csv": ("Codebuch", "Codebook"),
}
"""Names of sheets, German and English, in their order. The long table is left out: it soon is too long for a sheet."""
_WORDS: Final = ("Antworten", "Answers")
_IN_WORDS: Final = ("answers_wide.csv in Worten", "answers_wide.csv in words")
_WIDE: Final = "answers_wide.csv"
_OPTIONS: Final = {
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
    "constant_memory": True,
    "default_date_format": "yyyy-mm-dd hh:mm",
}
_NUMBER: Final = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?")
_TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
_COUNTED: Final = frozenset(
    (
        *("n", "suppressed", "withheld", "sensitive", "seen", "place", "people", "figure", "latitude", "longitude"),
        *("agrees", "disagrees", "passes", "votes", "important", "agrees_by_events", "disagrees_by_events"),
        *("passes_by_events", "votes_by_events", "smoothed_low", "smoothed_high", "chance_low", "chance_high"),
        *("group_informed_low", "group_informed_high"),
    )
)
"""Columns of numbers in tables that are not about questions."""


def bind(found: Subject, tables: Path, target: Path, zone: tzinfo, now: datetime) -> None:
    """Makes a workbook of the files in a folder. Times are those of the city. Raises HouseError where it cannot."""
    _Binder(found, tables, target, zone, now).bind()


class _Binder:
    """One workbook being made."""

    def __init__(self, found: Subject, tables: Path, target: Path, zone: tzinfo, now: datetime) -> None:
        self._found = found
        self._tables = tables
        self._zone = zone
        self._which = 0 if found.language.startswith("de") else 1
        self._book = xlsxwriter.Workbook(target, {**_OPTIONS, "tmpdir": str(tables)})
        self._book.set_properties({"title": found.newest.slug, "created": now.replace(tzinfo=None)})
        self._bold = self._book.add_format({"bold": True, "text_wrap": True, "valign": "top"})
        self._answered = frozenset({"revision", *_numeric(found)})

    def bind(self) -> None:
        with self._book:
            there = {name: titles[self._which] for name, titles in SHEETS.items() if (self._tables / name).exists()}
            self._guide(there)
            if _WIDE in there:
                columns = labelled.columns(self._found)
                rows = ([column.say(cells) for column in columns] for cells in self._cells(_WIDE))
                names = [column.source for column in columns]
                self._sheet(
                    _WORDS[self._which], [column.head for column in columns], self._are_numbers(_WIDE, names), rows
                )
            for name, title in there.items():
                head = self._head(name)
                rows = (list(cells.values()) for cells in self._cells(name))
                self._sheet(title, head, self._are_numbers(name, head), rows)

    def _guide(self, there: Mapping[str, str]) -> None:
        """How to read all this, and which sheet is which file of the guide."""
        sheet = self._book.add_worksheet("Liesmich" if self._which == 0 else "Readme")
        sheet.set_column(0, 0, 90)
        lines = [f"{_WORDS[self._which]}: {_IN_WORDS[self._which]}", *(f"{it[1]}: {it[0]}" for it in there.items()), ""]
        lines += (self._tables / "LIESMICH.txt").read_text(encoding="utf-8").splitlines()
        for row, line in enumerate(lines):
            sheet.write_string(row, 0, line)

    def _are_numbers(self, name: str, columns: Sequence[str]) -> list[bool]:
        numbers = self._answered if name == _WIDE else _COUNTED
        return [column in numbers for column in columns]

    def _head(self, name: str) -> list[str]:
        with (self._tables / name).open(encoding="utf-8", newline="") as file:
            return next(csv.reader(file))

    def _cells(self, name: str) -> Iterator[dict[str, str]]:
        with (self._tables / name).open(encoding="utf-8", newline="") as file:
            yield from csv.DictReader(file)

    def _sheet(self, title: str, head: Sequence[str], numbers: Sequence[bool], rows: Iterator[list[str]]) -> None:
        """A sheet whose first row stays in sight and can be filtered by. `numbers` says which columns hold some."""
        sheet = self._book.add_worksheet(title)
        sheet.freeze_panes(1, 1)
        sheet.set_column(0, len(head) - 1, 18)
        sheet.write_row(0, 0, head, self._bold)
        last = 0
        for last, row in enumerate(rows, start=1):
            if last >= MOST_ROWS:
                raise HouseError(f"sheet {title}: more rows than a sheet of Excel holds; use --format csv")
            for place, cell in enumerate(row):
                if cell:
                    self._write(sheet, last, place, cell, is_number=numbers[place])
        sheet.autofilter(0, 0, last, len(head) - 1)

    def _write(self, sheet: Any, row: int, place: int, cell: str, *, is_number: bool) -> None:
        if is_number and _NUMBER.fullmatch(cell):
            sheet.write_number(row, place, float(cell))
        elif not is_number and _TIME.fullmatch(cell):
            sheet.write_datetime(row, place, datetime.fromisoformat(cell).astimezone(self._zone).replace(tzinfo=None))
        else:
            sheet.write_string(row, place, cell)


def _numeric(found: Subject) -> Iterator[str]:
    """Columns of the wide file that hold numbers: those of numeric questions, and of each option of several."""
    for variable in found.variables:
        if variable.kind == "number":
            yield variable.name
        elif variable.is_several:
            yield from variable.columns()[1:]
        elif variable.kind == "text":
            yield f"{variable.name}.withheld"
