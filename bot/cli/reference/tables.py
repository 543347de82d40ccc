"""Every table and view with its columns, from the table classes and from a migrated database."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from sqlalchemy import inspect, text

from bot.cli.reference.markdown import attribute_docs, first_paragraph, item, paragraph
from storage import migrate
from storage.core.base import Base
from storage.core.store import Store

_PROMISE: Final = (
    "Other programs may read the views: their columns stay, and new ones are only added at the end. Tables are "
    "internal and change with any release. [data.md](../develop/data.md) says what is stored where, why and how long."
)


def lines() -> Iterator[str]:
    yield from paragraph(_PROMISE)
    yield from ("## Views", "")
    for name, columns in _views():
        yield from item(f"`{name}`: {', '.join(f'`{column}`' for column in columns)}")
    yield from ("", "## Tables", "")
    for row_class in sorted((mapper.class_ for mapper in Base.registry.mappers), key=lambda row: row.__tablename__):
        yield from _table(row_class)


def _table(row_class: Any) -> Iterator[str]:
    yield from (f"### {row_class.__tablename__}", "")
    yield from paragraph(first_paragraph(row_class))
    docs = attribute_docs(row_class)
    for attribute in inspect(row_class).column_attrs:
        (column,) = attribute.columns
        facts = [str(column.type).lower()]
        facts += ["key"] if column.primary_key else []
        facts += ["may be null"] if column.nullable else []
        facts += [f"of `{key.target_fullname}`" for key in column.foreign_keys]
        yield from item(f"`{column.name}` ({', '.join(facts)}): {docs.get(attribute.key, '')}".removesuffix(": "))
    yield ""


def _views() -> Iterator[tuple[str, list[str]]]:
    """Yields each view of a new database with its columns in order."""
    with tempfile.TemporaryDirectory() as folder:
        store = Store(f"sqlite:///{Path(folder) / 'reference.db'}")
        try:
            migrate.upgrade(store)
            with store.reading() as connection:
                for name in sorted(inspect(connection).get_view_names()):
                    yield name, list(connection.execute(text(f"SELECT * FROM {name} LIMIT 0")).keys())  # noqa: S608 - a name of our own
        finally:
            store.dispose()
