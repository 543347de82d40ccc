"""What is kept no longer than promised: tidies up once an hour while the house runs."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Final, NamedTuple

import structlog
from sqlalchemy import Connection

from bot import privacy, stored
from bot.keys import Keys
from bot.ledger import Ledger
from bot.logs import where
from bot.results import remaining
from storage import answers, broadcasts, consultations, contacts, doors, messages, migrate, outbox, remains, sessions
from storage.errors import StorageError
from storage.store import Store

log = structlog.get_logger()

EVERY: Final = timedelta(hours=1)
REPEATS_KEPT: Final = timedelta(days=7)
"""Telegram keeps a message for a day; nobody hands one over a second time after a week."""
FAILURES_KEPT: Final = timedelta(days=30)

COPIES_KEPT: Final = timedelta(days=14)
"""Of the database, made before a migration: long enough to find out that something went wrong."""
PUSHES_KEPT: Final = timedelta(days=90)
STRANGERS_KEPT: Final = timedelta(days=30)
"""A contact of whom there are no answers, ideas or wishes is forgotten, if it is older than this."""
MOST_STRANGERS: Final = 500
"""Forgotten at once, so that nobody waits for it."""


class Tidied(NamedTuple):
    """How much went."""

    repeats: int
    failures: int
    sessions: int
    ideas_and_ratings: int


def figures(connection: Connection, now: datetime) -> dict[str, str]:
    """What is to be kept of consultations whose retention is over, by slug. Takes long: never on the writing thread."""
    found = {revision.slug: remaining.to_keep(connection, revision) for revision in _over(connection, now)}
    return {slug: kept for slug, kept in found.items() if kept is not None}


def tidy(connection: Connection, now: datetime, kept: Mapping[str, str] | None = None) -> Tidied:
    """Deletes what has had its time: ids of taken messages, set-aside messages, settled messages, and the answers of
    consultations whose retention, as promised to those who answered, is over. Of those ideas and figures remain:
    `kept` has the figures, and whose votes are not in it waits for the next time.
    """
    repeats = messages.forget_before(connection, now - REPEATS_KEPT)
    failures = messages.forget_dead_letters_before(connection, now - FAILURES_KEPT)
    outbox.forget_settled_before(connection, now - FAILURES_KEPT)
    broadcasts.forget_before(connection, now - PUSHES_KEPT)
    doors.tidy(connection, now)
    over = []
    for revision in _over(connection, now):
        if remaining.is_to_keep(connection, revision.consultation_id):
            if not kept or revision.slug not in kept:
                continue
            remains.keep(connection, revision.consultation_id, kept[revision.slug], now)
        over.append(revision.consultation_id)
    let_go = sum(remains.forget_people(connection, consultation_id) for consultation_id in over)
    for consultation_id in over:
        answers.erase_consents_of_consultation(connection, consultation_id)
    gone = sum(sessions.erase_consultation(connection, consultation_id) for consultation_id in over)
    return Tidied(repeats, failures, gone, let_go)


def strangers(connection: Connection, now: datetime, keys: Keys) -> list[int]:
    """Contacts with whom nothing connects the house any more. Looks at many: never on the writing thread."""
    every = consultations.ids(connection)
    found: list[int] = []
    after = 0
    while len(found) < MOST_STRANGERS:
        page = contacts.idle(connection, now - STRANGERS_KEPT, after=after)
        if not page:
            break
        found += privacy.without_ties(connection, page, every, keys)
        after = page[-1]
    return found[:MOST_STRANGERS]


def forget(connection: Connection, numbers: Sequence[int], now: datetime, keys: Keys) -> int:
    """Forgets those of these contacts who have not come back meanwhile; gives how many."""
    still = contacts.idle(connection, now - STRANGERS_KEPT, among=numbers)
    still = privacy.without_ties(connection, still, consultations.ids(connection), keys)
    messages.erase(connection, [door.lookup for door in contacts.of_contacts(connection, still)])
    return contacts.erase(connection, still)


async def keep_house(store: Store, keys: Keys, ledger: Ledger, backup_days: int) -> None:
    """Tidies up now and then until it is cancelled. A failure is logged and tried again an hour later.

    `backup_days`: older backups there are none, so that nobody needs to know what is still in them.
    """
    while True:
        try:
            now = datetime.now(UTC)
            kept = await store.read(partial(figures, now=now))
            tidied = await store.write(partial(tidy, now=now, kept=kept))
            gone = tidied.sessions + tidied.ideas_and_ratings
            if found := await store.read(partial(strangers, now=now, keys=keys)):
                gone += await store.write(partial(forget, numbers=found, now=now, keys=keys))
            if gone:
                await asyncio.to_thread(store.scrub)
                log.info("retention over", count=gone)
            await asyncio.to_thread(migrate.forget_copies, store, now - COPIES_KEPT)
            await asyncio.to_thread(ledger.forget_before, (now - timedelta(days=backup_days)).date())
        except (StorageError, OSError) as fault:
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
    consultation = stored.read(revision)
    return consultation.retention.days if consultation else 0
