"""The export as one Excel workbook: every table a sheet, answers also in words, dates as dates, codes as text.

The same rows as in the files of the package. XlsxWriter makes the workbook with its styles and heads; the rows go
straight into the parts of the sheets (`bot.exchange.exports.cells`), which is many times as fast as cell by cell.
"""

from __future__ import annotations

import io
import re
import shutil
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from datetime import datetime, tzinfo
from pathlib import Path
from typing import IO, Final, NamedTuple

import xlsxwriter  # type: ignore[import-untyped]

from bot.common.errors import CommandError
from bot.exchange.exports import labelled
from bot.exchange.exports.cells import DATE_STYLE, SheetXml
from bot.exchange.exports.sheets import Add, Row, Sheet, cell_text
from bot.results.counts.answer_dataset import COUNTED_COLUMN, AnswerDataset

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
    "texts.csv": ("Freie Antworten", "Open answers"),
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
_PLACE: Final = re.compile(rb"(?<=</row>)<row [^>]*>(.*?)</row>(?=</sheetData>)", re.DOTALL)
"""Where the rows of a sheet belong, and what stands there."""
_COUNTED: Final = frozenset(
    (
        *("n", "suppressed", "withheld", "sensitive", "seen", "place", "people", "figure", "latitude", "longitude"),
        *("agrees", "disagrees", "passes", "votes", "important", "agrees_by_events", "disagrees_by_events"),
        *("passes_by_events", "votes_by_events", "smoothed_low", "smoothed_high", "chance_low", "chance_high"),
        *("group_informed_low", "group_informed_high"),
    )
)
"""Columns of numbers in tables that are not about questions."""


class Workbook:
    """A workbook being made of sheets. Times are those of the city."""

    def __init__(self, found: AnswerDataset, zone: tzinfo, now: datetime, closing: ExitStack, folder: Path) -> None:
        """What is too large for memory lies in `folder` meanwhile, without a name."""
        self._found = found
        self._zone = zone
        self._now = now
        self._closing = closing
        self._folder = folder
        self._which = 0 if found.language.startswith("de") else 1
        self._answered = frozenset({"revision", *_numeric(found)})
        self._parts: dict[str, _Part] = {}

    def begin(self, sheet: Sheet) -> Sequence[Add]:
        """Takes what `SHEETS` names."""
        if sheet.name not in SHEETS:
            return ()
        if sheet.name != _WIDE:
            return [self._part(sheet.name, SHEETS[sheet.name][self._which], sheet.head, sheet.head).write]
        columns = labelled.labelled_columns(self._found)
        heads, sources = [it.head for it in columns], [it.source for it in columns]
        in_words = self._part(_IN_WORDS[self._which], _WORDS[self._which], heads, sources)

        def say(rows: Sequence[Row]) -> None:
            texts = (dict(zip(sheet.head, map(cell_text, row), strict=True)) for row in rows)
            in_words.write([[column.say(cells) for column in columns] for cells in texts])

        return [say, self._part(_WIDE, SHEETS[_WIDE][self._which], sheet.head, sheet.head).write]

    def _part(self, name: str, title: str, head: Sequence[str], columns: Sequence[str]) -> _Part:
        """A sheet called `title` that is found as `name` in the guide; `columns` say what is a number."""
        numbers = self._answered if name in (_WIDE, *_IN_WORDS) else _COUNTED
        path = self._folder / f"{title}.rows"
        rows = self._closing.enter_context(path.open("w+b"))
        path.unlink()
        self._parts[name] = _Part(title, head, rows, SheetXml([it in numbers for it in columns], self._zone))
        return self._parts[name]

    def save(self, target: Path, guide: str) -> None:
        """Writes the workbook, with a guide in front."""
        names = (*_IN_WORDS, *SHEETS)
        parts = {name: self._parts[name] for name in names if name in self._parts}
        book = self._empty(parts, guide)
        filled = {f"xl/worksheets/sheet{number}.xml": part for number, part in enumerate(parts.values(), start=2)}
        with zipfile.ZipFile(book) as source, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as package:
            for entry in source.infolist():
                content = source.read(entry)
                if part := filled.get(entry.filename):
                    part.pack(content, entry, package)
                else:
                    package.writestr(entry, content)

    def _empty(self, parts: dict[str, _Part], guide: str) -> IO[bytes]:
        """The workbook without its rows. A date stands in the last one of each sheet: it brings the style of dates, and
        the sheet says how large it is.
        """
        file = io.BytesIO()
        with xlsxwriter.Workbook(file, {**_OPTIONS, "tmpdir": str(self._folder)}) as book:
            book.set_properties({"title": self._found.newest.slug, "created": self._now.replace(tzinfo=None)})
            bold = book.add_format({"bold": True, "text_wrap": True, "valign": "top"})
            sheet = book.add_worksheet("Liesmich" if self._which == 0 else "Readme")
            sheet.set_column(0, 0, 90)
            lines = [*(f"{part.title}: {name}" for name, part in parts.items()), "", *guide.splitlines()]
            for row, line in enumerate(lines):
                sheet.write_string(row, 0, line)
            for part in parts.values():
                sheet = book.add_worksheet(part.title)
                sheet.freeze_panes(1, 1)
                sheet.set_column(0, len(part.head) - 1, 18)
                sheet.write_row(0, 0, part.head, bold)
                if part.number:
                    sheet.write_datetime(part.number, 0, self._now.replace(tzinfo=None))
                sheet.autofilter(0, 0, part.number, len(part.head) - 1)
        return file


class _Part(NamedTuple):
    """A sheet whose rows are being written into a file."""

    title: str
    head: Sequence[str]
    rows: IO[bytes]
    cells: SheetXml

    @property
    def number(self) -> int:
        """How many rows there are below the head."""
        return self.cells.row - 1

    def write(self, rows: Sequence[Row]) -> None:
        if self.cells.row + len(rows) > MOST_ROWS:
            raise CommandError(f"sheet {self.title}: more rows than a sheet of Excel holds; use --format csv")
        self.rows.write(self.cells.rows(rows))

    def pack(self, content: bytes, entry: zipfile.ZipInfo, package: zipfile.ZipFile) -> None:
        """Writes an entry of the workbook, the rows in their place in its content."""
        if not self.number:
            package.writestr(entry, content)
            return
        place = _PLACE.search(content)
        if place is None or f' s="{DATE_STYLE}"'.encode() not in place[1]:
            raise AssertionError("XlsxWriter numbers its styles in another way; see bot.exchange.exports.cells")
        before, after = content[: place.start()], content[place.end() :]
        entry.file_size = len(before) + self.rows.tell() + len(after)
        self.rows.seek(0)
        with package.open(entry, "w") as file:
            file.write(before)
            shutil.copyfileobj(self.rows, file, 1 << 20)
            file.write(after)


def _numeric(found: AnswerDataset) -> Iterator[str]:
    """Columns of the wide file that hold numbers: those of numeric questions, and of each option of several."""
    for variable in found.variables:
        if variable.kind == "number":
            yield variable.name
        elif variable.is_several:
            yield from variable.columns()[1:]
        elif variable.kind == "text":
            yield f"{variable.name}.withheld"
    yield COUNTED_COLUMN
