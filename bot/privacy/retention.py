"""What is kept no longer than promised: finds it and deletes it (`bot.conversations.hourly_jobs` calls this once an
hour).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple, get_args

from sqlalchemy import Connection

from bot.common.keys import Keys
from bot.consultations import retention, trials
from bot.consultations.retention import ExpiredAnswers
from bot.consultations.visibility import takes_no_answers
from bot.privacy import personal_data
from bot.privacy.account_linking import FORGIVEN_AFTER
from bot.results import edition
from storage.tables import (
    account_links,
    answers,
    broadcasts,
    consultations,
    contacts,
    editions,
    erasures,
    messages,
    outbox,
    retained_data,
    rooms,
    sessions,
)
from storage.tables.consultations import ConsultationState, PublishedRevision

REPEATS_KEPT: Final = timedelta(days=8)
"""Telegram keeps a message for a day; nobody hands one over a second time after a week. Known is the
day it came on, so a week is eight days."""
FAILURES_KEPT: Final = timedelta(days=30)

COPIES_KEPT: Final = timedelta(days=14)
"""Of the database, made before a migration: long enough to find out that something went wrong."""
PUSHES_KEPT: Final = timedelta(days=90)
IDLE_CONTACTS_KEPT: Final = timedelta(days=30)
"""A contact of whom there are no answers, ideas or wishes is forgotten, if it is older than this."""
TESTS_KEPT: Final = timedelta(days=30)
"""What was said in a test is deleted then, if its revision has not gone live or changed before."""
MAX_IDLE_CONTACTS: Final = 500
"""Forgotten at once, so that nobody waits for it."""


class DeletedCounts(NamedTuple):
    """How much went."""

    repeats: int
    failures: int
    sessions: int
    ideas_and_ratings: int


def list_unreported(connection: Connection, now: datetime) -> dict[str, int]:
    """Closed consultations whose retention is over and whose newest edition of figures is not of all that was said:
    slug → id. Takes long: never on the writing thread.
    """
    return {
        live.slug: live.consultation_id
        for live, _ in _over(connection, now)
        if takes_no_answers(live, now) and not edition.is_current(connection, live, now)
    }


def delete_expired(connection: Connection, now: datetime) -> DeletedCounts:
    """Deletes what has had its time: ids of taken messages, set-aside messages, settled messages, and the answers of
    consultations whose retention, as promised to those who answered, is over. Of those ideas and figures remain: the
    newest edition is the report, and where people rated ideas answers that are not in it yet wait for the next time.
    """
    repeats = messages.forget_before(connection, now - REPEATS_KEPT)
    failures = messages.forget_dead_letters_before(connection, now - FAILURES_KEPT)
    outbox.forget_settled_before(connection, now - FAILURES_KEPT)
    broadcasts.forget_before(connection, now - PUSHES_KEPT)
    account_links.tidy(connection, now, now - FORGIVEN_AFTER)
    gone, let_go = trials.empty_trials_before(connection, now - TESTS_KEPT), 0
    for live, due in _over(connection, now):
        number = live.consultation_id
        # While people still take part figures change, so those of answers that go meanwhile are not kept.
        if takes_no_answers(live, now):
            if retained_data.is_anything_rated(connection, number) and not edition.is_current(connection, live, now):
                continue
            editions.make_last(connection, number)
            rooms.forget_results(connection, number)
        for people in [None] if due is None else [sessions.begun(number, *one) for one in due]:
            let_go += retained_data.forget_people(connection, number, people)
            answers.erase_consents_of_consultation(connection, number, people)
            gone += sessions.erase_consultation(connection, number, people)
    if gone or let_go:
        erasures.mark(connection)
    elif failures:
        erasures.mark(connection, ["dead_letters"])
    return DeletedCounts(repeats, failures, gone, let_go)


def find_idle_contacts(connection: Connection, now: datetime, keys: Keys) -> list[int]:
    """Contacts with whom nothing connects the house any more. Looks at many: never on the writing thread."""
    every = consultations.ids(connection)
    found: list[int] = []
    after = 0
    while len(found) < MAX_IDLE_CONTACTS:
        page = contacts.idle(connection, now - IDLE_CONTACTS_KEPT, after=after)
        if not page:
            break
        found += personal_data.contacts_without_data(connection, page, every, keys)
        after = page[-1]
    return found[:MAX_IDLE_CONTACTS]


def delete_idle_contacts(connection: Connection, numbers: Sequence[int], now: datetime, keys: Keys) -> int:
    """Forgets those of these contacts who have not come back meanwhile; gives how many."""
    still = contacts.idle(connection, now - IDLE_CONTACTS_KEPT, among=numbers)
    still = personal_data.contacts_without_data(connection, still, consultations.ids(connection), keys)
    messages.erase(connection, [door.lookup for door in contacts.of_contacts(connection, still)])
    if still:
        erasures.mark(connection)
    return contacts.erase(connection, still)


def _over(connection: Connection, now: datetime) -> list[tuple[PublishedRevision, list[ExpiredAnswers] | None]]:
    """Consultations with answers that have had their time, and which; None: all of them."""
    found: list[tuple[PublishedRevision, list[ExpiredAnswers] | None]] = []
    for live in consultations.list_latest(connection, get_args(ConsultationState)):
        if retention.is_retention_over(live, now):
            found.append((live, None))
        elif due := retention.find_expired_answers(connection, live, now):
            found.append((live, due))
    return found
