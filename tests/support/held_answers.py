"""Held back official answers, for tests that do not wait a minute."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import update

from bot.proposals.answer_drafts import publish_next
from storage.core.base import table_of
from storage.core.store import Store
from storage.tables.answer_drafts import AnswerDraftRow
from tests.support.app import KEYS
from tests.support.rows import new_id

_DRAFTS = table_of(AnswerDraftRow)


def publish_held(store: Store) -> int:
    """Publishes what is held back, as if its minute was over; gives how many answers."""
    number, now = 0, datetime.now(UTC)
    over = update(_DRAFTS).where(_DRAFTS.c.publish_at.is_not(None)).values(publish_at=now)
    store.run(lambda connection: connection.execute(over))
    while store.run(lambda connection: publish_next(connection, KEYS, new_id, now)):
        number += 1
    return number
