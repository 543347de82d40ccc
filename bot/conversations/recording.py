"""Reads recordings: files with one JSON message per line, read line by line to keep memory constant."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO, Final, NamedTuple, get_args

from pydantic_core import from_json

from flows.messages import Location, Mode, MsgIn

LONGEST_LINE: Final = 1_000_000
LONGEST_NAME: Final = 500
WATCHED_EVERY: Final = 1000

_NAMES = ("channel", "address", "external_id")
_REQUIRED = (*_NAMES, "text", "sent_at")
_OPTIONAL = ("choice", "media", "edits", "language_hint", "mode", "place_code")
_MODES = get_args(Mode)
_NOT_IN_NAMES = re.compile("[\x00-\x1f\x7f-\x9f]")


class BadLine(NamedTuple):
    """A line that is not a message, with reason and remedy."""

    file: str
    line: int
    reason: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.reason}; {self.remedy}"


class _BadLineError(Exception):
    """Reason and remedy of a bad line."""


@dataclass(slots=True)
class RecordingSummary:
    """Counts of a recording."""

    messages: int = 0
    bad: int = 0
    channels: set[str] = field(default_factory=set)


def read_recording(path: Path) -> Iterator[MsgIn | BadLine]:
    """Yields the messages and bad lines of a recording in order; skips empty lines. Raises OSError."""
    with path.open("rb") as file:
        for number, line in enumerate(_lines(file), start=1):
            if line is not None and not line.strip():
                continue
            try:
                yield parse_recorded_line(line)
            except _BadLineError as error:
                yield BadLine(str(path), number, *error.args)


def scan_recording(
    path: Path, complain: Callable[[BadLine], None], watch: Callable[[int], None] = lambda done: None
) -> RecordingSummary:
    """Reads a whole recording without replaying it and reports every bad line. Raises OSError."""
    found = RecordingSummary()
    for item in read_recording(path):
        if isinstance(item, BadLine):
            found.bad += 1
            complain(item)
        else:
            found.messages += 1
            found.channels.add(item.channel)
            if found.messages % WATCHED_EVERY == 0:
                watch(found.messages)
    return found


def _lines(file: BinaryIO) -> Iterator[bytes | None]:
    """Yields the lines of a file; None for a line too long to be a message."""
    is_first = True
    while line := file.readline(LONGEST_LINE + 1):
        if is_first:
            line, is_first = line.removeprefix(b"\xef\xbb\xbf"), False
        if len(line) <= LONGEST_LINE:
            yield line
            continue
        while not line.endswith(b"\n") and (line := file.readline(LONGEST_LINE)):
            pass
        yield None


def parse_recorded_line(line: bytes | None) -> MsgIn:
    """Parses one line as a message."""
    data = _object(line)
    for name in _REQUIRED:
        if not isinstance(data.get(name), str):
            raise _not_text(data, name)
    for name in _NAMES:
        _check_name(name, data[name])
    for name in _OPTIONAL:
        if not isinstance(data.get(name, ""), str):
            raise _not_text(data, name)
    mode: Mode = data.get("mode", "self")
    if mode not in _MODES:
        raise _BadLineError(f"“mode” is none of {', '.join(_MODES)}", "leave it out where people wrote themselves")
    return MsgIn(
        data["channel"],
        data["address"],
        external_id=data["external_id"],
        sent_at=_moment(data["sent_at"]),
        text=data["text"],
        choice=data.get("choice", ""),
        media=data.get("media", ""),
        location=_place(data.get("place")),
        edits=data.get("edits", ""),
        language_hint=data.get("language_hint", ""),
        mode=mode,
        entry_code=data.get("place_code", ""),
    )


def _object(line: bytes | None) -> dict[str, Any]:
    if line is None:
        raise _BadLineError("the line is too long", f"a message has at most {LONGEST_LINE} bytes")
    try:
        data = from_json(line, cache_strings="keys")  # texts of residents are not cached as keys
    except ValueError:
        raise _not_json(line) from None
    if not isinstance(data, dict):
        raise _BadLineError("this is JSON, but not an object", 'write {"channel": …, "address": …, …}')
    return data


def _not_json(line: bytes) -> _BadLineError:
    try:
        line.decode()
    except UnicodeDecodeError as error:
        return _BadLineError(f"byte {error.start + 1} is not UTF-8", "save the file as UTF-8")
    return _BadLineError("this is not JSON", "write one complete object on each line")


def _not_text(data: dict[str, Any], name: str) -> _BadLineError:
    if name not in data:
        return _BadLineError(f"“{name}” is missing", f"every message has {', '.join(_REQUIRED)}")
    return _BadLineError(f"“{name}” is not a text", "write it in quotation marks")


def _check_name(name: str, value: str) -> None:
    if not value:
        raise _BadLineError(f"“{name}” is empty", "messages are told apart by it: fill it in")
    if len(value) > LONGEST_NAME:
        raise _BadLineError(f"“{name}” has {len(value)} characters", f"at most {LONGEST_NAME} are possible")
    if not value.isprintable() and _NOT_IN_NAMES.search(value):
        raise _BadLineError(f"“{name}” contains a control character", "leave it out")


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is not None:
            return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise _BadLineError("“sent_at” is not a time", "write it like 2026-11-23T14:05:00+01:00") from None
    raise _BadLineError("“sent_at” has no time zone", "end it with Z for UTC, or with an offset like +01:00")


def _place(data: object) -> Location | None:
    if data is None:
        return None
    latitude, longitude = (data.get(name) if isinstance(data, dict) else None for name in ("latitude", "longitude"))
    if isinstance(latitude, int | float) and isinstance(longitude, int | float):
        with suppress(OverflowError):
            return Location(float(latitude), float(longitude))
    raise _BadLineError("“place” is not a place", 'write {"latitude": 52.5, "longitude": 13.4}')
