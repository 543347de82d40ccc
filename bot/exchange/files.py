"""Files of others, read with care: bounded, and every fault named with its row."""

from __future__ import annotations

import csv
import html
import io
import json
import lzma
import re
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, Final

from bot.exchange.bundle import LONGEST, BadFile
from bot.exports.tables import FORMULAS

LARGEST: Final = 256 * 1024 * 1024
"""Bytes of one file, unpacked: ten times the largest published conversation."""
_TAG: Final = re.compile(r"<[/!]?[a-zA-Z][^<>]*>")
_ENDS: Final = re.compile(r"</(p|div|h[1-6]|ul|ol|blockquote)>", re.IGNORECASE)
_BREAKS: Final = re.compile(r"<br ?/?>|</li>", re.IGNORECASE)
_HARMLESS: Final = re.compile(
    r"<(p|div|h[1-6]|ul|ol|li|blockquote|b|strong|i|em|u|a|span)(\s[^<>]*)?>|</(b|strong|i|em|u|a|span)>", re.IGNORECASE
)
_FORMULA: Final = re.compile(r"\s*(=|[+\-@]\w+[(!|])")
_UNSEEN: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u202a-\u202e\u2066-\u2069]")

Row = dict[str, str]


class Folder:
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
        content = stream.read(LARGEST + 1)
    if len(content) > LARGEST:
        raise BadFile(name, None, f"it has more than {LARGEST // 1024 // 1024} MB", "split it, or take fewer rows")
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


def text_of(name: Path | str, content: bytes) -> str:
    """The text of a UTF-8 file. Raises BadFile, naming the line that is not."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as fault:
        row = content.count(b"\n", 0, fault.start) + 1
        raise BadFile(name, row, "this is not UTF-8", "save it as “CSV UTF-8”") from None


def json_of(path: Path) -> Any:
    """What a JSON file says. Raises BadFile."""
    try:
        return json.loads(text_of(path, read_file(path)))
    except (ValueError, RecursionError) as fault:
        raise BadFile(path, None, f"this is no JSON ({type(fault).__name__})", "export it anew") from None


def table(name: Path | str, content: bytes, needed: Sequence[str], delimiter: str = ",") -> Iterator[tuple[int, Row]]:
    """The rows of a CSV file with their line numbers. Raises BadFile for missing columns and ragged rows."""
    csv.field_size_limit(LARGEST)
    lines = csv.reader(io.StringIO(text_of(name, content), newline=""), delimiter=delimiter, strict=True)
    try:
        head = next(lines, [])
        missing = [column for column in needed if column not in head]
        if missing:
            raise BadFile(name, 1, f"the columns {', '.join(missing)} are missing", f"it has: {', '.join(head)[:200]}")
        if len(set(head)) < len(head):
            raise BadFile(name, 1, "a column stands twice", "leave one of them out")
        for cells in lines:
            if len(cells) != len(head):
                reason = f"it has {len(cells)} cells instead of {len(head)}"
                raise BadFile(name, lines.line_num, reason, "put texts with commas into quotes")
            yield lines.line_num, dict(zip(head, cells, strict=True))
    except csv.Error as fault:
        raise BadFile(name, lines.line_num, f"this is no CSV ({fault})", "save it anew") from None


def text(name: Path | str, row: int, words: str) -> str:
    """What a person wrote, if it is nothing but text: no HTML, formula or sign nobody sees. Raises BadFile."""
    words = words.strip()
    if not words:
        raise BadFile(name, row, "the text is empty", "leave the row out")
    if len(words) > LONGEST:
        raise BadFile(name, row, f"the text has {len(words)} characters", f"shorten it to {LONGEST}")
    if tag := _TAG.search(words):
        raise BadFile(name, row, f"the text holds HTML ({tag[0][:30]})", "export it as plain text")
    if _FORMULA.match(words):
        raise BadFile(name, row, "the text begins like a formula of a spreadsheet", "write it as text")
    if words[0] == "'" and words[1:2] in FORMULAS:
        words = words[1:]  # so spreadsheets are kept from running it, in our exports too
    if unseen := _UNSEEN.search(words):
        raise BadFile(name, row, f"the text holds a sign nobody sees (U+{ord(unseen[0]):04X})", "take it out")
    return words


def stripped(name: Path | str, row: int, markup: str) -> str:
    """The words of a text with harmless markup (paragraphs, lists, emphasis, links). Raises BadFile for any other.

    >>> stripped("x.csv", 2, "<p>Bänke &amp; <b>Bäume</b></p><p>bitte</p>")
    'Bänke & Bäume\\n\\nbitte'
    """
    words = _ENDS.sub("\n\n", _BREAKS.sub("\n", _HARMLESS.sub("", markup.strip())))
    return text(name, row, html.unescape(re.sub(r"\n{3,}", "\n\n", words)))


def whole(name: Path | str, row: int, column: str, cell: str) -> int:
    """A whole number. Raises BadFile."""
    try:
        if len(cell) < 20:
            return int(cell)
    except ValueError:
        pass
    raise BadFile(name, row, f"{column} is {cell[:40]!r}", "it must be a whole number")


def degrees(name: Path | str, row: int, column: str, cell: str, most: float) -> float | None:
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


def moment(name: Path | str, row: int, column: str, cell: str) -> datetime:
    """A time as seconds or milliseconds since 1970, or as ISO 8601. Raises BadFile.

    >>> moment("votes.csv", 2, "timestamp", "1651045893819").isoformat()
    '2022-04-27T07:51:33.819000+00:00'
    """
    try:
        if cell.isdecimal():
            milliseconds = int(cell) if len(cell) > 11 else int(cell) * 1000
            return datetime.fromtimestamp(milliseconds // 1000, UTC).replace(microsecond=milliseconds % 1000 * 1000)
        parsed = datetime.fromisoformat(cell)
        return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)
    except (ValueError, OverflowError, OSError):
        raise BadFile(name, row, f"{column} is {cell[:40]!r}", "it must be a time") from None
