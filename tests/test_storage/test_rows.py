"""Rows are filled by name, and their types say what the columns say."""

from __future__ import annotations

import ast
import pkgutil
import types
from collections.abc import Iterator
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import pytest
from sqlalchemy import Column

from storage import tables
from storage.core.base import Base
from storage.core.bulk import Bulk, field_names

ROOT = Path(__file__).parents[2]
PACKAGES = ("bot", "storage", "flows")
MOST_POSITIONAL = 4
"""More than that are told apart by their names only: two texts that changed places have the right types still."""


def modules(package: str) -> Iterator[str]:
    for path in sorted((ROOT / package).rglob("*.py")):
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        if path.name not in {"__init__.py", "__main__.py"} and ".migrations." not in name:
            yield name


def is_row(made: object) -> bool:
    """Whether this is a model, a row as the tables take or give it, its constructor, or something that becomes one."""
    if isinstance(made, partial):
        return is_row(made.args[0])
    if not isinstance(made, type):
        return False
    is_tuple = issubclass(made, tuple) and hasattr(made, "_fields")
    return issubclass(made, Base) or (is_tuple and (made.__module__.startswith("storage.") or _is_new(made)))


def _is_new(made: type) -> bool:
    return made.__name__.startswith("New") and made.__name__[3:4].isupper()


def filled_by_place(tree: ast.Module, names: dict[str, Any]) -> Iterator[int]:
    """The lines in which a row is filled with more values than can be told apart."""
    for call in ast.walk(tree):
        if isinstance(call, ast.Call) and len(call.args) > MOST_POSITIONAL:
            made: object = None
            match call.func:
                case ast.Name(name):
                    made = names.get(name)
                case ast.Attribute(ast.Name(name), attribute):
                    made = getattr(names.get(name), attribute, None)
            if is_row(made):
                yield call.lineno


@pytest.mark.parametrize("package", PACKAGES)
def test_rows_are_filled_by_keyword(package: str):
    found = []
    for name in modules(package):
        tree = ast.parse(ROOT.joinpath(*name.split(".")).with_suffix(".py").read_text(encoding="utf-8"))
        found += [(name, line) for line in filled_by_place(tree, vars(import_module(name)))]
    assert not found


def test_a_row_that_is_filled_by_place_is_found():
    from storage.tables import outbox

    lines = (
        "outbox.NewOutboxMessage(1, 2, 3, 4, 5)\nNewOutboxMessage(1, 2, 3, 4, 5)\n"
        "outbox.new_outbox_message(1, 2, 3, 4, 5)\nprint(1, 2, 3, 4, 5)"
    )
    names = {"outbox": outbox, "NewOutboxMessage": outbox.NewOutboxMessage}
    assert list(filled_by_place(ast.parse(lines), names)) == [1, 2, 3]


def inserted() -> Iterator[Bulk[Any]]:
    """The statements that add whole rows."""
    for module in pkgutil.iter_modules(tables.__path__):
        for one in vars(import_module(f"{tables.__name__}.{module.name}")).values():
            if isinstance(one, Bulk) and one.adds is not None:
                yield one


def _type_of(hint: Any) -> tuple[type, bool]:
    """What a field holds, and whether it may be None."""
    parts = set(get_args(hint)) if get_origin(hint) in {Union, types.UnionType} else {hint}
    (part,) = parts - {type(None)}
    if get_origin(part) is Literal:
        part = type(get_args(part)[0])
    return get_origin(part) or part, type(None) in parts


@pytest.mark.parametrize("statement", list(inserted()), ids=lambda one: one.row.__name__)
def test_row_types_have_the_columns_of_their_table(statement: Bulk[Any]):
    hints = get_type_hints(statement.row)
    (model,) = (it.class_ for it in Base.registry.mappers if it.local_table is statement.table)
    mapped = get_type_hints(model)
    columns: dict[str, Column[Any]] = dict(statement.table.columns)
    for field in field_names(statement.row):
        kind, may_be_none = _type_of(hints[field])
        stored, _ = _type_of(get_args(mapped[field])[0])
        assert stored in {kind, Any}, f"{field}: {stored} is stored (Any: as JSON)"
        assert not may_be_none or columns[field].nullable, f"{field} may not be NULL"
    left_out = {name: column for name, column in columns.items() if name not in hints}
    filled = {name for name, column in left_out.items() if column.nullable or column.server_default is not None}
    assert set(left_out) - filled <= (statement.adds or set()), "columns without a value"
