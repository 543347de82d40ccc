"""Held back official answers, for tests that do not wait a minute."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from bot.proposals.answer_drafts import HELD, publish_next
from storage.core.store import Store
from tests.support.app import KEYS
from tests.support.rows import new_id


def publish_held(store: Store) -> int:
    """Publishes what is held back, as if its minute was over; gives how many answers."""
    number, now = 0, datetime.now(UTC) + HELD + timedelta(seconds=1)
    while store.run(lambda connection: publish_next(connection, KEYS, new_id, now)):
        number += 1
    return number
