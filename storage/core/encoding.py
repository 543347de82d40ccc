"""Encodes the columns of a batch for the two drivers, and decodes what SQLite gives back."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from json import dumps, loads
from typing import Any

from sqlalchemy import JSON, Boolean, ColumnElement, Dialect, LargeBinary, Text, create_mock_engine
from sqlalchemy.dialects import sqlite

from storage.core.base import UtcDateTime, to_iso

Encode = Callable[[Sequence[Any]], Any]
"""Takes the values of one column; gives a list of values (SQLite) or the text of an array (PostgreSQL)."""

Read = Callable[[Any], Any]

DIALECTS: dict[str, Dialect] = {
    "sqlite": sqlite.dialect(),
    "postgresql": create_mock_engine("postgresql+psycopg://", lambda *_: None).dialect,
}


def array_type(column: ColumnElement[Any]) -> str:
    """The name of PostgreSQL's array type for a column: ``BIGINT[]``."""
    return f"{column.type.compile(dialect=DIALECTS['postgresql'])}[]"


def encoder(dialect: str, column: ColumnElement[Any]) -> Encode:
    """The encoder of a column for ``sqlite`` or ``postgresql``.

    Encoders raise ValueError for a time without zone, and on SQLite for text with a NUL character: PostgreSQL cannot
    hold it, and rows must be able to move there.
    """
    write = _writer(dialect, column)
    if dialect == "sqlite":
        return list if write is None else lambda values: _each(write, values)
    return lambda values: "{" + ",".join(_each(write or _plain, values)) + "}"


def sqlite_readers(columns: Iterable[ColumnElement[Any]]) -> list[tuple[int, Read]]:
    """The places of a result in which SQLite's driver gives something else than the column means, and what helps."""
    readers: dict[type, Read] = {UtcDateTime: datetime.fromisoformat, Boolean: bool, JSON: loads}
    places = enumerate(columns)
    return [(place, readers[type(column.type)]) for place, column in places if type(column.type) in readers]


def read_cells(rows: Iterable[Sequence[Any]], readers: Sequence[tuple[int, Read]]) -> Iterator[list[Any]]:
    """Rows as SQLite's driver gave them, as their columns mean them."""
    for row in rows:
        cells = list(row)
        for place, read in readers:
            if cells[place] is not None:
                cells[place] = read(cells[place])
        yield cells


def _each(write: Callable[[Any], Any], values: Sequence[Any]) -> list[Any]:
    """Every value written; only once if all are the same, as channel, language and time mostly are within a batch."""
    first = values[0]
    if values.count(first) == len(values):
        return [write(first)] * len(values)
    return [write(value) for value in values]


def _writer(dialect: str, column: ColumnElement[Any]) -> Callable[[Any], Any] | None:
    kind = column.type
    if dialect == "sqlite":
        if isinstance(kind, UtcDateTime):
            return _sqlite_moment
        if isinstance(kind, JSON):
            return _sqlite_json
        return _sqlite_text if isinstance(kind, Text) else None
    if isinstance(kind, UtcDateTime):
        return _moment
    if isinstance(kind, JSON):
        return _json
    if isinstance(kind, LargeBinary):
        return _bytes
    return _quoted if isinstance(kind, Text) else None


def _sqlite_moment(value: datetime | None) -> str | None:
    return None if value is None else to_iso(value)


def _sqlite_json(value: Any) -> str | None:
    return None if value is None else dumps(value, ensure_ascii=False)


def _sqlite_text(value: str | None) -> str | None:
    if value is not None and "\0" in value:
        raise ValueError("text with a NUL character cannot be stored")
    return value


def _plain(value: object) -> str:
    return "NULL" if value is None else str(value)


def _moment(value: datetime | None) -> str:
    return "NULL" if value is None else to_iso(value)


def _json(value: Any) -> str:
    return "NULL" if value is None else _quoted(dumps(value, ensure_ascii=False))


def _bytes(value: bytes | None) -> str:
    return "NULL" if value is None else f'"\\\\x{value.hex()}"'


def _quoted(value: str | None) -> str:
    """Array text: quotes and backslashes are escaped, everything else between quotes stands for itself."""
    if value is None:
        return "NULL"
    if "\\" in value:
        value = value.replace("\\", "\\\\")
    if '"' in value:
        value = value.replace('"', '\\"')
    return f'"{value}"'
