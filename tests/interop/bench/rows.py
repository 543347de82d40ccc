"""Where the peers keep answers and states: one SQLite file, in the durable mode ours uses. Standard library only."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from pathlib import Path

from tests.interop.bench.survey import Step

SCHEMA = """
CREATE TABLE IF NOT EXISTS states (chat INTEGER PRIMARY KEY, place INTEGER NOT NULL, chosen TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS answers (
  chat INTEGER NOT NULL, question TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (chat, question)
);
"""
_STATE = (
    "INSERT INTO states VALUES (?, ?, ?) "
    "ON CONFLICT (chat) DO UPDATE SET place = excluded.place, chosen = excluded.chosen"
)
_ANSWER = "INSERT INTO answers VALUES (?, ?, ?) ON CONFLICT (chat, question) DO UPDATE SET value = excluded.value"


def connect(database: Path) -> sqlite3.Connection:
    """A connection without transactions of its own making; a commit is on the disk when it returns."""
    connection = sqlite3.connect(database, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    return connection


class Rows:
    """Answers and states. One call is one durable transaction."""

    def __init__(self, database: Path) -> None:
        self._connection = connect(database)
        self._connection.executescript(SCHEMA)

    def commit(self, steps: Iterable[tuple[int, Step]]) -> None:
        """Stores what these turns led to, each with its chat."""
        states, answers = [], []
        for chat, step in steps:
            states.append((chat, step.place, json.dumps(step.chosen)))
            if step.stored:
                answers.append((chat, step.stored[0], json.dumps(step.stored[1])))
        run = self._connection
        run.execute("BEGIN IMMEDIATE")
        run.executemany(_STATE, states)
        if answers:
            run.executemany(_ANSWER, answers)
        run.execute("COMMIT")

    def close(self) -> None:
        self._connection.close()
