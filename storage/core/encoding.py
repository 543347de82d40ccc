"""Encodes the columns of a batch for the two drivers, and decodes the results of SQLite."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from json import dumps, loads
from typing import Any

from sqlalchemy import JSON, Boolean, ColumnElement, Dialect, LargeBinary, Text, create_mock_engine
from sqlalchemy.dialects import sqlite

from storage.core.base import UtcDateTime, to_iso

Encode = Callable[[Sequence[Any]], Any]
"""Encodes the values of one column: as a list of values (SQLite) or as the text of an array (PostgreSQL)."""

Read = Callable[[Any], Any]

DIALECTS: dict[str, Dialect] = {
    "sqlite": sqlite.dialect(),
    "postgresql": create_mock_engine("postgresql+psycopg://", lambda *_: None).dialect,
}


def array_type(column: ColumnElement[Any]) -> str:
    """Returns the name of PostgreSQL's array type for a column: ``BIGINT[]``."""
    return f"{column.type.compile(dialect=DIALECTS['postgresql'])}[]"


def encoder(dialect: str, column: ColumnElement[Any]) -> Encode:
    """Returns the encoder of a column for ``sqlite`` or ``postgresql``.

    Encoders raise ValueError for a time without zone, and on SQLite for text with a NUL character: PostgreSQL cannot
    store it, and rows must remain movable to PostgreSQL.
    """
    write = _writer(dialect, column)
    if dialect == "sqlite":
        return list if write is None else lambda values: _each(write, values)
    return lambda values: "{" + ",".join(_each(write or _plain, values)) + "}"


def sqlite_readers(columns: Iterable[ColumnElement[Any]]) -> list[tuple[int, Read]]:
    """Returns the decoders of a result of SQLite: index and function of each column that its driver returns in another
    type.
    """
    readers: dict[type, Read] = {UtcDateTime: datetime.fromisoformat, Boolean: bool, JSON: loads}
    places = enumerate(columns)
    return [(place, readers[type(column.type)]) for place, column in places if type(column.type) in readers]


def read_cells(rows: Iterable[Sequence[Any]], readers: Sequence[tuple[int, Read]]) -> Iterator[list[Any]]:
    """Decodes rows of SQLite's driver."""
    for row in rows:
        cells = list(row)
        for place, read in readers:
            if cells[place] is not None:
                cells[place] = read(cells[place])
        yield cells


def _each(write: Callable[[Any], Any], values: Sequence[Any]) -> list[Any]:
    """Encodes every value; only once if all are equal, as channel, language and time mostly are within a batch."""
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
    """Quotes the items of an array text: quotes and backslashes are escaped."""
    if value is None:
        return "NULL"
    if "\\" in value:
        value = value.replace("\\", "\\\\")
    if '"' in value:
        value = value.replace('"', '\\"')
    return f'"{value}"'
