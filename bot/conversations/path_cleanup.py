"""One-time data migration: removes stored answers that are not on the path of their session.

Runs when the database is opened (`bot.app`), page by page, so that exports, counts and views are right for contacts
that never write again. It may be killed at any time and run by several processes at once: each page and its progress
are one transaction. Findings are only counted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import structlog
from sqlalchemy import Connection

from bot.common.erasure_log import ErasureLog
from bot.common.ids import Ids
from bot.common.keys import Keys
from bot.common.sources import system_now
from bot.consultations.batch_context import BatchContext, BatchServices
from bot.consultations.catalogue import Catalogue
from bot.consultations.participant import Participation, Person
from bot.consultations.stored_revisions import UnreadableError
from bot.conversations.batch_order import WRITE_ORDER
from flows.dialogue.navigation import gaps
from flows.dialogue.pruning import drop_answers
from flows.events import AnswerGiven, Event, GapReopened
from flows.flow import Flow
from flows.session import Session
from flows.values import GAPS
from storage.core.store import Store
from storage.tables.answers import StoredAnswer, answers_of_sessions
from storage.tables.data_migrations import (
    DataMigrationProgress,
    data_migration_progress,
    record_data_migration_progress,
)
from storage.tables.erasures import mark_erased_tables
from storage.tables.sessions import SessionState, StoredSession, sessions_after, set_session_states

NAME: Final = "path"
AT_ONCE: Final = 1000

log = structlog.get_logger()


class CleanedPaths(NamedTuple):
    """Numbers of removed answers and corrected sessions."""

    answers: int = 0
    sessions: int = 0


class _Found(NamedTuple):
    """The correction of one session."""

    participation: Participation
    row: StoredSession
    left: Session
    """The corrected session."""
    happened: tuple[Event, ...]
    removed: int
    """Number of answers to delete."""


def clean_paths(store: Store, erasure_log: ErasureLog, keys: Keys) -> CleanedPaths:
    """Removes answers off the path from all stored sessions and returns their number; does nothing once finished.
    Raises the classes of `storage.core.errors`.
    """
    with store.reading() as connection:
        if data_migration_progress(connection, NAME).finished_at is not None:
            return CleanedPaths()
    services, total = BatchServices(keys, Catalogue(), Ids(), WRITE_ORDER), CleanedPaths()
    while True:

        def work(connection: Connection) -> CleanedPaths | None:
            services.ids.tick()
            return _portion(connection, services, erasure_log)

        done = store.run(work)
        if done is None:
            break
        total = CleanedPaths(total.answers + done.answers, total.sessions + done.sessions)
    if total.sessions:
        store.scrub()
        log.info("off_path_answers_deleted", answers=total.answers, count=total.sessions)
    return total


def _portion(connection: Connection, services: BatchServices, erasure_log: ErasureLog) -> CleanedPaths | None:
    """Corrects the next page of sessions; returns None after the last one."""
    progress = data_migration_progress(connection, NAME, lock=True)
    if progress.finished_at is not None:
        return None
    now = system_now()
    rows = sessions_after(connection, progress.position, AT_ONCE)
    if not rows:
        record_data_migration_progress(connection, [progress._replace(finished_at=now)])
        return None
    stored: dict[int, list[StoredAnswer]] = {}
    for answer in answers_of_sessions(connection, [row.id for row in rows]):
        stored.setdefault(answer.session_id, []).append(answer)
    looked = (_look(connection, services.catalogue, row, stored.get(row.id, [])) for row in rows)
    found = [one for one in looked if one is not None]
    _put_right(BatchContext(connection, services, now, is_silent=True), found, erasure_log)
    record_data_migration_progress(connection, [DataMigrationProgress(NAME, rows[-1].id, None)])
    return CleanedPaths(sum(one.removed for one in found), sum(1 for one in found if one.removed))


def _put_right(batch: BatchContext, found: Sequence[_Found], erasure_log: ErasureLog) -> None:
    for one in found:
        batch.apply(Person.absent(one.participation, one.row.channel), one.happened, one.row.updated_at)
    if any(one.removed for one in found):
        mark_erased_tables(batch.connection)
    states = [SessionState(one.row.id, one.left.to_json()) for one in found]
    set_session_states(batch.connection, states)
    batch.finish()
    erasure_log.note(batch.outcome.erased_records)


def _look(
    connection: Connection, catalogue: Catalogue, row: StoredSession, stored: Sequence[StoredAnswer]
) -> _Found | None:
    """Returns the correction of a session; None if it is right or cannot be read by this version."""
    try:
        published = catalogue.revision(connection, row.revision_id)
        session = Session.from_json(row.state)
    except (UnreadableError, TypeError, ValueError):
        return None
    flow, by_key = published.flow, {answer.question_key: answer for answer in stored}
    known = session._replace(also_stored=list(dict.fromkeys((*session.also_stored, *_given(flow, session, by_key)))))
    # Earlier versions did not record in which blocks votes were given.
    blocks = [key for key in flow.questions if flow.nodes[key].type == "statements"]
    suspected = known._replace(also_stored=list(dict.fromkeys((*known.also_stored, *blocks))))
    off = flow.off_path(suspected, flow.path(suspected))
    left, events, _ = drop_answers(flow, known, off)
    gone = [key for key in off if key in known.stored_keys()]
    codes = gaps(flow, left)
    stale = [
        key for key, answer in by_key.items() if answer.missing in GAPS and codes.get(key) not in {None, answer.missing}
    ]
    happened = (*events, *map(GapReopened, stale))
    if row.status == "waiting":
        has_left = any(answer.missing in GAPS and key in codes for key, answer in by_key.items())
        left = left._replace(has_left=left.has_left or has_left)
    else:
        happened = (*happened, *(AnswerGiven(key, None, codes[key]) for key in (*gone, *stale) if key in codes))
    if left == session and not happened:
        return None
    participation = Participation.of(row, published, known)
    return _Found(participation, row, left, happened, len(gone))


def _given(flow: Flow, session: Session, stored: Mapping[str, StoredAnswer]) -> list[str]:
    """Returns the questions whose stored answers belong to an earlier session."""
    return [
        key for key, answer in stored.items() if answer.value and key in flow.questions and key not in session.answers
    ]
