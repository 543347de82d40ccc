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
"""Names every constraint alike on both databases, so that migrations can drop it and errors can name it."""


def to_iso(moment: datetime) -> str:
    """A moment as text of fixed width, in UTC, which sorts as time does: ``2026-11-23T14:05:00.000000Z``.

    Raises ValueError for a time without zone, because its moment is unknown.
    """
    zone = moment.tzinfo
    if zone is None:
        raise ValueError("a time without zone cannot be stored")
    if zone is not UTC:
        moment = moment.astimezone(UTC)
    return moment.isoformat(timespec="microseconds")[:26] + "Z"


class IsoText(Text):
    """A moment on SQLite, which has no type for it."""

    def bind_processor(self, dialect: Dialect) -> Callable[[Any], Any]:
        return lambda moment: None if moment is None else to_iso(moment)

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], Any]:
        parse = datetime.fromisoformat
        return lambda text: None if text is None else parse(text)


class UtcDateTime(TypeDecorator[datetime]):
    """A moment: always with zone in Python; TIMESTAMPTZ on PostgreSQL, ``to_iso`` text on SQLite.

    Only the way in has a step of its own. On the way out PostgreSQL's driver already gives UTC (``storage.core.store``
    asks for it), and SQLite's text is read by ``IsoText``, so that no row passes through this class.
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
"""64 bits on both; on SQLite only the word INTEGER makes a primary key the table's own order instead of a second index.
"""

Json = JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")


WORDS = {"words": True}
"""The ``info`` of a column that holds what people wrote, or an address, sealed or not: PostgreSQL must take no samples
of it for its planner, where they would outlast the row. The migration that makes such a column says
``ALTER COLUMN … SET STATISTICS 0``.
"""


class Base(DeclarativeBase):
    """The base of all tables. Ids are made by the caller (63 bits; rising, in identity at random), never by the
    database."""

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
    """A rule that a text column holds one of these words.

    Written as a row of comparisons: for a list of more than two words SQLite builds a small index, anew for every row.
    """
    return CheckConstraint(" OR ".join(f"{column} = '{value}'" for value in values), name=column)


def exactly(column: str, length: int) -> CheckConstraint:
    """A rule that a column holds exactly so many bytes or characters: a key of another length is a mistake of the
    caller.
    """
    return CheckConstraint(f"length({column}) = {length}", name=column)


def table_of(model: type[Base]) -> Table:
    """The table behind a model. Queries are Core statements over tables, without change tracking or lazy loading."""
    table = model.__table__
    assert isinstance(table, Table)  # noqa: S101 - tells the type checker what is true of every model here
    return table
