"""Shared by all tables: the base class, the names of constraints, and the types for times and JSON."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any, ClassVar

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Dialect,
    Float,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
)
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.types import TypeDecorator, TypeEngine

NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}
"""Names constraints alike on both databases, so that migrations can drop them and errors can name them."""


def to_iso(moment: datetime) -> str:
    """Returns a time as text of fixed width in UTC; texts sort like times: ``2026-11-23T14:05:00.000000Z``.

    Raises ValueError for a time without zone, because its moment is unknown.
    """
    zone = moment.tzinfo
    if zone is None:
        raise ValueError("a time without zone cannot be stored")
    if zone is not UTC:
        moment = moment.astimezone(UTC)
    return moment.isoformat(timespec="microseconds")[:26] + "Z"


class IsoText(Text):
    """A time on SQLite, which has no type for times."""

    def bind_processor(self, dialect: Dialect) -> Callable[[Any], Any]:
        return lambda moment: None if moment is None else to_iso(moment)

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], Any]:
        parse = datetime.fromisoformat
        return lambda text: None if text is None else parse(text)


class UtcDateTime(TypeDecorator[datetime]):
    """A time: always with zone in Python; TIMESTAMPTZ on PostgreSQL, ``to_iso`` text on SQLite.

    Only bound values are converted here. In results PostgreSQL's driver already gives UTC (``storage.core.store``
    requests it) and ``IsoText`` parses SQLite's text, so that no result row passes through this class.
    """

    impl = TIMESTAMP(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(IsoText() if dialect.name == "sqlite" else TIMESTAMP(timezone=True))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is not None and value.tzinfo is None:
            raise ValueError("a time without zone cannot be stored")
        return value


BigInt = BigInteger().with_variant(Integer(), "sqlite")
"""64 bits on both; on SQLite only the type INTEGER makes a primary key the row id of the table instead of a second
index.
"""

Json = JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")


WORDS = {"words": True}
"""The ``info`` of a column with residents' texts or addresses, encrypted or not: PostgreSQL's planner must not store
samples of it, because they would outlast the row. The migration that adds such a column also runs ``ALTER COLUMN … SET
STATISTICS 0``.
"""


class Base(DeclarativeBase):
    """The base of all tables. The caller makes ids (63 bits; rising, in identity random), never the database."""

    metadata = MetaData(naming_convention=NAMES)
    type_annotation_map: ClassVar[dict[Any, TypeEngine[Any]]] = {
        int: BigInt,
        str: Text(),
        bytes: LargeBinary(),
        bool: Boolean(),
        float: Float(),
        datetime: UtcDateTime(),
    }


def one_of(column: str, values: Iterable[str]) -> CheckConstraint:
    """Returns a check constraint: the text column contains one of these words.

    Written as a chain of comparisons: for an IN list of more than two words SQLite builds a small index for every row.
    """
    return CheckConstraint(" OR ".join(f"{column} = '{value}'" for value in values), name=column)


def exactly(column: str, length: int) -> CheckConstraint:
    """Returns a check constraint: the column contains exactly this number of bytes or characters. A key of another
    length is a mistake of the caller.
    """
    return CheckConstraint(f"length({column}) = {length}", name=column)


def table_of(model: type[Base]) -> Table:
    """Returns the table of a model. Queries are Core statements on tables, without change tracking and lazy loading."""
    table = model.__table__
    assert isinstance(table, Table)  # noqa: S101 - for the type checker: true for every model here
    return table
