"""Deletes data after its retention period; called every hour by `bot.conversations.hourly_jobs`."""

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
from flows.commands.words import MESSAGES_KEPT_DAYS
from storage.tables import answers, messages
from storage.tables.account_links import delete_expired_links
from storage.tables.begin_counts import delete_begin_counts_before
from storage.tables.broadcasts import delete_broadcasts_before
from storage.tables.consultations import ConsultationState, all_consultation_ids
from storage.tables.contacts import addresses_of_contacts, delete_contacts, idle_contacts
from storage.tables.editions import make_edition_last
from storage.tables.erasures import mark_erased_tables
from storage.tables.messages import erase_dead_letters, forget_messages_before
from storage.tables.outbox import delete_settled_messages_before
from storage.tables.retained_data import anonymise_consultation, has_votes
from storage.tables.revisions import PublishedRevision, list_live_revisions
from storage.tables.rooms import erase_room_results
from storage.tables.sessions import erase_sessions_of_consultation, pseudonyms_in_period

REPEATS_KEPT: Final = timedelta(days=8)
"""Telegram keeps a message for a day, and no channel repeats a message after a week. Only its day is stored, so a week
takes eight days.
"""
FAILURES_KEPT: Final = timedelta(days=MESSAGES_KEPT_DAYS)

COPIES_KEPT: Final = timedelta(days=14)
"""Retention of database copies made before a migration."""
BEGIN_COUNTS_KEPT: Final = timedelta(days=7)
PUSHES_KEPT: Final = timedelta(days=90)
IDLE_CONTACTS_KEPT: Final = timedelta(days=30)
"""Age at which a contact without answers, proposals and subscriptions is deleted."""
TESTS_KEPT: Final = timedelta(days=30)
"""Age at which data of a trial is deleted, unless its revision changed or went live earlier."""
MAX_IDLE_CONTACTS: Final = 500
"""Contacts deleted per transaction; limits how long incoming messages wait."""


class DeletedCounts(NamedTuple):
    """Numbers of deleted rows."""

    repeats: int
    failures: int
    sessions: int
    ideas_and_ratings: int


def list_unreported(connection: Connection, now: datetime) -> dict[str, int]:
    """Returns closed, expired consultations whose newest edition is outdated: slug → id. Slow: never call it on the
    writing thread.
    """
    return {
        live.slug: live.consultation_id
        for live, _ in _over(connection, now)
        if takes_no_answers(live, now) and not edition.is_current(connection, live, now)
    }


def delete_expired(connection: Connection, now: datetime) -> DeletedCounts:
    """Deletes expired data: ids of received messages, dead letters, settled outbox rows, and expired answers.

    Proposals and figures of expired consultations remain: the newest edition is the report. Where proposals were
    rated, answers missing in that edition are kept until the next run.
    """
    repeats = forget_messages_before(connection, now - REPEATS_KEPT)
    failures = messages.forget_dead_letters_before(connection, now - FAILURES_KEPT)
    delete_settled_messages_before(connection, now - FAILURES_KEPT)
    delete_broadcasts_before(connection, now - PUSHES_KEPT)
    delete_begin_counts_before(connection, now - BEGIN_COUNTS_KEPT)
    delete_expired_links(connection, now, now - FORGIVEN_AFTER)
    gone, let_go = trials.empty_trials_before(connection, now - TESTS_KEPT), 0
    for live, due in _over(connection, now):
        number = live.consultation_id
        # During the consultation figures still change, so those of deleted answers are not kept.
        if takes_no_answers(live, now):
            if has_votes(connection, number) and not edition.is_current(connection, live, now):
                continue
            make_edition_last(connection, number)
            erase_room_results(connection, number)
        for people in [None] if due is None else [pseudonyms_in_period(number, *one) for one in due]:
            let_go += anonymise_consultation(connection, number, people)
            answers.erase_consents_of_consultation(connection, number, people)
            gone += erase_sessions_of_consultation(connection, number, people)
    if gone or let_go:
        mark_erased_tables(connection)
    elif failures:
        mark_erased_tables(connection, ["dead_letters"])
    return DeletedCounts(repeats, failures, gone, let_go)


def find_idle_contacts(connection: Connection, now: datetime, keys: Keys) -> list[int]:
    """Finds contacts without any data. Slow: never call it on the writing thread."""
    every = all_consultation_ids(connection)
    found: list[int] = []
    after = 0
    while len(found) < MAX_IDLE_CONTACTS:
        page = idle_contacts(connection, now - IDLE_CONTACTS_KEPT, after=after)
        if not page:
            break
        found += personal_data.contacts_without_data(connection, page, every, keys)
        after = page[-1]
    return found[:MAX_IDLE_CONTACTS]


def delete_idle_contacts(connection: Connection, numbers: Sequence[int], now: datetime, keys: Keys) -> int:
    """Deletes those of these contacts that are still idle; returns their number."""
    still = idle_contacts(connection, now - IDLE_CONTACTS_KEPT, among=numbers)
    still = personal_data.contacts_without_data(connection, still, all_consultation_ids(connection), keys)
    erase_dead_letters(connection, [door.lookup for door in addresses_of_contacts(connection, still)])
    if still:
        mark_erased_tables(connection)
    return delete_contacts(connection, still)


def _over(connection: Connection, now: datetime) -> list[tuple[PublishedRevision, list[ExpiredAnswers] | None]]:
    """Returns consultations with expired answers, and which; None means all answers."""
    found: list[tuple[PublishedRevision, list[ExpiredAnswers] | None]] = []
    for live in list_live_revisions(connection, get_args(ConsultationState)):
        if retention.is_retention_over(live, now):
            found.append((live, None))
        elif due := retention.find_expired_answers(connection, live, now):
            found.append((live, due))
    return found
