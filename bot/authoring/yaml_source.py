"""Parses a consultation file into plain data with the line of each part.

YAML 1.2 core schema (`no` and `12:30` are texts), and therefore also JSON. The data is built from parser events
instead of a constructor: a file can neither name a Python type nor use references to expand itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
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

_INT = re.compile(r"[-+]?[0-9]{1,18}")
_FLOAT = re.compile(r"[-+]?(\.[0-9]{1,30}|[0-9]{1,30}(\.[0-9]{0,30})?)([eE][-+]?[0-9]{1,3})?")
_CONSTANTS: Final[dict[str, bool | None]] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_HASHTAG = re.compile(r"[ \t]+#[^\s#]")
_QUOTE = "put the text in double quotes if it is meant as text"

# What ruamel says, and what a person can do about it.
_ADVICE: Final = (
    (
        "mapping values are not allowed",
        "a second colon stands in this line",
        'put the text in double quotes: de: “…” needs "…"',
    ),
    (
        "but got ':'",
        "a second colon stands in this line",
        'put the text in double quotes: {de: "Warum: …"}',
    ),
    (
        "cannot start any token",
        "a line begins with a character that means something else in YAML",
        "indent with spaces, never with tabs, and put such a text in double quotes",
    ),
    (
        "expected <block end>",
        "the indentation does not fit the lines above",
        "line it up with its neighbours, with spaces",
    ),
    (
        "could not find expected ':'",
        "a colon is missing after the name",
        "write “name: value”, with a space after the colon",
    ),
    (
        "while scanning a quoted scalar",
        "a quotation mark is opened and not closed",
        'close it, or write \\" inside the text',
    ),
)


class ParsedFile(NamedTuple):
    """What stands in a file. `data` is None where it cannot be read at all; then `faults` says why."""

    data: Any
    lines: dict[Where, int]
    faults: tuple[DefinitionIssue, ...]


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


def parse_yaml(text: str, name: str) -> ParsedFile:
    """Parses a text."""
    if text.lstrip()[:1] == "{":
        # JSON may be indented with tabs, YAML may not; inside a JSON text a bare tab is not allowed anyway.
        text = text.replace("\t", " ")
    builder = _Builder(text, name)
    try:
        data = builder.document()
    except _Refused as refused:
        error = DefinitionIssue(name, refused.line, refused.reason, refused.remedy)
        return ParsedFile(None, builder.lines, (*builder.faults, error))
    return ParsedFile(data, builder.lines, tuple(builder.faults))


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
    if len(content) > LARGEST:
        raise _Refused(1, "the file is larger than 1 MB", "a consultation is a few pages of text; leave the rest out")
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
        self.faults: list[DefinitionIssue] = []
        self._text = text
        self._name = name
        self._events = self._parsed()

    def document(self) -> Any:
        first = self._next()
        while isinstance(first, StreamStartEvent | DocumentStartEvent):
            if isinstance(first, DocumentStartEvent) and first.version not in (None, (1, 2)):
                raise _Refused(_line(first), "only YAML 1.2 is read here", "take the line %YAML away")
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
            yield from YAML(typ="rt", pure=True).parse(self._text)
        except ReaderError as error:
            line = self._text.count("\n", 0, error.position) + 1
            raise _Refused(line, "a character stands here which no text needs", "delete and retype the line") from error
        except MarkedYAMLError as error:
            raise _explained(error) from error
        except (YAMLError, ValueError, IndexError, AttributeError) as error:
            raise _Refused(1, "this cannot be read as YAML or JSON", "compare it with a sample file") from error

    def _value(self, event: Event, where: Where) -> Any:
        line = _line(event)
        self.lines.setdefault(where, line)
        if len(where) > DEEPEST:
            raise _Refused(line, "this is nested too deeply", "a consultation needs no more than a few levels")
        if isinstance(event, AliasEvent):
            raise _Refused(line, "a reference (*name) stands here", f"write out what is meant, or {_QUOTE}")
        if isinstance(event, NodeEvent) and getattr(event, "tag", None):
            raise _Refused(line, "a type name (!name) stands here", f"take it away, or {_QUOTE}")
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
                reason = f"“{name}” stands twice here; the first is in line {self.lines[*where, name]}"
                self.faults.append(DefinitionIssue(self._name, line, reason, "keep one of them"))
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
                "what follows # is a comment and not part of the text",
                "put the whole text in double quotes",
            )
            self.faults.append(DefinitionIssue(self._name, line, reason, remedy, warning=True))


def _line(event: Event) -> int:
    return int(event.start_mark.line) + 1


def _joined(text: str, line: int) -> str:
    """JSON writes an emoji as two halves (\\ud83d\\ude00); here they become one character again."""
    if text.isascii():
        return text
    try:
        return text.encode("utf-16", "surrogatepass").decode("utf-16")
    except UnicodeDecodeError as error:
        raise _Refused(line, "half a character (\\ud…) stands here", "write the character itself") from error


def _explained(error: MarkedYAMLError) -> _Refused:
    said = f"{error.context or ''} {error.problem or ''}"
    # A quotation mark is missing where it was opened, not where the file ends.
    marks = (error.context_mark, error.problem_mark) if "quoted" in said else (error.problem_mark, error.context_mark)
    line = next((mark.line + 1 for mark in marks if mark), 1)
    for words, reason, remedy in _ADVICE:
        if words in said:
            return _Refused(line, reason, remedy)
    return _Refused(
        line, f"this line cannot be read ({error.problem})", "check indentation, colons and quotation marks"
    )
