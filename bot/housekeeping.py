"""What is kept no longer than promised: tidies up once an hour while the house runs."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

import structlog
from pydantic import ValidationError
from sqlalchemy import Connection

from bot.logs import where
from flows.definition import Consultation
from storage import answers, broadcasts, consultations, doors, messages, outbox, sessions
from storage.errors import StorageError
from storage.store import Store

log = structlog.get_logger()

EVERY: Final = timedelta(hours=1)
REPEATS_KEPT: Final = timedelta(days=7)
"""Telegram keeps a message for a day; nobody hands one over a second time after a week."""
FAILURES_KEPT: Final = timedelta(days=30)

PUSHES_KEPT: Final = timedelta(days=90)


class Tidied(NamedTuple):
    """How much went."""

    repeats: int
    failures: int
    sessions: int


def tidy(connection: Connection, now: datetime) -> Tidied:
    """Deletes what has had its time: ids of taken messages, set-aside messages, settled messages, and the answers of
    consultations whose retention, as promised to those who answered, is over.
    """
    repeats = messages.forget_before(connection, now - REPEATS_KEPT)
    failures = messages.forget_dead_letters_before(connection, now - FAILURES_KEPT)
    outbox.forget_settled_before(connection, now - FAILURES_KEPT)
    broadcasts.forget_before(connection, now - PUSHES_KEPT)
    doors.tidy(connection, now)
    over = [revision.consultation_id for revision in _over(connection, now)]
    for consultation_id in over:
        answers.erase_consents_of_consultation(connection, consultation_id)
    gone = sum(sessions.erase_consultation(connection, consultation_id) for consultation_id in over)
    return Tidied(repeats, failures, gone)


async def keep_house(store: Store) -> None:
    """Tidies up now and then until it is cancelled. A failure is logged and tried again an hour later."""
    while True:
        try:
            tidied = await store.write(lambda connection: tidy(connection, datetime.now(UTC)))
            if tidied.sessions:
                await asyncio.to_thread(store.scrub)
                log.info("retention over", count=tidied.sessions)
        except StorageError as fault:
            log.error("could not tidy up", **where(fault))
        await asyncio.sleep(EVERY.total_seconds())


def _over(connection: Connection, now: datetime) -> list[consultations.PublishedRevision]:
    """Consultations that ended longer ago than their answers may be kept. Without an end nothing is deleted."""
    return [
        revision
        for revision in consultations.list_latest(connection, ("open", "closed", "archived"))
        if revision.closes_at and (days := _days(revision)) and revision.closes_at + timedelta(days=days) < now
    ]


def _days(revision: consultations.PublishedRevision) -> int:
    try:
        return Consultation.model_validate_json(revision.content).retention.days
    except ValidationError:
        log.error("a stored revision cannot be read", consultation_id=revision.consultation_id)
        return 0
