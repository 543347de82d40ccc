"""A program that is killed leaves whole transactions only, and every one that it had told to be done."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from sqlalchemy import select, text

from storage.core.store import Store
from storage.tables.answers import AnswerRow
from storage.tables.messages import ReceivedRow
from storage.tables.outbox import OutboxMessageRow
from tests.support.databases import Database
from tests.test_storage.crashing_writer import PER_BATCH

KILLS = 8


@pytest.mark.parametrize("seed", [20261123])
def test_a_killed_writer_leaves_whole_transactions(database: Database, seed: int) -> None:
    """Killed between any two statements, or within one; what it printed was committed before."""
    chance = random.Random(seed)
    told: list[int] = []
    for number in range(KILLS):
        told += told_until_killed(database, number, chance.uniform(0, 0.1))
    store = Store(database.url)
    with store.reading() as connection:
        received = set(connection.execute(select(ReceivedRow.external_id)).scalars())
        answered = set(connection.execute(select(AnswerRow.question_key)).scalars())
        waiting = set(connection.execute(select(OutboxMessageRow.id)).scalars())
        if database.dialect == "sqlite":
            assert connection.execute(text("PRAGMA integrity_check")).scalar() == "ok"
    store.dispose()
    whole = {int(each.partition("-")[0]) for each in received}
    assert received == answered == {f"{batch}-{at}" for batch in whole for at in range(PER_BATCH)}
    assert waiting == {batch * PER_BATCH + at for batch in whole for at in range(PER_BATCH)}
    assert set(told) <= whole
    assert len(whole) <= len(told) + KILLS  # at most one more per kill: committed, but not told any more


def told_until_killed(database: Database, number: int, seconds: float) -> list[int]:
    command = [sys.executable, "-m", "tests.test_storage.crashing_writer", database.url, str(number)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2]) as writer:
        assert writer.stdout is not None
        first = writer.stdout.readline()  # it is at work
        time.sleep(seconds)
        os.kill(writer.pid, signal.SIGKILL)
        return [int(line) for line in (first, *writer.stdout)]
