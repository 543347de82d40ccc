"""Reads files of other programs: sizes are limited, and every error names its row."""

from __future__ import annotations

import codecs
import csv
import html
import io
import lzma
import re
import zipfile
import zlib
from collections import deque
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, Final

from pydantic_core import from_json

from adapters.tolerant_json import CutOff, parse_json
from bot.exchange import archives
from bot.exchange.bundle import MAX_STATEMENT_LENGTH
from bot.exchange.exports.sheets import FORMULAS
from bot.exchange.rejected_rows import STRICT, BadFile, RejectedRows

MAX_JSON_BYTES: Final = 32 * 1024 * 1024
MAX_JSON_VALUES: Final = 2_000_000
"""Commas and opening brackets: an empty list takes twenty times the memory of its two bytes."""
MAX_CELL: Final = 1_000_000
"""Characters of a cell and of a line of CSV."""
MAX_RECORD_LINES: Final = 10_000
MAX_REREAD_LINES: Final = 1_000_000
"""Lines that are read again after unclosed quotation marks, in the whole file."""
MAX_RECORDS: Final = 2_000_000
_TAG: Final = re.compile(r"<[/!]?[a-zA-Z][^<>]*>")
_ENDS: Final = re.compile(r"</(p|div|h[1-6]|ul|ol|blockquote)>", re.IGNORECASE)
_BREAKS: Final = re.compile(r"<br ?/?>|</li>", re.IGNORECASE)
_HARMLESS: Final = re.compile(
    r"""<(p|div|h[1-6]|ul|ol|li|blockquote|b|strong|i|em|u|a|span)(\s+[\w:-]+=("[^"<>]*"|'[^'<>]*'|[^\s"'<>]+))*\s*>"""
    r"|</(b|strong|i|em|u|a|span)>",
    re.IGNORECASE,
)
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_DIRECTION: Final = re.compile(r"[\u202a-\u202e\u2066-\u2069]")
_NO_TEXT: Final = re.compile("[\ud800-\udfff]")
MARKUP: Final = "contain markup, which is kept as text"
DIRECTION_MARKS: Final = "contained direction marks, which were removed"
MAX_ID_LENGTH: Final = 200
MAX_LINK_LENGTH: Final = 2_000

_DAMAGES: Final = (
    OSError,
    EOFError,
    lzma.LZMAError,
    zlib.error,
    zipfile.BadZipFile,
    ValueError,
    NotImplementedError,
    RuntimeError,
)

Row = dict[str, str]


class ImportFolder:
    """A folder or ZIP file of tables. Names may have a prefix ("2024-comments.csv") and the suffix ".xz"."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            if path.is_dir():
                self._names = sorted(it.name for it in path.iterdir() if it.is_file())
            else:
                with archives.open_archive(path) as packed:
                    self._names = sorted(packed.namelist())
        except FileNotFoundError:
            raise BadFile(path, None, "there is no such folder or file", "check the name") from None
        except (OSError, zipfile.BadZipFile) as error:
            raise BadFile(
                path, None, f"it is neither a folder nor a ZIP file ({error})", "give the folder of the export"
            ) from None

    def find(self, *names: str) -> str | None:
        """Returns the first file with one of these names."""
        for name in names:
            wanted = re.compile(rf"(.*(?<!participant)(?<!participants)-)?{re.escape(name)}(\.xz)?")
            for there in self._names:
                if wanted.fullmatch(there.rpartition("/")[2]):
                    return there
        return None

    def read(self, name: str) -> bytes:
        """Returns the unpacked content. Raises BadFile if it is too large or damaged."""
        try:
            if self.path.is_dir():
                with (self.path / name).open("rb") as file:
                    return _bounded(file, name, archives.MAX_FILE_BYTES)
            with archives.open_archive(self.path) as packed:
                archives.check_member(packed, name)
                with packed.open(name) as part:
                    return _bounded(part, name, archives.MAX_FILE_BYTES)
        except _DAMAGES as error:
            raise BadFile(name, None, f"it is damaged ({type(error).__name__})", "download it again") from None


def _bounded(file: IO[bytes], name: str, most: int) -> bytes:
    content = archives.unpack_xz(file, most) if name.endswith(".xz") else file.read(most + 1)
    if len(content) > most:
        raise archives.too_large(name, most)
    return content


def read_file(path: Path, most: int | None = None) -> bytes:
    """Returns the content of a single file. Raises BadFile."""
    try:
        with path.open("rb") as file:
            return _bounded(file, path.name, most or archives.MAX_FILE_BYTES)
    except (OSError, EOFError, lzma.LZMAError) as error:
        raise BadFile(
            path, None, f"it cannot be read ({type(error).__name__})", "check the path and its rights"
        ) from None


def decode_utf8(name: Path | str, content: bytes) -> str:
    """Returns the text of a UTF-8 file. Raises BadFile with the line of the first invalid byte."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        row = content.count(b"\n", 0, error.start) + 1
        raise BadFile(name, row, "this is not UTF-8", "save it as “CSV UTF-8”") from None


def read_json(path: Path, aside: RejectedRows = STRICT) -> tuple[Any, bool]:
    """Returns the parsed JSON, and whether invalid bytes were replaced by "�". Raises BadFile."""
    content = read_file(path, MAX_JSON_BYTES)
    if sum(map(content.count, (b",", b"[", b"{"))) > MAX_JSON_VALUES:
        raise BadFile(path, None, f"it has more than {MAX_JSON_VALUES:,} values", "split it")
    if aside.is_strict:
        decode_utf8(path, content)
    try:
        return from_json(content.removeprefix(codecs.BOM_UTF8), allow_inf_nan=False), False
    except ValueError:
        pass
    try:
        return parse_json(content), True
    except CutOff:
        raise BadFile(path, None, "this is not JSON: the text is incomplete", "export it again") from None
    except ValueError as error:
        raise BadFile(path, None, f"this is not JSON ({error})", "export it again") from None


def check_mended(path: Path | str, row: int, cells: Any) -> None:
    """Raises BadFile if a row of a JSON file contains a replaced byte."""
    if "\ufffd" in str(cells):
        raise BadFile(path, row, "it contains bytes that are not UTF-8", "save it as UTF-8")


def csv_rows(
    name: Path | str, content: bytes, needed: Sequence[str], delimiter: str = ",", aside: RejectedRows = STRICT
) -> Iterator[tuple[int, Row]]:
    """Yields the rows of a CSV file with their line numbers; rejects rows with a wrong number of cells or invalid
    bytes. Raises BadFile for missing columns.
    """
    head: list[str] | None = None
    for number, cells in csv_records(name, content, delimiter, aside):
        if head is None:
            head = cells
            missing = [column for column in needed if column not in head]
            if missing:
                has = f"it has: {', '.join(head)[:200]}"
                raise BadFile(name, 1, f"the columns {', '.join(missing)} are missing", has)
            if len(set(head)) < len(head):
                raise BadFile(name, 1, "a column name is repeated", "remove one of them")
        elif len(cells) != len(head):
            reason = f"it has {len(cells)} cells instead of {len(head)}"
            aside.add(BadFile(name, number, reason, "put texts with commas in quotation marks"))
        else:
            yield number, dict(zip(head, cells, strict=True))
    if head is None:
        raise BadFile(name, 1, f"the columns {', '.join(needed)} are missing", "it is empty")


def csv_records(
    name: Path | str, content: bytes, delimiter: str, aside: RejectedRows = STRICT, *, strict: bool = True
) -> Iterator[tuple[int, list[str]]]:
    """Yields the records of a CSV file as cells, with the number of the last line of each; empty ones are skipped.

    A malformed line is rejected and parsing restarts at the next one, so that an unclosed quotation mark does not
    swallow the rest of the file. Lines with invalid UTF-8 are rejected likewise.
    """
    csv.field_size_limit(MAX_CELL)
    is_text = _is_utf8(content)
    lines = _Lines(io.TextIOWrapper(io.BytesIO(content), "utf-8-sig", "surrogateescape", newline=""))
    records = 0
    reader = csv.reader(lines, delimiter=delimiter, strict=strict)
    while True:
        first = lines.begin_record()
        try:
            cells = next(reader, None)
        except csv.Error as error:
            aside.add(BadFile(name, first, f"this is not valid CSV ({error})", "save it again"))
            lines.back_to_second()
            if lines.read_again > MAX_REREAD_LINES:
                reason = "it has too many unclosed quotation marks"
                raise BadFile(name, None, reason, "save it again") from None
            continue
        if cells is None:
            return
        records += 1
        if records > MAX_RECORDS:
            raise BadFile(name, None, f"it has more than {MAX_RECORDS:,} rows", "split it")
        if not is_text and any(map(_NO_TEXT.search, cells)):
            aside.add(BadFile(name, first, "this is not UTF-8", "save it as “CSV UTF-8”"))
        elif any(cells):
            yield lines.number, cells


def _is_utf8(content: bytes) -> bool:
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        for start in range(0, len(content), 1 << 20):
            decoder.decode(content[start : start + (1 << 20)])
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


class _Lines:
    """The lines of a text; the lines of the current record can be read again."""

    read_again = 0
    """The number of lines that were read again."""

    def __init__(self, text: io.TextIOBase) -> None:
        self._text = text
        self._again: deque[str] = deque()
        self._record: list[str] = []
        self.number = 0

    def begin_record(self) -> int:
        """Starts a record; returns the number of its first line."""
        self._record.clear()
        return self.number + 1

    def back_to_second(self) -> None:
        """Goes back to the second line of the record."""
        following = self._record[1:]
        self._again.extendleft(reversed(following))
        self.number -= len(following)
        self.read_again += len(following)

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._again.popleft() if self._again else next(self._text)
        self._record.append(line)
        self.number += 1
        if len(line) > MAX_CELL or len(self._record) > MAX_RECORD_LINES:
            raise csv.Error("the record is too long")
        return line


def clean_cell(name: Path | str, row: int, words: str, aside: RejectedRows = STRICT) -> str:
    """Cleans a text written by a person: removes characters that change the text direction, keeps markup as text.
    Raises BadFile for an empty, too long or binary text.
    """
    if _DIRECTION.search(words):
        words = _DIRECTION.sub("", words)
        aside.tell(DIRECTION_MARKS, name, row)
    words = words.strip()
    if not words:
        raise BadFile(name, row, "the text is empty", "remove the row")
    if len(words) > MAX_STATEMENT_LENGTH:
        raise BadFile(name, row, f"the text has {len(words)} characters", f"shorten it to {MAX_STATEMENT_LENGTH}")
    if unseen := _CONTROL.search(words):
        raise BadFile(name, row, f"the text contains a control character (U+{ord(unseen[0]):04X})", "remove it")
    if _TAG.search(words):
        aside.tell(MARKUP, name, row)
    if words[0] == "'" and words[1:2] in FORMULAS:
        words = words[1:]  # spreadsheets must not run it, in our exports either
    return words


def clean_markup(name: Path | str, row: int, markup: str, aside: RejectedRows = STRICT) -> str:
    """Cleans a text and removes harmless markup (paragraphs, lists, emphasis, links); other markup is kept as text.
    Raises BadFile like `clean_cell`.

    >>> clean_markup("x.csv", 2, "<p>Bänke &amp; <b>Bäume</b></p><p>bitte</p>")
    'Bänke & Bäume\\n\\nbitte'
    """
    words = _ENDS.sub("\n\n", _BREAKS.sub("\n", _HARMLESS.sub("", markup.strip())))
    return clean_cell(name, row, html.unescape(re.sub(r"\n{3,}", "\n\n", words)), aside)


def parse_identifier(name: Path | str, row: int, column: str, cell: str) -> str:
    """Returns the id of a record in another program. Raises BadFile if a database cannot store it."""
    found = cell.strip()
    if not found:
        raise BadFile(name, row, f"{column} is empty", "give each row its own")
    if len(found) > MAX_ID_LENGTH or not found.isprintable():
        raise BadFile(
            name, row, f"{column} is not an id ({found[:40]!r})", f"use at most {MAX_ID_LENGTH} printable characters"
        )
    return found


def parse_web_link(cell: str) -> str | None:
    """Returns a link that may be shown; None for anything else."""
    found = cell.strip()
    return found if found.startswith("https://") and found.isprintable() and len(found) <= MAX_LINK_LENGTH else None


def parse_integer(name: Path | str, row: int, column: str, cell: str) -> int:
    """Parses a whole number. Raises BadFile."""
    try:
        if len(cell) < 20:
            return int(cell)
    except ValueError:
        pass
    raise BadFile(name, row, f"{column} is {cell[:40]!r}", "it must be a whole number")


def parse_degrees(name: Path | str, row: int, column: str, cell: str, most: float) -> float | None:
    """Parses a coordinate (WGS 84) to two decimals: about a kilometre, too coarse for an address. Raises BadFile."""
    if not cell.strip():
        return None
    try:
        value = float(cell.replace(",", "."))
        if -most <= value <= most:
            return round(value, 2)
    except ValueError:
        pass
    raise BadFile(name, row, f"{column} is {cell[:40]!r}", f"it must be degrees from -{most:g} to {most:g}")


def parse_timestamp(name: Path | str, row: int, column: str, cell: str) -> datetime:
    """Parses a time: seconds or milliseconds since 1970, or ISO 8601. Raises BadFile.

    >>> parse_timestamp("votes.csv", 2, "timestamp", "1651045893819").isoformat()
    '2022-04-27T07:51:33.819000+00:00'
    """
    try:
        if cell.isdecimal() and len(cell) < 20:
            milliseconds = int(cell) if len(cell) > 11 else int(cell) * 1000
            return datetime.fromtimestamp(milliseconds // 1000, UTC).replace(microsecond=milliseconds % 1000 * 1000)
        parsed = datetime.fromisoformat(cell)
        return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)
    except (ValueError, OverflowError, OSError):
        raise BadFile(name, row, f"{column} is {cell[:40]!r}", "it must be a time") from None
