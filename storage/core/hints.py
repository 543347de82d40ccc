"""Hints for the planner of SQLite, which knows nothing of how often a value occurs."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.visitors import InternalTraversal


class WithoutIndex(ColumnElement[Any]):
    """A column that SQLite compares, but does not look up in an index. PostgreSQL gets the column itself: it counts
    values, and an expression would hide them.
    """

    inherit_cache = True
    _traverse_internals = [("column", InternalTraversal.dp_clauseelement)]  # noqa: RUF012 (as SQLAlchemy declares it)

    def __init__(self, column: ColumnElement[Any]) -> None:
        self.column = column
        self.type = column.type


@compiles(WithoutIndex)
def _plain(element: WithoutIndex, compiler: SQLCompiler, **options: Any) -> str:
    return compiler.process(element.column, **options)


@compiles(WithoutIndex, "sqlite")
def _unary_plus(element: WithoutIndex, compiler: SQLCompiler, **options: Any) -> str:
    return f"+{compiler.process(element.column, **options)}"
