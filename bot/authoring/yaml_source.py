"""Parses a consultation file into plain data with the line of each part.

YAML 1.2 core schema (`no` and `12:30` are texts), and therefore also JSON. The data is built from parser events
instead of a constructor: a file can neither name a Python type nor use references to expand itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from operator import itemgetter
from pathlib import Path
from typing import Any, Final, NamedTuple

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentEndEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
    StreamStartEvent,
)
from ruamel.yaml.reader import ReaderError

from bot.consultations.definition_issues import DefinitionIssue
from flows.questions.base import Where

LARGEST: Final = 1_000_000
DEEPEST: Final = 40
MOST_PARTS: Final = 20_000
"""Names, values and brackets of a file: a hundred questions in eight languages. Reading them takes about a second."""
MOST_LINES: Final = 20_000
LONGEST: Final = 20_000
"""Characters of a text, and of a line. The parser needs half a minute for a comment or a type name of a megabyte."""

_INT = re.compile(r"[-+]?[0-9]{1,18}")
_FLOAT = re.compile(r"[-+]?(\.[0-9]{1,30}|[0-9]{1,30}(\.[0-9]{0,30})?)([eE][-+]?[0-9]{1,3})?")
_CONSTANTS: Final[dict[str, bool | None]] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_PARTS = re.compile(r"""\"(?:[^"\\]|\\.)*+|'[^']*+|(?<=\s)\#[^\n]*+|(?:[^\s,\[\]{}:"']|[ \t](?!\#))++""", re.DOTALL)
"""Texts, names and comments of a file that is written like JSON. Possessive: it takes one pass over any text."""
_HASHTAG = re.compile(r"[ \t]+#[^\s#]")
_QUOTE = "put the text in double quotes if it is meant as text"

# Messages of ruamel and their remedies.
_ADVICE: Final = (
    (
        "mapping values are not allowed",
        "this line contains a second colon",
        'put the text in double quotes: de: “…” needs "…"',
    ),
    (
        "but got ':'",
        "this line contains a second colon",
        'put the text in double quotes: {de: "Warum: …"}',
    ),
    (
        "cannot start any token",
        "this line begins with a character that has a special meaning in YAML",
        "indent with spaces, never with tabs, and put such a text in double quotes",
    ),
    (
        "expected <block end>",
        "the indentation differs from the lines above",
        "align it with the lines around it, using spaces",
    ),
    (
        "could not find expected ':'",
        "a colon is missing after the name",
        "write “name: value”, with a space after the colon",
    ),
    (
        "while scanning a quoted scalar",
        "the closing quotation mark is missing",
        'close it, or write \\" inside the text',
    ),
)


class ParsedFile(NamedTuple):
    """The content of a file. `data` is None for an unreadable file; then `issues` has the reason."""

    data: Any
    lines: dict[Where, int]
    issues: tuple[DefinitionIssue, ...]
    text: str = ""
    """The file as it was written; "" if it has no text or cannot be read."""


class _Refused(Exception):
    def __init__(self, line: int, reason: str, remedy: str) -> None:
        super().__init__(reason)
        self.line, self.reason, self.remedy = line, reason, remedy


def load_yaml(path: Path) -> ParsedFile:
    """Reads a file. Problems are returned as issues; nothing is raised."""
    name = str(path)
    try:
        text = _text(path)
    except _Refused as refused:
        return ParsedFile(None, {}, (DefinitionIssue(name, refused.line, refused.reason, refused.remedy),))
    return parse_yaml(text, name)


def parse_bytes(content: bytes, name: str) -> ParsedFile:
    """Parses the content of a file that was uploaded."""
    try:
        text = _decoded(content)
    except _Refused as refused:
        return ParsedFile(None, {}, (DefinitionIssue(name, refused.line, refused.reason, refused.remedy),))
    return parse_yaml(text, name)


def parse_yaml(text: str, name: str) -> ParsedFile:
    """Parses a text."""
    written = text
    if text.lstrip()[:1] == "{":
        # JSON may be indented with tabs, YAML may not; a JSON text may not contain a tab either.
        text = text.replace("\t", " ")
    builder = _Builder(text, name)
    try:
        _check_lengths(text)
        data = builder.document()
    except _Refused as refused:
        error = DefinitionIssue(name, refused.line, refused.reason, refused.remedy)
        return ParsedFile(None, builder.lines, (*builder.issues, error))
    return ParsedFile(data, builder.lines, tuple(builder.issues), written)


def _check_lengths(text: str) -> None:
    """Refuses a file before the parser begins. One that is written like JSON may be a long line of short parts."""
    if text.count("\n") > MOST_LINES:
        raise _Refused(MOST_LINES + 1, f"the file has more than {MOST_LINES:,} lines", "shorten it")
    number, length = max(enumerate(map(len, text.split("\n")), start=1), key=itemgetter(1))
    if length > LONGEST and (text.lstrip()[:1] not in {"{", "["} or _longest_part(text) > LONGEST):
        reason = f"this line has a text of more than {LONGEST:,} characters"
        raise _Refused(number, reason, "shorten it, or divide it into lines")


def _longest_part(text: str) -> int:
    return max((found.end() - found.start() for found in _PARTS.finditer(text)), default=0)


def _text(path: Path) -> str:
    try:
        if path.is_dir():
            raise _Refused(1, "this is a folder", "name the files in it")
        if not path.is_file():
            raise _Refused(1, "there is no such file", "check the name")
        with path.open("rb") as file:
            content = file.read(LARGEST + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise _Refused(1, f"the file cannot be opened: {reason}", "check its name and permissions") from error
    return _decoded(content)


def _decoded(content: bytes) -> str:
    if len(content) > LARGEST:
        raise _Refused(1, "the file is larger than 1 MB", "shorten it to a few pages of text")
    if b"\0" in content:
        raise _Refused(1, "this is not a text file in UTF-8", "save it as plain text, encoding UTF-8")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise _Refused(line, "this is not a text file in UTF-8", "save it as plain text, encoding UTF-8") from error


class _Builder:
    """Builds dicts, lists and scalars from parser events, with the line of each."""

    def __init__(self, text: str, name: str) -> None:
        self.lines: dict[Where, int] = {}
        self.issues: list[DefinitionIssue] = []
        self._text = text
        self._name = name
        self._events = self._parsed()

    def document(self) -> Any:
        first = self._next()
        while isinstance(first, StreamStartEvent | DocumentStartEvent):
            if isinstance(first, DocumentStartEvent) and first.version not in (None, (1, 2)):
                raise _Refused(_line(first), "only YAML 1.2 is supported", "remove the line %YAML")
            first = self._next()
        if isinstance(first, StreamEndEvent):
            raise _Refused(1, "the file is empty", "start from a sample: flows/consultations/mein-kiez.yaml")
        data = self._value(first, ())
        for event in islice(self._events, 3):
            if not isinstance(event, DocumentEndEvent | StreamEndEvent):
                raise _Refused(_line(event), "a second document begins here", "write one consultation per file")
        return data

    def _next(self) -> Event:
        return next(self._events)

    def _parsed(self) -> Iterator[Event]:
        try:
            for number, event in enumerate(YAML(typ="rt", pure=True).parse(self._text)):
                if number > MOST_PARTS:
                    reason = f"the file has more than {MOST_PARTS:,} names and values"
                    raise _Refused(_line(event), reason, "divide the consultation")
                yield event
        except ReaderError as error:
            line = self._text.count("\n", 0, error.position) + 1
            raise _Refused(line, "this line contains a control character", "retype the line") from error
        except MarkedYAMLError as error:
            raise _explained(error) from error
        except (YAMLError, ValueError, IndexError, AttributeError) as error:
            raise _Refused(1, "the file is neither YAML nor JSON", "compare it with a sample file") from error

    def _value(self, event: Event, where: Where) -> Any:
        line = _line(event)
        self.lines.setdefault(where, line)
        if len(where) > DEEPEST:
            raise _Refused(line, "this is nested too deeply", "use fewer levels")
        if isinstance(event, AliasEvent):
            raise _Refused(line, "references (*name) are not supported", f"repeat the value, or {_QUOTE}")
        if isinstance(event, NodeEvent) and getattr(event, "tag", None):
            raise _Refused(line, "type names (!name) are not supported", f"remove it, or {_QUOTE}")
        if isinstance(event, MappingStartEvent):
            return self._mapping(where)
        if isinstance(event, SequenceStartEvent):
            return self._sequence(where)
        assert isinstance(event, ScalarEvent)  # noqa: S101 - for the type checker: no other event begins a value
        return self._scalar(event)

    def _mapping(self, where: Where) -> dict[str, Any]:
        data: dict[str, Any] = {}
        while not isinstance(event := self._next(), MappingEndEvent):
            line = _line(event)
            if not isinstance(event, ScalarEvent):
                raise _Refused(line, "a name is expected before the colon", "write “name: value”")
            name = _joined(event.value, line)
            if name in data:
                reason = f"“{name}” is defined twice; first in line {self.lines[*where, name]}"
                self.issues.append(DefinitionIssue(self._name, line, reason, "keep one of them"))
                self._value(self._next(), (*where, name, "again"))
                continue
            self.lines[*where, name] = line
            data[name] = None
            data[name] = self._value(self._next(), (*where, name))
        return data

    def _sequence(self, where: Where) -> list[Any]:
        items: list[Any] = []
        while not isinstance(event := self._next(), SequenceEndEvent):
            items.append(self._value(event, (*where, len(items))))
        return items

    def _scalar(self, event: ScalarEvent) -> Any:
        text, line = str(event.value), _line(event)
        if len(text) > LONGEST:
            raise _Refused(line, f"this text has more than {LONGEST:,} characters", "shorten it")
        if event.style:
            return _joined(text, line)
        self._warn_of_comment(event, line)
        if text in _CONSTANTS:
            return _CONSTANTS[text]
        if _INT.fullmatch(text):
            return int(text)
        return float(text) if _FLOAT.fullmatch(text) else text

    def _warn_of_comment(self, event: ScalarEvent, line: int) -> None:
        if _HASHTAG.match(self._text, event.end_mark.index):
            reason, remedy = (
                "the text after # is a comment",
                "put the whole text in double quotes",
            )
            self.issues.append(DefinitionIssue(self._name, line, reason, remedy, warning=True))


def _line(event: Event) -> int:
    return int(event.start_mark.line) + 1


def _joined(text: str, line: int) -> str:
    """Joins surrogate pairs: JSON may write an emoji as two halves (\ud83d\ude00)."""
    if text.isascii():
        return text
    try:
        return text.encode("utf-16", "surrogatepass").decode("utf-16")
    except UnicodeDecodeError as error:
        raise _Refused(
            line, "this line contains an incomplete character (\\ud…)", "write the character itself"
        ) from error


def _explained(error: MarkedYAMLError) -> _Refused:
    said = f"{error.context or ''} {error.problem or ''}"
    # The missing quotation mark belongs to where the text begins, not to the end of the file.
    marks = (error.context_mark, error.problem_mark) if "quoted" in said else (error.problem_mark, error.context_mark)
    line = next((mark.line + 1 for mark in marks if mark), 1)
    for words, reason, remedy in _ADVICE:
        if words in said:
            return _Refused(line, reason, remedy)
    return _Refused(
        line, f"this line cannot be read ({error.problem})", "check indentation, colons and quotation marks"
    )
