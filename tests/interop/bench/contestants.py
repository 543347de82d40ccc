"""Who is compared, and how its rows are read."""

from __future__ import annotations

import json
import sqlite3
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

from tests.interop.bench import environments
from tests.interop.bench.residents import person
from tests.interop.environment import Environment

Way = Literal["memory", "stand-in"]
"""With the residents in the bot's process, or over HTTP to the stand-in of the Bot API, another process."""
Rows = Iterator[tuple[object, str, Any]]
"""Participation, question, value."""


def _own_table(connection: sqlite3.Connection) -> Rows:
    for chat, question, value in connection.execute("SELECT chat, question, value FROM answers"):
        yield chat, question, json.loads(value)


def _memory_of_opsdroid(connection: sqlite3.Connection) -> Rows:
    for chat, data in connection.execute("SELECT key, data FROM opsdroid"):
        for question, value in json.loads(data)["answers"].items():
            yield chat, question, value


def _ours(connection: sqlite3.Connection) -> Rows:
    """Answers of those who have submitted."""
    done = "SELECT id FROM sessions WHERE status = 'completed'"
    wanted = f"SELECT session_id, question_key, value FROM answers WHERE session_id IN ({done})"
    for session, question, value in connection.execute(wanted):
        yield session, question, json.loads(value)


class Contestant(NamedTuple):
    """A program of `bots/`; without an environment it runs in ours."""

    title: str
    module: str
    environment: Environment | None = None
    ways: tuple[Way, ...] = ("memory", "stand-in")
    rows: Callable[[sqlite3.Connection], Rows] = _own_table
    is_ours: bool = False

    def command(self, database: Path) -> list[str]:
        """Begins the program; `program.py` says what follows."""
        python = self.environment.python if self.environment else Path(sys.executable)
        # A library that warns of what another one of its own does is none of our business here.
        return [str(python), "-W", "ignore", "-m", "tests.interop.bench.program", self.module, str(database)]


HANDLER: Final = Contestant(
    "python-telegram-bot's ConversationHandler, raw SQLite", "conversation_handler", environments.TELEGRAM
)
"""What all are compared with."""
ALL: Final = (
    HANDLER,
    Contestant("aiogram's FSM, SQLite", "aiogram_fsm", environments.TELEGRAM),
    Contestant(
        "opsdroid, its own SQLite memory", "opsdroid_skill", environments.OPSDROID, ("memory",), _memory_of_opsdroid
    ),
    Contestant("transitions, a durable transaction a turn", "transitions_machine", environments.TELEGRAM, ("memory",)),
    Contestant("bare loop, group commit (the limit)", "bare_loop", environments.TELEGRAM),
    Contestant("**ours**, message to sink", "ours_sink", None, ("memory",), _ours, is_ours=True),
    Contestant("**ours**, Telegram channel", "ours_telegram", None, rows=_ours, is_ours=True),
)


def check_rows(contestant: Contestant, database: Path, people: int) -> None:
    """Raises AssertionError unless each of these people has exactly the given answers, and there are no other rows."""
    found: dict[object, dict[str, Any]] = {}
    connection = sqlite3.connect(database)
    try:
        for participation, question, value in contestant.rows(connection):
            answers = found.setdefault(participation, {})
            if question in answers:
                raise AssertionError(f"{contestant.title}: {question} is stored twice for one person")
            answers[question] = value
    finally:
        connection.close()
    numbers = []
    for answers in found.values():
        numbers.append(int(str(answers.get("wish", "-1")).rpartition(" ")[2]))
        if answers != person(numbers[-1]).stored:
            raise AssertionError(f"{contestant.title}: a wrong row: {answers}")
    if sorted(numbers) != list(range(people)):
        raise AssertionError(f"{contestant.title}: {len(numbers)} people have answers, {people} gave some")
