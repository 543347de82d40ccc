"""One statement per table and batch: many rows written, or read by their keys, at once.

Rows are NamedTuples: typed for the caller, and already in the form that drivers accept. A statement is built once per
database from the table and passed directly to the driver, because building and converting it row by row costs more than
its execution (docs/develop/data.md, "How fast").

* SQLite: ``executemany`` with the rows as they are.
* PostgreSQL: one statement over ``unnest`` of one array per column, encoded here as array text: one round trip for the
  whole batch. The driver's ``executemany`` and its own conversion of lists were both measured to be slower.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from operator import itemgetter
from typing import Any, Generic, ParamSpec, TypeVar, cast

from sqlalchemy import ColumnElement, Connection, Select, Table, any_, literal_column
from sqlalchemy.engine.interfaces import DBAPICursor

from storage.core import driver, encoding
from storage.core.errors import BadRow

RowT = TypeVar("RowT", bound=tuple[Any, ...])
FieldsP = ParamSpec("FieldsP")

KEYS_AT_ONCE = 10_000
"""The maximum number of keys of one statement, more are read in several; SQLite accepts at most 32,766 parameters."""


class Bulk(Generic[RowT]):
    """Writes many rows of one NamedTuple type with one statement.

    Made by ``insert``, ``upsert``, ``update`` and ``delete``.

    >>> add = insert(Note.__table__, NewNote)                                               # doctest: +SKIP
    >>> add(connection, [NewNote(1, "lamps"), NewNote(2, "trees")])                         # doctest: +SKIP
    2
    """

    def __init__(
        self,
        table: Table,
        row: type[RowT],
        write: Callable[["_Source"], str],
        one_per: Sequence[str] = (),
        *,
        adds: Iterable[str] | None = None,
    ) -> None:
        """``adds``: the columns that an inserting statement fills besides those of the row."""
        self.table, self.row = table, row
        self.adds = None if adds is None else frozenset(adds)
        self._fields = field_names(row)
        self._columns = [table.c[field] for field in self._fields]
        self._write = write
        self._key = itemgetter(*map(self._fields.index, one_per)) if one_per else None
        self._prepared: dict[str, tuple[str, list[encoding.Encode]]] = {}

    def __call__(self, connection: Connection, rows: Sequence[RowT]) -> int:
        """Writes the rows; no rows are allowed. If rows of an upsert or update share a key, the last one counts.

        Returns the number of rows written. Raises BadRow for a value that the column cannot store.
        """
        return self._execute(connection, rows).rowcount if rows else 0

    def returned(self, connection: Connection, rows: Sequence[RowT]) -> list[Any]:
        """Writes the rows; returns the results of a statement with RETURNING. PostgreSQL only: SQLite's driver does not
        support it.
        """
        return list(self._execute(connection, rows).fetchall()) if rows else []

    def _execute(self, connection: Connection, rows: Sequence[RowT]) -> DBAPICursor:
        name = connection.dialect.name
        sql, encoders = self._prepared.get(name) or self._prepare(name)
        if self._key and len(rows) > 1:
            rows = list({self._key(row): row for row in rows}.values())
        try:
            cells = [encode(column) for encode, column in zip(encoders, zip(*rows, strict=True), strict=True)]
        except (ValueError, TypeError, AttributeError) as error:
            raise BadRow(str(error)) from error
        if name == "sqlite":
            return driver.execute(connection, sql, zip(*cells, strict=True), many=True)
        return driver.execute(connection, sql, cells)

    def _prepare(self, name: str) -> tuple[str, list[encoding.Encode]]:
        source = _Source(name, self._fields, [encoding.array_type(column) for column in self._columns])
        prepared = self._write(source), [encoding.encoder(name, column) for column in self._columns]
        self._prepared[name] = prepared
        return prepared


class _Source:
    """The incoming rows in the SQL of each database."""

    def __init__(self, dialect: str, fields: Sequence[str], array_types: Sequence[str]) -> None:
        self.sqlite = dialect == "sqlite"
        self.fields = fields
        self._arrays = ", ".join(f"%s::{array}" for array in array_types)

    def insert(self, more: Iterable[str] = ()) -> str:
        if self.sqlite:
            return f"VALUES ({', '.join((*map(self.mark, self.fields), *more))})"
        return _words("SELECT", ", ".join(("new.*", *more)), self.rows("FROM"))

    def mark(self, field: str) -> str:
        return f"?{self.fields.index(field) + 1}" if self.sqlite else f"new.{field}"

    def rows(self, word: str) -> str:
        return "" if self.sqlite else f"{word} unnest({self._arrays}) AS new ({', '.join(self.fields)})"

    def differs(self, left: str, right: str) -> str:
        """Compares for inequality, with NULL as an ordinary value. SQLite supports the standard operator only since
        3.39.
        """
        return f"{left} IS NOT {right}" if self.sqlite else f"{left} IS DISTINCT FROM {right}"


def insert(
    table: Table,
    row: type[RowT],
    *,
    skip_known: bool = False,
    returning: Sequence[str] = (),
    also: Mapping[str, str] | None = None,
) -> Bulk[RowT]:
    """Adds rows. With ``skip_known``, rows that violate a uniqueness constraint are skipped instead of refused.

    ``also`` sets further columns from SQL expressions, in which ``{field}`` is the value of a field of the row.
    """
    tail = " ON CONFLICT DO NOTHING" if skip_known else ""
    tail += f" RETURNING {', '.join(returning)}" if returning else ""

    def write(source: _Source) -> str:
        marks = {field: source.mark(field) for field in source.fields}
        more = {column: expression.format_map(marks) for column, expression in (also or {}).items()}
        return f"{_insert(table, row, more)} {source.insert(more.values())}{tail}"

    return Bulk(table, row, write, adds=also or ())


def upsert(
    table: Table,
    row: type[RowT],
    key: Sequence[str],
    *,
    also: Mapping[str, str] | None = None,
    if_changed: Sequence[str] = (),
    newest_by: str = "",
) -> Bulk[RowT]:
    """Adds rows, or updates those with the same key.

    ``also`` sets further columns from SQL expressions. With ``if_changed`` a row is updated only if one of these
    columns differs; with ``newest_by`` only if the new value of this column is not smaller.
    """
    changed = {field: f"excluded.{field}" for field in field_names(row) if field not in key} | dict(also or {})

    def write(source: _Source) -> str:
        tests = " OR ".join(source.differs(f"{table.name}.{field}", f"excluded.{field}") for field in if_changed)
        if newest_by:
            tests = f"excluded.{newest_by} >= {table.name}.{newest_by}" + (f" AND ({tests})" if tests else "")
        where = f" WHERE {tests}" if tests else ""
        conflict = f"ON CONFLICT ({', '.join(key)}) DO UPDATE SET {_assignments(changed)}{where}"
        return f"{_insert(table, row)} {source.insert()} {conflict}"

    return Bulk(table, row, write, one_per=key, adds=())


def update(table: Table, row: type[RowT], key: Sequence[str], also: Mapping[str, str] | None = None) -> Bulk[RowT]:
    """Changes the rows with these keys; ``also`` sets further columns from SQL expressions. Unknown keys change
    nothing.
    """
    fields = [field for field in field_names(row) if field not in key]

    def write(source: _Source) -> str:
        changed = {field: source.mark(field) for field in fields} | dict(also or {})
        return _words(
            "UPDATE", table.name, "SET", _assignments(changed), source.rows("FROM"), _same(table, source, key)
        )

    return Bulk(table, row, write, one_per=key)


def delete(table: Table, row: type[RowT], *, only: str = "") -> Bulk[RowT]:
    """Deletes the rows with these keys: the NamedTuple contains key columns only. ``only`` restricts this to rows with
    these values.
    """

    def write(source: _Source) -> str:
        spared = f"AND {only}" if only else ""
        return _words("DELETE FROM", table.name, source.rows("USING"), _same(table, source, source.fields), spared)

    return Bulk(table, row, write)


def constructor(row: Callable[FieldsP, RowT]) -> Callable[FieldsP, RowT]:
    """A function that makes rows of a NamedTuple type from keywords, for the tables of the live path.

    Python hands keywords to a type as a dict, which takes three times as long as handing them to a function.

    >>> new_note = constructor(NewNote)                                                     # doctest: +SKIP
    >>> new_note(id=1, text="lamps")                                                        # doctest: +SKIP
    """
    made: Any = row
    return cast("Callable[FieldsP, RowT]", partial(made.__new__, made))


def field_names(row: type[RowT]) -> tuple[str, ...]:
    """Returns the field names of a NamedTuple type."""
    fields: tuple[str, ...] = row._fields  # type: ignore[attr-defined]  # the bound cannot express it
    return fields


def _insert(table: Table, row: type[RowT], more: Iterable[str] = ()) -> str:
    return f"INSERT INTO {table.name} ({', '.join((*field_names(row), *more))})"


def _words(*parts: str) -> str:
    """Builds SQL from parts. All of them come from the tables and NamedTuples of this package, none from outside."""
    return " ".join(parts)


def _assignments(changed: Mapping[str, str]) -> str:
    return ", ".join(f"{field} = {value}" for field, value in changed.items())


def _same(table: Table, source: _Source, key: Sequence[str]) -> str:
    return "WHERE " + " AND ".join(f"{table.name}.{field} = {source.mark(field)}" for field in key)


class ByKeys(Generic[RowT]):
    """Reads the rows in which a column has one of many keys, as a NamedTuple type with the selected columns as fields.

    The SELECT is built with SQLAlchemy, compiled once, and run by the driver: a batch has many keys, and a named
    parameter for each costs more than the query.
    """

    def __init__(self, row: type[RowT], statement: Select[Any], column: ColumnElement[Any], *, lock: str = "") -> None:
        self._make: Callable[[Iterable[Any]], RowT] = row._make  # type: ignore[attr-defined]  # see `field_names`
        self._statement = statement
        self._column = column
        self._lock = lock
        self._readers = encoding.sqlite_readers(statement.selected_columns)
        self._prepared: dict[tuple[str, int], str] = {}

    def __call__(self, connection: Connection, keys: Sequence[Any], *, lock: bool = False) -> Iterator[RowT]:
        """Returns the rows, in any order unless the statement has one. ``lock`` locks them until the commit."""
        for start in range(0, len(keys), KEYS_AT_ONCE):
            some = keys[start : start + KEYS_AT_ONCE]
            if connection.dialect.name == "sqlite":
                yield from self._sqlite(connection, some)  # no locks: there is only one writer at a time
            else:
                yield from self._postgresql(connection, some, self._lock if lock else "")

    def _sqlite(self, connection: Connection, keys: Sequence[Any]) -> Iterator[RowT]:
        # A few fixed numbers of placeholders, so that the driver reuses the prepared statement; the last key is
        # repeated.
        marks = 1 << (len(keys) - 1).bit_length()
        sql = self._prepared.get(("sqlite", marks)) or self._compile("sqlite", marks)
        filled = (*keys, *[keys[-1]] * (marks - len(keys)))
        rows = driver.execute(connection, sql, filled).fetchall()
        return map(self._make, encoding.read_cells(rows, self._readers) if self._readers else rows)

    def _postgresql(self, connection: Connection, keys: Sequence[Any], lock: str) -> Iterator[RowT]:
        sql = self._prepared.get(("postgresql", 1)) or self._compile("postgresql", 1)
        array = encoding.encoder("postgresql", self._column)(keys)
        return map(self._make, driver.execute(connection, f"{sql} {lock}", (array,)).fetchall())

    def _compile(self, dialect: str, marks: int) -> str:
        keys: ColumnElement[Any] = literal_column("$keys")
        if dialect == "sqlite":
            query, source = self._statement.where(self._column.in_([keys])), ", ".join("?" * marks)
        else:
            # One parameter, for any number of keys: one text, so one prepared plan.
            query = self._statement.where(self._column == any_(keys))
            source = f"%s::{encoding.array_type(self._column)}"
        sql = str(query.compile(dialect=encoding.DIALECTS[dialect])).replace("$keys", source)
        self._prepared[dialect, marks] = sql
        return sql
