"""The first sheet of a spreadsheet (XLSX, ECMA-376) as rows of text: nothing is run, nothing grows beyond bounds.

An XLSX file is a ZIP of XML. Refused are documents that declare entities (a few of them unfold to gigabytes), parts
that are larger than they say, and cells with formulas.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final
from xml.etree import ElementTree as ET

from bot.exchange.files import MAX_FILE_BYTES, Row
from bot.exchange.rejected_rows import STRICT, BadFile, RejectedRows

_MAIN: Final = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_SHEET: Final = re.compile(r"xl/worksheets/sheet(\d+)\.xml")
_CELL: Final = re.compile(r"([A-Z]{1,3})\d+")
_MOST_CELLS: Final = 5_000_000
_GERMAN: Final = re.compile(r"(\d\d)\.(\d\d)\.(\d{4})(?:,? (\d\d:\d\d(?::\d\d)?))?")
_DAY_ZERO: Final = datetime(1899, 12, 30)  # noqa: DTZ001 - spreadsheets know no zones


def xlsx_rows(path: Path, needed: Sequence[str], aside: RejectedRows = STRICT) -> Iterator[tuple[int, Row]]:
    """The rows below the head with their numbers; those with a formula or an error in them are set aside. Raises
    BadFile.
    """
    parts = _parts(path)
    strings = [_text(it) for it in _parse(path, parts["strings"]).iter(f"{_MAIN}si")] if parts["strings"] else []
    head: list[str] = []
    for number, cells in _rows(path, _parse(path, parts["sheet"]), strings):
        if isinstance(cells, BadFile):
            if not head:
                raise cells
            aside.add(cells)
            continue
        if not head:
            head = cells
            if missing := [column for column in needed if column not in head]:
                raise BadFile(path, number, f"the columns {', '.join(missing)} are missing", "export it anew")
            continue
        if any(cells):
            yield number, dict(zip(head, [*cells, *[""] * (len(head) - len(cells))], strict=False))
    if not head:
        raise BadFile(path, None, "the first sheet is empty", "export it anew")


def iso_time(cell: str) -> str:
    """A time as ISO 8601, also where the spreadsheet counts days, or it is written as in German ("01.02.2025")."""
    if written := _GERMAN.fullmatch(cell):
        date, time = "-".join(reversed(written.groups()[:3])), written[4] or "00:00"
        return f"{date}T{time}"
    try:
        return (_DAY_ZERO + timedelta(days=float(cell))).isoformat() if cell else ""
    except (ValueError, OverflowError):
        return cell


def _parts(path: Path) -> dict[str, bytes]:
    try:
        with zipfile.ZipFile(path) as packed:
            sheets = sorted((int(found[1]), name) for name in packed.namelist() if (found := _SHEET.fullmatch(name)))
            if not sheets:
                raise BadFile(path, None, "there is no sheet in it", "save it as XLSX")
            shared = "xl/sharedStrings.xml"
            return {
                "sheet": _bounded(path, packed, sheets[0][1]),
                "strings": _bounded(path, packed, shared) if shared in packed.namelist() else b"",
            }
    except FileNotFoundError:
        raise BadFile(path, None, "there is no such file", "check the name") from None
    except (OSError, zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError) as fault:
        raise BadFile(path, None, f"it is no XLSX file ({type(fault).__name__})", "save it as XLSX") from None


def _bounded(path: Path, packed: zipfile.ZipFile, name: str) -> bytes:
    with packed.open(name) as part:
        content = part.read(MAX_FILE_BYTES + 1)
    if len(content) > MAX_FILE_BYTES:
        raise BadFile(path, None, f"{name} has more than {MAX_FILE_BYTES // 1024 // 1024} MB", "take fewer rows")
    return content


def _parse(path: Path, content: bytes) -> ET.Element:
    # Another encoding than UTF-8 could hide a document type from this look.
    if (
        b"<!DOCTYPE" in content
        or b"<!ENTITY" in content
        or b"\x00" in content
        or content[:2] in (b"\xff\xfe", b"\xfe\xff")
    ):
        raise BadFile(path, None, "its XML declares entities or an odd encoding", "save it anew with a spreadsheet")
    try:
        return ET.fromstring(content)  # noqa: S314 - see above
    except (ET.ParseError, LookupError, ValueError) as fault:
        raise BadFile(path, None, f"its XML is broken ({fault})", "save it anew") from None


def _rows(path: Path, sheet: ET.Element, strings: Sequence[str]) -> Iterator[tuple[int, list[str] | BadFile]]:
    """The rows with their numbers, or why one cannot be read. Raises BadFile where there are too many cells."""
    count = 0
    for place, row in enumerate(sheet.iter(f"{_MAIN}row"), 1):
        number = _whole(row.get("r", ""), place)
        cells: list[str] = []
        fault: BadFile | None = None
        for cell in row.iter(f"{_MAIN}c"):
            column = _column(cell.get("r", ""), len(cells))
            count += 1 + max(0, column - len(cells))
            if count > _MOST_CELLS:
                raise BadFile(path, number, f"there are more than {_MOST_CELLS} cells", "take fewer rows")
            cells += [""] * (column + 1 - len(cells))
            try:
                cells[column] = _value(path, number, cell, strings)
            except BadFile as found:
                fault = fault or found
        yield number, fault or cells


def _whole(digits: str, otherwise: int) -> int:
    return int(digits) if digits.isascii() and digits.isdecimal() and len(digits) < 10 else otherwise


def _column(reference: str, following: int) -> int:
    """The place of a cell called "AB7", counted from 0."""
    found = _CELL.fullmatch(reference)
    if not found:
        return following
    place = 0
    for letter in found[1]:
        place = place * 26 + ord(letter) - 64
    return place - 1


def _value(path: Path, number: int, cell: ET.Element, strings: Sequence[str]) -> str:
    if cell.find(f"{_MAIN}f") is not None:
        raise BadFile(path, number, "a cell holds a formula", "save the values instead")
    if cell.get("t") == "inlineStr":
        return _text(cell)
    value = cell.findtext(f"{_MAIN}v") or ""
    if cell.get("t") == "s":
        place = _whole(value, len(strings))
        if place >= len(strings):
            raise BadFile(path, number, "a cell points to a text that is not there", "save it anew")
        return strings[place]
    if cell.get("t") == "e":
        raise BadFile(path, number, f"a cell holds an error ({value[:20]})", "correct it")
    return value


def _text(element: ET.Element) -> str:
    """The text of an element with all its runs, without the reading aids of Japanese."""
    return "".join(it.text or "" for it in element.iter(f"{_MAIN}t"))
