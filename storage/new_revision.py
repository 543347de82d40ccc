"""Writes the next revision from the difference between the models and the migrated tables, by Alembic.

The tables are made by all revisions in a temporary SQLite database. The file works on both databases: changes of
a table use the batch form, types are those of `storage.core.base`. Alembic compares tables, columns, keys and indexes.
It sees neither rules (CHECK) of tables that are there already nor conditions of indexes; those are written by hand.
"""

import importlib.util
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from alembic.autogenerate import renderers
from alembic.autogenerate.api import AutogenContext
from alembic.operations import ops
from sqlalchemy import Column

from storage import migrate
from storage.core.base import WORDS
from storage.core.store import Store

_NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")


class LeaveUnsampled(ops.MigrateOperation):
    """PostgreSQL takes no samples of this column of words (`storage.core.base.WORDS`)."""

    def __init__(self, table: str, column: str) -> None:
        self.table, self.column = table, column


@renderers.dispatch_for(LeaveUnsampled)
def _leave_unsampled(_: AutogenContext, done: LeaveUnsampled) -> list[str]:
    statement = f"ALTER TABLE {done.table} ALTER COLUMN {done.column} SET STATISTICS 0"
    # Alembic indents what follows a colon, until an empty line.
    return ['if op.get_bind().dialect.name == "postgresql":', f'op.execute("{statement}")', ""]


def write_revision(name: str, today: date) -> Path | None:
    """Writes the file and returns its path; None where models and tables do not differ.

    `name` is a few words in lower case, joined by `_`. The file is named `YYYYMMDD_NAME.py`, never by a day before the
    newest revision. Raises ValueError for another name, or one that is taken.
    """
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name!r} is no name of a revision: a few words in lower case, joined by _")
    revision = f"{max(today, migrate.newest_migration_day()):%Y%m%d}_{name}"
    if revision in migrate.known_revisions():
        raise ValueError(f"there is a revision {revision} already")
    with TemporaryDirectory() as folder:
        store = Store(f"sqlite:///{folder}/tables.db")
        try:
            migrate.upgrade(store)
            path = migrate.write_difference(store, revision, name.replace("_", " ").capitalize(), _complete)
        finally:
            store.dispose()
    if path is not None:
        _tidy(path)
    return path


def _complete(script: ops.MigrationScript) -> None:
    """Adds what Alembic does not know of: columns of words are not sampled."""
    assert script.upgrade_ops is not None  # noqa: S101 - for the type checker: Alembic compared
    words = [LeaveUnsampled(table, column) for table, column in _new_words(script.upgrade_ops.ops)]
    script.upgrade_ops.ops.extend(words)


def _new_words(done: list[ops.MigrateOperation]) -> Iterator[tuple[str, str]]:
    for one in done:
        if isinstance(one, ops.ModifyTableOps):
            yield from _new_words(one.ops)
        columns: list[Any] = []
        if isinstance(one, ops.CreateTableOp):
            columns = [it for it in one.columns if isinstance(it, Column)]
        if isinstance(one, ops.AddColumnOp):
            columns = [one.column]
        if isinstance(one, ops.CreateTableOp | ops.AddColumnOp):
            yield from ((one.table_name, it.name) for it in columns if it.info == WORDS)


def _tidy(path: Path) -> None:
    """Removes Alembic's remarks, and formats the file where ruff is installed."""
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    path.write_text("".join(it for it in lines if not it.strip().startswith("# ###")), encoding="utf-8")
    if importlib.util.find_spec("ruff"):
        for work in (["format"], ["check", "--fix", "--select", "I"]):
            subprocess.run([sys.executable, "-m", "ruff", *work, "--quiet", str(path)], check=False)
