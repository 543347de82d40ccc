"""A data folder written by an earlier version (commit b5d788c), as every upgrade finds it.

`b5d788c/mitsprache.sql` is the dump of its SQLite database, `facts.json` names what was said and shown while it was
written: staff codes, buttons, cookies, receipts, codes of ideas. `MARKER` stands in every text of a resident; it may
stand in nothing that is public. `write_b5d788c.py` made it and runs on that commit only.

What the folder holds (consultations by slug):

- `stadt`: two revisions with answers to both; between them types, ranges and labels changed under the same keys, which
  the publish command of that version allowed. Two people took a consent back and left a sensitive answer behind, one
  of them said stop. One waits at a question with several ticks; one on the web, one at a kiosk, six in a live meeting.
- `ideen`: six unread ideas, ratings of two seeds, rankings, budgets, open answers. `bild`: an answer with a picture.
- `vorbei`: its retention is over: figures are kept, people are forgotten. `weg`: archived.
- two replies wait in the outbox, a push is planned, a chat of the staff is bound, two people asked for news.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pytest
from sqlalchemy import Connection, MetaData, text

from bot.common.keys import FILE, load_keys
from storage import migrate
from storage.core.store import Store
from tests.support.databases import Database, Houses

FOLDER: Final = Path(__file__).parent / "b5d788c"
REVISION: Final = "20261125_remains"
"""The newest migration of that version."""
FACTS: Final[dict[str, Any]] = json.loads((FOLDER / "facts.json").read_text(encoding="utf-8"))
MARKER: Final[str] = FACTS["marker"]
WRITTEN: Final = datetime(2026, 11, 30, 1, tzinfo=UTC)
"""When the folder was written: tickets of those who had signed in ran for twelve hours from then."""


@dataclass(frozen=True)
class OldHouse:
    """A copy of the folder. The tables are those of the earlier version until `open` brings them up to date."""

    data: Path
    database: Database

    def open(self) -> Store:
        """The store, migrated to what this program needs."""
        store = Store(self.database.url)
        self.upgrade(store)
        return store

    def upgrade(self, store: Store) -> None:
        """Brings the tables up to date, with the key of the folder."""
        keys = load_keys(self.data / FILE)
        migrate.upgrade(store, hiding=lambda _: keys)


@pytest.fixture
def old_house(houses: Houses, tmp_path: Path) -> OldHouse:
    """The folder with its database, on SQLite and on PostgreSQL."""
    return take_out(houses, tmp_path / "old")


def take_out(houses: Houses, data: Path) -> OldHouse:
    """A copy of the folder in `data`, with its database where the maker of databases puts it."""
    shutil.copytree(FOLDER, data, ignore=shutil.ignore_patterns("mitsprache.sql", "facts.json"))
    database = houses.make_empty()
    file = data / "mitsprache.db"
    with closing(sqlite3.connect(file)) as connection:
        connection.executescript((FOLDER / "mitsprache.sql").read_text(encoding="utf-8"))
    if database.dialect == "sqlite":
        return OldHouse(data, Database("sqlite", f"sqlite:///{file}"))
    with closing(sqlite3.connect(file)) as source:
        _copy(source, database.url)
    file.unlink()
    return OldHouse(data, database)


def _copy(source: sqlite3.Connection, url: str) -> None:
    """Fills a PostgreSQL database with the rows, in tables that the migrations of that version make."""
    store = Store(url)
    migrate.upgrade(store, REVISION)
    with store.begin() as connection:
        for table in _tables(connection):
            _copy_table(source, connection, table.name, {column.name: column.type for column in table.columns})
    store.dispose()


def _tables(connection: Connection) -> list[Any]:
    metadata = MetaData()
    metadata.reflect(connection)
    return [table for table in metadata.sorted_tables if table.name != "alembic_version"]


def _copy_table(source: sqlite3.Connection, target: Connection, table: str, types: dict[str, Any]) -> None:
    rows = source.execute(f'SELECT {", ".join(types)} FROM "{table}"').fetchall()
    if not rows:
        return
    values = ", ".join(f"CAST(:{name} AS {type_.compile(target.dialect)})" for name, type_ in types.items())
    # SQLite knows no booleans: they are numbers there.
    change: dict[str, Callable[[Any], Any]] = dict.fromkeys(types, _as_is)
    change |= {name: _as_flag for name, type_ in types.items() if type_.compile(target.dialect) == "BOOLEAN"}
    given = [{name: change[name](value) for name, value in zip(types, row, strict=True)} for row in rows]
    target.execute(text(f'INSERT INTO "{table}" ({", ".join(types)}) VALUES ({values})'), given)


def _as_is(value: Any) -> Any:
    return value


def _as_flag(value: Any) -> bool | None:
    return None if value is None else bool(value)
