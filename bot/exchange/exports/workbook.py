"""The export as one Excel workbook: one sheet per table, answers also as labels, dates as dates, codes as text.

The rows are those of the files of the package. XlsxWriter makes the workbook with its styles and headers; the rows are
written directly into the XML of the sheets (`bot.exchange.exports.cells`), which is many times faster than cell by
cell.
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
from typing import IO, Any, Final, NamedTuple

from bot.common.errors import CommandError
from bot.exchange.exports import labelled
from bot.exchange.exports.cells import DATE_STYLE, SheetXml
from bot.exchange.exports.german_heads import german_head
from bot.exchange.exports.sheets import Add, Row, Sheet, cell_text
from bot.results.counts.answer_dataset import COUNTED_COLUMN, AnswerDataset

MOST_ROWS: Final = 1_048_576
"""The maximum number of rows of an Excel sheet."""
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
"""The names of the sheets in German and English, in order. The long table is left out, because it may exceed the
maximum number of rows.
"""
_A4: Final = 9
"""The number of the paper size in ECMA-376."""
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
"""The position of a sheet and its content."""
_COUNTED: Final = frozenset(
    (
        *("n", "suppressed", "withheld", "sensitive", "seen", "place", "people", "figure", "latitude", "longitude"),
        *("agrees", "disagrees", "passes", "votes", "important", "agrees_by_events", "disagrees_by_events"),
        *("passes_by_events", "votes_by_events", "smoothed_low", "smoothed_high", "chance_low", "chance_high"),
        *("group_informed_low", "group_informed_high"),
    )
)
"""The numeric columns of tables without questions."""


class Workbook:
    """Builds a workbook from sheets. Times are in the city's time zone."""

    def __init__(self, found: AnswerDataset, zone: tzinfo, now: datetime, closing: ExitStack, folder: Path) -> None:
        """`folder` takes unnamed temporary files for data too large for memory."""
        self._found = found
        self._zone = zone
        self._now = now
        self._closing = closing
        self._folder = folder
        self._which = 0 if found.language.startswith("de") else 1
        self._answered = frozenset({"revision", *_numeric(found)})
        self._days = frozenset(variable.name for variable in found.variables if variable.tally == "date")
        self._parts: dict[str, _Part] = {}

    def begin(self, sheet: Sheet) -> Sequence[Add]:
        """Accepts the sheets in `SHEETS`."""
        if sheet.name not in SHEETS:
            return ()
        if sheet.name != _WIDE:
            heads = [german_head(it) for it in sheet.head] if self._which == 0 else sheet.head
            return [self._part(sheet.name, SHEETS[sheet.name][self._which], heads, sheet.head).write]
        columns = labelled.labelled_columns(self._found)
        heads, sources = [it.head for it in columns], [it.source for it in columns]
        in_words = self._part(_IN_WORDS[self._which], _WORDS[self._which], heads, sources)

        def say(rows: Sequence[Row]) -> None:
            texts = (dict(zip(sheet.head, map(cell_text, row), strict=True)) for row in rows)
            in_words.write([[column.say(cells) for column in columns] for cells in texts])

        return [say, self._part(_WIDE, SHEETS[_WIDE][self._which], sheet.head, sheet.head).write]

    def _part(self, name: str, title: str, head: Sequence[str], columns: Sequence[str]) -> _Part:
        """Returns a sheet with this `title`, listed as `name` in the guide; `columns` marks the numeric columns."""
        numbers = self._answered if name in (_WIDE, *_IN_WORDS) else _COUNTED
        path = self._folder / f"{title}.rows"
        rows = self._closing.enter_context(path.open("w+b"))
        path.unlink()
        days = self._days if name in (_WIDE, *_IN_WORDS) else frozenset[str]()
        cells = SheetXml([it in numbers for it in columns], self._zone, [it in days for it in columns])
        self._parts[name] = _Part(title, head, rows, cells)
        return self._parts[name]

    def save(self, target: Path, guide: str) -> None:
        """Writes the workbook, with a guide as its first sheet."""
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
        """Returns the workbook without rows. The last row of each sheet contains a date: it defines the style of dates
        and the size of the sheet.
        """
        import xlsxwriter  # type: ignore[import-untyped] # late: the service starts without it

        file = io.BytesIO()
        with xlsxwriter.Workbook(file, {**_OPTIONS, "tmpdir": str(self._folder)}) as book:
            book.set_properties({"title": self._found.newest.slug, "created": self._now.replace(tzinfo=None)})
            bold = book.add_format({"bold": True, "text_wrap": True, "valign": "top"})
            day = book.add_format({"num_format": "yyyy-mm-dd"})
            sheet = book.add_worksheet("Liesmich" if self._which == 0 else "Readme")
            sheet.set_column(0, 0, 90)
            _set_page(sheet, is_wide=False)
            lines = [*(f"{part.title}: {name}" for name, part in parts.items()), "", *guide.splitlines()]
            for row, line in enumerate(lines):
                sheet.write_string(row, 0, line)
            for part in parts.values():
                sheet = book.add_worksheet(part.title)
                sheet.freeze_panes(1, 1)
                sheet.set_column(0, len(part.head) - 1, 18)
                sheet.write_row(0, 0, part.head, bold)
                _set_page(sheet, is_wide=True)
                if part.number:
                    sheet.write_datetime(part.number, 0, self._now.replace(tzinfo=None))
                    # A style gets its number where it is first used.
                    sheet.write_datetime(part.number, len(part.head) - 1, self._now.replace(tzinfo=None), day)
                sheet.autofilter(0, 0, part.number, len(part.head) - 1)
        return file


def _set_page(sheet: Any, *, is_wide: bool) -> None:
    """Sets how a sheet is printed: A4, all columns on one page, the header and its name on each page."""
    sheet.set_paper(_A4)
    sheet.fit_to_pages(1, 0)
    sheet.set_margins(left=0.5, right=0.5)
    sheet.set_footer("&L&A&R&P / &N")
    if is_wide:
        sheet.set_landscape()
        sheet.repeat_rows(0)


class _Part(NamedTuple):
    """A sheet whose rows are written into a temporary file."""

    title: str
    head: Sequence[str]
    rows: IO[bytes]
    cells: SheetXml

    @property
    def number(self) -> int:
        """Returns the number of rows below the header."""
        return self.cells.row - 1

    def write(self, rows: Sequence[Row]) -> None:
        if self.cells.row + len(rows) > MOST_ROWS:
            raise CommandError(f"sheet {self.title}: more rows than a sheet of Excel holds; use --format csv")
        self.rows.write(self.cells.rows(rows))

    def pack(self, content: bytes, entry: zipfile.ZipInfo, package: zipfile.ZipFile) -> None:
        """Writes an entry of the workbook, with the rows inserted into its XML."""
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
    """Returns the numeric columns of the wide file: those of numeric questions, and of each option."""
    for variable in found.variables:
        if variable.tally in {"number", "votes"}:
            yield variable.name
        elif variable.is_several:
            yield from variable.columns()[1:]
        elif variable.tally == "text":
            yield f"{variable.name}.withheld"
    yield COUNTED_COLUMN
