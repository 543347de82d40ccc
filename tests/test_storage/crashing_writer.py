"""Writes batches until it is killed and tells each one it has committed: ``python -m … URL NUMBER``."""

import sys

from storage.core.store import Store
from storage.tables.answers import upsert_answers
from storage.tables.messages import NewReceived, take_messages
from storage.tables.outbox import insert_messages
from tests.support.rows import NOW, answer, message, person, published, stored_session

PER_BATCH = 5


def write_until_killed(url: str, number: int) -> None:
    store = Store(url, busy_seconds=10)
    with store.begin() as connection:
        mine = stored_session(connection, published(connection), number)
        person(connection, number)
    for batch in range(number * 100_000, (number + 1) * 100_000):
        with store.begin() as connection:
            rows = [NewReceived("web", f"{batch}-{at}", NOW) for at in range(PER_BATCH)]
            take_messages(connection, rows)
            upsert_answers(connection, [answer(mine, row.external_id, "1") for row in rows])
            replies = [message(number)._replace(id=batch * PER_BATCH + at) for at in range(PER_BATCH)]
            insert_messages(connection, replies)
        print(batch, flush=True)


if __name__ == "__main__":
    write_until_killed(sys.argv[1], int(sys.argv[2]))
