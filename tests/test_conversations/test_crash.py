"""kill -9 under live traffic: what was acknowledged is stored once, what was not can be sent again."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import text

from storage.core.store import Store
from tests.support.app import KEYS, consultation, publish
from tests.support.sizes import size

PEOPLE = size("people at a killed intake")
KILLS = size("kills of an intake")
AHEAD = 60
SCRIPT = ("/start park", "Deutsch", "ja", "Bänke", "ändern 1", "nein", "absenden")


def messages() -> list[dict[str, str]]:
    """Everything that is said, all people mixed, each in order."""
    return [
        {"id": f"p{person}.{step}", "address": f"p{person}", "text": words}
        for step, words in enumerate(SCRIPT)
        for person in range(PEOPLE)
    ]


def feed(url: str, pending: list[dict[str, str]], kill_after: int | None) -> set[str]:
    """Runs an app on the messages; kills it after this number of acknowledgements. Gives what was acknowledged."""
    house = subprocess.Popen(
        [sys.executable, "-m", "tests.support.killed_intake", url],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    assert house.stdin is not None
    assert house.stdout is not None
    acknowledged: set[str] = set()
    with house:
        assert house.stdout.readline() == "ready\n"
        # Little more than is needed for the kill: on a busy machine the app is far ahead of who reads here.
        given = pending if kill_after is None else pending[: kill_after + AHEAD]
        house.stdin.write("".join(json.dumps(one) + "\n" for one in given))
        house.stdin.flush()
        if kill_after is None:
            house.stdin.close()
        for line in house.stdout:
            acknowledged.add(line.strip())
            if kill_after is not None and len(acknowledged) >= kill_after:
                house.kill()
                break
        acknowledged |= {line.strip() for line in house.stdout if line.endswith("\n")}
    return acknowledged


@pytest.mark.long(35)
def test_nothing_acknowledged_is_lost_and_nothing_counts_twice(database):
    store = Store(database.url)
    publish(store, consultation())
    chance = random.Random(20261123)
    pending = messages()
    for _ in range(KILLS):
        acknowledged = feed(database.url, pending, chance.randrange(1, 12))
        with store.reading() as connection:
            taken = {row[0] for row in connection.execute(text("SELECT external_id FROM received"))}
        assert {KEYS.message_names("test", one).received for one in acknowledged} <= taken, (
            "an acknowledged message is not in the database"
        )
        pending = [one for one in pending if one["id"] not in acknowledged]
    assert len(pending) > PEOPLE, "the kills came too late to mean anything"
    feed(database.url, pending, None)
    with store.reading() as connection:
        answers = connection.execute(text("SELECT question_key, value FROM answers ORDER BY 1"))
        assert [tuple(row) for row in answers] == [("lamps", '"no"')] * PEOPLE + [("wish", '"Bänke"')] * PEOPLE
        # More than two changes of one answer would mean that a message was taken twice.
        assert connection.execute(text("SELECT count(*) FROM answers WHERE version > 2")).scalar() == 0
        done = connection.execute(text("SELECT count(*) FROM sessions WHERE status = 'completed'")).scalar()
        assert done == PEOPLE
        assert connection.execute(text("SELECT count(*) FROM dead_letters")).scalar() == 0
    store.dispose()
