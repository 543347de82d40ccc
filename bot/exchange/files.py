"""Reads files of other programs: sizes are bounded, and every error names its row."""

from __future__ import annotations

import codecs
import csv
import html
import io
import lzma
import re
import zipfile
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, Final

from pydantic_core import from_json

from adapters.tolerant_json import CutOff, parse_json
from bot.exchange.bundle import MAX_STATEMENT_LENGTH
from bot.exchange.exports.sheets import FORMULAS
from bot.exchange.rejected_rows import STRICT, BadFile, RejectedRows

MAX_FILE_BYTES: Final = 256 * 1024 * 1024
"""Bytes of one file, unpacked: ten times the largest published conversation."""
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
MARKUP: Final = "hold markup, which is kept as text"
DIRECTION_MARKS: Final = "held marks that turn the direction of reading; these were taken off"
MAX_ID_LENGTH: Final = 200
MAX_LINK_LENGTH: Final = 2_000

Row = dict[str, str]


class ImportFolder:
    """A folder or ZIP file of tables. Names may have something in front ("2024-comments.csv"), and ".xz" behind."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            if path.is_dir():
                self._names = sorted(it.name for it in path.iterdir() if it.is_file())
            else:
                with zipfile.ZipFile(path) as packed:
                    self._names = sorted(packed.namelist())
        except FileNotFoundError:
            raise BadFile(path, None, "there is no such folder or file", "check the name") from None
        except (OSError, zipfile.BadZipFile) as fault:
            raise BadFile(
                path, None, f"it is no folder and no ZIP file ({fault})", "give the folder of the export"
            ) from None

    def find(self, *names: str) -> str | None:
        """The first file called like one of these."""
        for name in names:
            wanted = re.compile(rf"(.*(?<!participant)(?<!participants)-)?{re.escape(name)}(\.xz)?")
            for there in self._names:
                if wanted.fullmatch(there.rpartition("/")[2]):
                    return there
        return None

    def read(self, name: str) -> bytes:
        """The content, unpacked. Raises BadFile where it is too large or damaged."""
        try:
            if self.path.is_dir():
                with (self.path / name).open("rb") as file:
                    return _bounded(file, name)
            with zipfile.ZipFile(self.path) as packed, packed.open(name) as part:
                return _bounded(part, name)
        except (OSError, EOFError, lzma.LZMAError, zipfile.BadZipFile, NotImplementedError, RuntimeError) as fault:
            raise BadFile(name, None, f"it is damaged ({type(fault).__name__})", "download it anew") from None


def _bounded(file: IO[bytes], name: str) -> bytes:
    with lzma.open(file) if name.endswith(".xz") else nullcontext(file) as stream:
        content = stream.read(MAX_FILE_BYTES + 1)
    if len(content) > MAX_FILE_BYTES:
        raise BadFile(
            name, None, f"it has more than {MAX_FILE_BYTES // 1024 // 1024} MB", "split it, or take fewer rows"
        )
    return content


def read_file(path: Path) -> bytes:
    """The content of a single file. Raises BadFile."""
    try:
        with path.open("rb") as file:
            return _bounded(file, path.name)
    except (OSError, EOFError, lzma.LZMAError) as fault:
        raise BadFile(
            path, None, f"it cannot be read ({type(fault).__name__})", "check the path and its rights"
        ) from None


def decode_utf8(name: Path | str, content: bytes) -> str:
    """The text of a UTF-8 file. Raises BadFile, naming the line that is not."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as fault:
        row = content.count(b"\n", 0, fault.start) + 1
        raise BadFile(name, row, "this is not UTF-8", "save it as “CSV UTF-8”") from None


def read_json(path: Path, aside: RejectedRows = STRICT) -> tuple[Any, bool]:
    """What a JSON file says, and whether it had to be mended for that: then "�" stands where a sign could not be read.
    Raises BadFile.
    """
    content = read_file(path)
    if aside.is_strict:
        decode_utf8(path, content)
    try:
        return from_json(content.removeprefix(codecs.BOM_UTF8), allow_inf_nan=False), False
    except ValueError:
        pass
    try:
        return parse_json(content), True
    except CutOff:
        raise BadFile(path, None, "this is no JSON: it breaks off", "export it anew") from None
    except ValueError as fault:
        raise BadFile(path, None, f"this is no JSON ({fault})", "export it anew") from None


def check_mended(path: Path | str, row: int, cells: Any) -> None:
    """For a row of a file that was mended. Raises BadFile where one of its signs could not be read."""
    if "\ufffd" in str(cells):
        raise BadFile(path, row, "it holds bytes that are no text", "save it as UTF-8")


def csv_rows(
    name: Path | str, content: bytes, needed: Sequence[str], delimiter: str = ",", aside: RejectedRows = STRICT
) -> Iterator[tuple[int, Row]]:
    """The rows of a CSV file with their line numbers; ragged ones and those that are no text are set aside. Raises
    BadFile for missing columns.
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
                raise BadFile(name, 1, "a column stands twice", "leave one of them out")
        elif len(cells) != len(head):
            reason = f"it has {len(cells)} cells instead of {len(head)}"
            aside.add(BadFile(name, number, reason, "put texts with commas into quotes"))
        else:
            yield number, dict(zip(head, cells, strict=True))
    if head is None:
        raise BadFile(name, 1, f"the columns {', '.join(needed)} are missing", "it is empty")


def csv_records(
    name: Path | str, content: bytes, delimiter: str, aside: RejectedRows = STRICT, *, strict: bool = True
) -> Iterator[tuple[int, list[str]]]:
    """The lines of a CSV file as cells, with the number of the last line of each; empty ones are passed over.

    A line that is no CSV is set aside, and the next one begins anew: a quotation mark that is never closed swallows
    nothing. So is a line with bytes that are no UTF-8.
    """
    csv.field_size_limit(MAX_FILE_BYTES)
    try:
        decoded, is_text = content.decode("utf-8-sig"), True
    except UnicodeDecodeError:
        decoded, is_text = content.decode("utf-8-sig", "surrogateescape"), False
    lines = _Lines(io.StringIO(decoded, newline=""))
    reader = csv.reader(lines, delimiter=delimiter, strict=strict)
    while True:
        first = lines.begin_record()
        try:
            cells = next(reader, None)
        except csv.Error as fault:
            aside.add(BadFile(name, first, f"this is no CSV ({fault})", "save it anew"))
            lines.back_to_second()
            continue
        if cells is None:
            return
        if not is_text and any(map(_NO_TEXT.search, cells)):
            aside.add(BadFile(name, first, "this is not UTF-8", "save it as “CSV UTF-8”"))
        elif any(cells):
            yield lines.number, cells


class _Lines:
    """The lines of a text, of which those of the record that is being read can be had again."""

    def __init__(self, text: io.StringIO) -> None:
        self._text = text
        self._again: deque[str] = deque()
        self._record: list[str] = []
        self.number = 0

    def begin_record(self) -> int:
        """The number of the line with which it begins."""
        self._record.clear()
        return self.number + 1

    def back_to_second(self) -> None:
        """What follows the first line of the record comes again."""
        following = self._record[1:]
        self._again.extendleft(reversed(following))
        self.number -= len(following)

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._again.popleft() if self._again else next(self._text)
        self._record.append(line)
        self.number += 1
        return line


def clean_cell(name: Path | str, row: int, words: str, aside: RejectedRows = STRICT) -> str:
    """What a person wrote. Markup and what looks like a formula are kept as text (they are escaped on the way out);
    marks that turn the direction of reading are taken off. Raises BadFile for what is empty, too long or no text.
    """
    if _DIRECTION.search(words):
        words = _DIRECTION.sub("", words)
        aside.tell(DIRECTION_MARKS, name, row)
    words = words.strip()
    if not words:
        raise BadFile(name, row, "the text is empty", "leave the row out")
    if len(words) > MAX_STATEMENT_LENGTH:
        raise BadFile(name, row, f"the text has {len(words)} characters", f"shorten it to {MAX_STATEMENT_LENGTH}")
    if unseen := _CONTROL.search(words):
        raise BadFile(name, row, f"the text holds a control character (U+{ord(unseen[0]):04X})", "take it out")
    if _TAG.search(words):
        aside.tell(MARKUP, name, row)
    if words[0] == "'" and words[1:2] in FORMULAS:
        words = words[1:]  # so spreadsheets are kept from running it, in our exports too
    return words


def clean_markup(name: Path | str, row: int, markup: str, aside: RejectedRows = STRICT) -> str:
    """The words of a text without harmless markup (paragraphs, lists, emphasis, links); other markup is kept as text.
    Raises BadFile as `clean_cell` does.

    >>> clean_markup("x.csv", 2, "<p>Bänke &amp; <b>Bäume</b></p><p>bitte</p>")
    'Bänke & Bäume\\n\\nbitte'
    """
    words = _ENDS.sub("\n\n", _BREAKS.sub("\n", _HARMLESS.sub("", markup.strip())))
    return clean_cell(name, row, html.unescape(re.sub(r"\n{3,}", "\n\n", words)), aside)


def parse_identifier(name: Path | str, row: int, column: str, cell: str) -> str:
    """What something is called in another program. Raises BadFile where no database could keep it."""
    found = cell.strip()
    if not found:
        raise BadFile(name, row, f"{column} is empty", "give each row its own")
    if len(found) > MAX_ID_LENGTH or not found.isprintable():
        raise BadFile(name, row, f"{column} is no name ({found[:40]!r})", f"at most {MAX_ID_LENGTH} printable signs")
    return found


def parse_web_link(cell: str) -> str | None:
    """A link that may be shown; None for anything else."""
    found = cell.strip()
    return found if found.startswith("https://") and found.isprintable() and len(found) <= MAX_LINK_LENGTH else None


def parse_integer(name: Path | str, row: int, column: str, cell: str) -> int:
    """A whole number. Raises BadFile."""
    try:
        if len(cell) < 20:
            return int(cell)
    except ValueError:
        pass
    raise BadFile(name, row, f"{column} is {cell[:40]!r}", "it must be a whole number")


def parse_degrees(name: Path | str, row: int, column: str, cell: str, most: float) -> float | None:
    """A coordinate (WGS 84), to two decimals: about a kilometre, never a front door. Raises BadFile."""
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
    """A time as seconds or milliseconds since 1970, or as ISO 8601. Raises BadFile.

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
