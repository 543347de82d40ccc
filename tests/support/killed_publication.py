"""A process that publishes held back answers and is killed: before the second one, within it, or after its commit.

Run: python -m tests.support.killed_publication MOMENT DATABASE_URL TIME
"""

from __future__ import annotations

import os
import signal
import sys
from datetime import datetime

from sqlalchemy import Connection

from bot.proposals.answer_drafts import publish_next
from storage.core.store import Store
from tests.support.app import KEYS
from tests.support.rows import new_id


def kill() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def main(moment: str, url: str, now: datetime) -> None:
    store = Store(url)

    def work(connection: Connection) -> None:
        publish_next(connection, KEYS, new_id, now)
        if moment == "within" and calls:
            kill()
        calls.append(1)

    calls: list[int] = []
    store.run(work)
    if moment == "before":
        kill()
    store.run(work)
    kill()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], datetime.fromisoformat(sys.argv[3]))
