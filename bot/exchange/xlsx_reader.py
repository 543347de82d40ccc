"""Reads sheets of a spreadsheet (XLSX, ECMA-376) as rows of text. Nothing is executed, and sizes are limited.

An XLSX file is a ZIP of XML. The reader refuses documents that declare entities (a few of them can expand to
gigabytes), parts that are packed too densely, and cells with formulas. It reads row by row and counts meanwhile, so its
memory does not depend on the size of the sheet. Small workbooks with several sheets are read as a whole.
"""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Collection, Generator, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final, NamedTuple
from xml.etree import ElementTree as ET

from bot.exchange import archives
from bot.exchange.files import Row
from bot.exchange.rejected_rows import STRICT, BadFile, RejectedRows

_MAIN: Final = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_LINKS: Final = "{http://schemas.openxmlformats.org/package/2006/relationships}"
_LINK_ID: Final = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_SHEET: Final = re.compile(r"xl/worksheets/sheet(\d+)\.xml")
_CELL: Final = re.compile(r"([A-Z]{1,3})\d+")
_STRINGS: Final = "xl/sharedStrings.xml"
_BOOK: Final = "xl/workbook.xml"
_BOOK_LINKS: Final = "xl/_rels/workbook.xml.rels"
_MOST_CELLS: Final = 2_000_000
"""Rows and cells of a sheet, also empty ones: a hundred thousand ideas. They take about half a minute."""
_MAX_PARTS: Final = 100_000
"""Elements of one row: a sheet has at most 16,384 columns."""
_MAX_DEPTH: Final = 32
_MAX_TEXT_BYTES: Final = 1 << 20
"""Bytes without an element: a cell of Excel has at most 32,767 characters."""
_CHUNK: Final = 1 << 16
_GERMAN: Final = re.compile(r"(\d\d)\.(\d\d)\.(\d{4})(?:,? (\d\d:\d\d(?::\d\d)?))?")
_DAY_ZERO: Final = datetime(1899, 12, 30)  # noqa: DTZ001 - spreadsheets have no time zones


NumberedRows = list[tuple[int, list[str]]]


class SheetLimits(NamedTuple):
    """Limits of a workbook that is read as a whole: rows and cells of all sheets, and bytes of one unpacked part."""

    cells: int
    bytes: int


def named_sheets(path: Path, content: bytes, names: Collection[str], limits: SheetLimits) -> dict[str, NumberedRows]:
    """Returns the rows of the sheets with these names, in small letters, with their numbers; missing sheets are left
    out. Of a formula the value counts that the spreadsheet program stored. `path` is the name for messages. Raises
    BadFile.
    """
    found: dict[str, NumberedRows] = {}
    with _readable(path), archives.open_archive(path, content) as packed:
        for info in packed.filelist:
            if info.file_size > limits.bytes and info.filename.startswith("xl/"):
                raise archives.too_large(path.name, limits.bytes)
        strings, left = _shared_strings(path, packed), limits.cells
        for name, part in _sheet_parts(path, packed):
            if name not in names or name in found:
                continue
            found[name] = []
            with closing(_elements(path, packed, part, f"{_MAIN}row")) as rows:
                for number, cells in _rows(path, rows, strings, _CellRules(left, accepts_formulas=True)):
                    if isinstance(cells, BadFile):
                        raise cells
                    left -= 1 + len(cells)
                    found[name].append((number, cells))
    return found


def xlsx_rows(path: Path, needed: Sequence[str], aside: RejectedRows = STRICT) -> Iterator[tuple[int, Row]]:
    """Yields the rows below the header with their numbers; rejects rows with a formula or an error. Raises BadFile."""
    head: list[str] = []
    for number, cells in _opened_rows(path):
        if not head:
            head = _header(path, number, cells, needed)
        elif isinstance(cells, BadFile):
            aside.add(cells)
        elif any(cells):
            yield number, dict(zip(head, [*cells, *[""] * (len(head) - len(cells))], strict=False))
    if not head:
        raise BadFile(path, None, "the first sheet is empty", "export it again")


def _header(path: Path, number: int, cells: list[str] | BadFile, needed: Sequence[str]) -> list[str]:
    if isinstance(cells, BadFile):
        raise cells
    if missing := [column for column in needed if column not in cells]:
        raise BadFile(path, number, f"the columns {', '.join(missing)} are missing", "export it again")
    return cells


def iso_time(cell: str) -> str:
    """Returns a time as ISO 8601, also if it is a serial day number or in German notation ("01.02.2025")."""
    if written := _GERMAN.fullmatch(cell):
        date, time = "-".join(reversed(written.groups()[:3])), written[4] or "00:00"
        return f"{date}T{time}"
    try:
        return (_DAY_ZERO + timedelta(days=float(cell))).isoformat() if cell else ""
    except (ValueError, OverflowError):
        return cell


def _opened_rows(path: Path) -> Iterator[tuple[int, list[str] | BadFile]]:
    """Yields the rows of the first sheet while they are unpacked. Raises BadFile."""
    with _readable(path), archives.open_archive(path) as packed:
        sheets = sorted((int(found[1]), name) for name in packed.namelist() if (found := _SHEET.fullmatch(name)))
        if not sheets:
            raise BadFile(path, None, "it contains no sheet", "save it as XLSX")
        strings = _shared_strings(path, packed)
        with closing(_elements(path, packed, sheets[0][1], f"{_MAIN}row")) as rows:
            yield from _rows(path, rows, strings, _CellRules(_MOST_CELLS))


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    """Turns the errors of files and ZIP archives into BadFile."""
    try:
        yield
    except FileNotFoundError:
        raise BadFile(path, None, "there is no such file", "check the name") from None
    # ValueError: the archive places a part before its beginning.
    except (OSError, ValueError, zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError, zlib.error) as error:
        raise BadFile(path, None, f"it is not an XLSX file ({type(error).__name__})", "save it as XLSX") from None


def _shared_strings(path: Path, packed: zipfile.ZipFile) -> list[str]:
    if _STRINGS not in packed.namelist():
        return []
    return [_text(it) for it in _elements(path, packed, _STRINGS, f"{_MAIN}si")]


def _sheet_parts(path: Path, packed: zipfile.ZipFile) -> Iterator[tuple[str, str]]:
    """Yields the name of each sheet in small letters, and its part of the archive. Raises BadFile."""
    members = frozenset(packed.namelist())
    if not members.issuperset((_BOOK, _BOOK_LINKS)):
        raise BadFile(path, None, "it contains no sheet", "save it as XLSX")
    links = _elements(path, packed, _BOOK_LINKS, f"{_LINKS}Relationship")
    targets = {it.get("Id", ""): it.get("Target", "") for it in links}
    for sheet in _elements(path, packed, _BOOK, f"{_MAIN}sheet"):
        target = targets.get(sheet.get(_LINK_ID, ""), "")
        part = target.removeprefix("/") if target.startswith("/") else f"xl/{target}"
        if part in members:
            yield sheet.get("name", "").strip().casefold(), part


def _elements(path: Path, packed: zipfile.ZipFile, name: str, wanted: str) -> Generator[ET.Element, None, None]:
    """Yields the elements with this tag, one after another, each complete; others are dropped. Raises BadFile."""
    archives.check_member(packed, name)
    parser: ET.XMLPullParser[Any] = ET.XMLPullParser(("start", "end"))
    picked = _PickedElements(path, wanted)
    before, silent = b"", 0
    with packed.open(name) as part:
        while chunk := part.read(_CHUNK):
            _check_xml(path, before + chunk, is_first=not before)
            before, silent = chunk[-16:], silent + len(chunk)
            _feed(path, parser, chunk)
            for event, element in _events(path, parser):
                silent = 0
                if picked.see(event, element):
                    yield element
            if silent > _MAX_TEXT_BYTES:
                raise BadFile(path, None, "a cell is longer than any spreadsheet allows", "shorten it")
    _feed(path, parser, b"")
    for event, element in _events(path, parser):
        if picked.see(event, element):
            yield element


def _events(path: Path, parser: ET.XMLPullParser[Any]) -> Iterator[tuple[str, ET.Element]]:
    """Yields what was parsed. The parser raises most errors here. Raises BadFile."""
    events: Any = parser.read_events()
    try:
        yield from events
    except ET.ParseError as error:
        raise _broken(path, error) from None


def _feed(path: Path, parser: ET.XMLPullParser[Any], chunk: bytes) -> None:
    """Parses the next bytes; none: the document ends here. Raises BadFile."""
    try:
        parser.feed(chunk) if chunk else parser.close()
    except (ET.ParseError, LookupError, ValueError) as error:
        raise _broken(path, error) from None


def _broken(path: Path, error: Exception) -> BadFile:
    return BadFile(path, None, f"its XML is broken ({error})", "save it again")


class _PickedElements:
    """Finds complete elements with one tag, and drops everything else, so that no tree grows."""

    def __init__(self, path: Path, wanted: str) -> None:
        self._path = path
        self._wanted = wanted
        self._open: list[ET.Element] = []
        self._inside = 0
        self._parts = 0

    def see(self, event: str, element: ET.Element) -> bool:
        """Whether this event completes a wanted element. Raises BadFile if one is too deep or has too many parts."""
        if event == "start":
            self._begin(element)
            return False
        self._open.pop()
        if element.tag == self._wanted and self._inside == len(self._open):
            self._inside = self._parts = 0
            if self._open:
                self._open[-1].clear()
            return True
        if not self._inside and self._open:
            self._open[-1].clear()
        return False

    def _begin(self, element: ET.Element) -> None:
        if element.tag == self._wanted and not self._inside:
            self._inside = len(self._open)
        self._open.append(element)
        self._parts += bool(self._inside)
        if len(self._open) > _MAX_DEPTH:
            raise BadFile(self._path, None, "its XML is nested too deeply", "save it again")
        if self._parts > _MAX_PARTS:
            raise BadFile(self._path, None, f"a row has more than {_MAX_PARTS:,} parts", "use fewer columns")


def _check_xml(path: Path, content: bytes, *, is_first: bool) -> None:
    # An encoding other than UTF-8 could hide a document type from this check.
    is_odd = b"\x00" in content or (is_first and content[:2] in (b"\xff\xfe", b"\xfe\xff"))
    if is_odd or b"<!DOCTYPE" in content or b"<!ENTITY" in content:
        raise BadFile(
            path, None, "its XML declares entities or an odd encoding", "save it again with a spreadsheet program"
        )


class _CellRules(NamedTuple):
    """The limit of rows and cells, and whether a formula is read as its stored value."""

    most: int
    accepts_formulas: bool = False


def _rows(
    path: Path, rows: Iterable[ET.Element], strings: Sequence[str], rules: _CellRules
) -> Iterator[tuple[int, list[str] | BadFile]]:
    """Yields the rows with their numbers, or the error of one. Raises BadFile if there are too many cells."""
    count = 0
    for place, row in enumerate(rows, 1):
        number = _whole(row.get("r", ""), place)
        cells: list[str] = []
        error: BadFile | None = None
        count += 1
        _check_count(path, number, count, rules.most)
        for cell in row.iter(f"{_MAIN}c"):
            column = _column(cell.get("r", ""), len(cells))
            count += 1 + max(0, column - len(cells))
            _check_count(path, number, count, rules.most)
            cells += [""] * (column + 1 - len(cells))
            try:
                cells[column] = _value(path, number, cell, strings, rules)
            except BadFile as found:
                error = error or found
        yield number, error or cells


def _check_count(path: Path, number: int, count: int, most: int) -> None:
    if count > most:
        raise BadFile(path, number, f"there are more than {most} cells", "use fewer rows")


def _whole(digits: str, otherwise: int) -> int:
    return int(digits) if digits.isascii() and digits.isdecimal() and len(digits) < 10 else otherwise


def _column(reference: str, following: int) -> int:
    """Returns the column of a cell such as "AB7", counted from 0."""
    found = _CELL.fullmatch(reference)
    if not found:
        return following
    place = 0
    for letter in found[1]:
        place = place * 26 + ord(letter) - 64
    return place - 1


def _value(path: Path, number: int, cell: ET.Element, strings: Sequence[str], rules: _CellRules) -> str:
    if cell.find(f"{_MAIN}f") is not None and not rules.accepts_formulas:
        raise BadFile(path, number, "a cell contains a formula", "save the values instead")
    if cell.get("t") == "inlineStr":
        return _text(cell)
    value = cell.findtext(f"{_MAIN}v") or ""
    if cell.get("t") == "s":
        place = _whole(value, len(strings))
        if place >= len(strings):
            raise BadFile(path, number, "a cell refers to a missing text", "save it again")
        return strings[place]
    if cell.get("t") == "e":
        raise BadFile(path, number, f"a cell contains an error ({value[:20]})", "correct it")
    return value


def _text(element: ET.Element) -> str:
    """Returns the text of an element with all its runs, without Japanese phonetic hints."""
    return "".join(it.text or "" for it in element.iter(f"{_MAIN}t"))
