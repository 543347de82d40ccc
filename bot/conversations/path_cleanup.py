"""One-time data migration: removes stored answers that are not on the path of their session.

Runs when the database is opened (`bot.app`), page by page, so that exports, counts and views are right for contacts
that never write again. It may be killed at any time and run by several processes at once: each page and its progress
are one transaction. Findings are only counted.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from typing import Final, NamedTuple

import structlog
from sqlalchemy import Connection

from bot.common.erasure_log import ErasureLog
from bot.common.ids import Ids
from bot.common.keys import Keys
from bot.common.sources import system_now
from bot.consultations.batch_context import BatchContext, BatchServices
from bot.consultations.catalogue import Catalogue, PublishedFlow
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
    stored = _stored_answers(connection, rows)
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


def _stored_answers(connection: Connection, rows: Iterable[StoredSession]) -> dict[int, list[StoredAnswer]]:
    """Returns the answers by session id."""
    stored: dict[int, list[StoredAnswer]] = {}
    for answer in answers_of_sessions(connection, [row.id for row in rows]):
        stored.setdefault(answer.session_id, []).append(answer)
    return stored


def _look(
    connection: Connection, catalogue: Catalogue, row: StoredSession, stored: Sequence[StoredAnswer]
) -> _Found | None:
    """Returns the correction of a session; None if it is right or cannot be read by this version."""
    read = _read(connection, catalogue, row)
    if read is None:
        return None
    published, session = read
    flow, by_key = published.flow, _by_question(stored)
    known = _also_stored(session, _given(flow, session, by_key))
    off = _off_path(flow, known)
    left, events, _ = drop_answers(flow, known, off)
    gone = _among(off, known.stored_keys())
    codes = gaps(flow, left)
    old_gaps = _gaps_among(by_key, codes)
    stale = [key for key, code in old_gaps.items() if codes[key] != code]
    happened = (*events, *map(GapReopened, stale))
    if row.status == "waiting":
        left = left._replace(has_left=left.has_left or bool(old_gaps))
    else:
        happened = (*happened, *(AnswerGiven(key, None, codes[key]) for key in _among((*gone, *stale), codes)))
    if left == session and not happened:
        return None
    participation = Participation.of(row, published, known)
    return _Found(participation, row, left, happened, len(gone))


def _read(connection: Connection, catalogue: Catalogue, row: StoredSession) -> tuple[PublishedFlow, Session] | None:
    try:
        return catalogue.revision(connection, row.revision_id), Session.from_json(row.state)
    except (UnreadableError, TypeError, ValueError):
        return None


def _among(keys: Iterable[str], known: Container[str]) -> list[str]:
    return [key for key in keys if key in known]


def _by_question(stored: Iterable[StoredAnswer]) -> dict[str, StoredAnswer]:
    return {answer.question_key: answer for answer in stored}


def _gaps_among(stored: Mapping[str, StoredAnswer], codes: Container[str]) -> dict[str, str | None]:
    """Returns the stored codes of the gaps that remain gaps."""
    return {key: answer.missing for key, answer in stored.items() if answer.missing in GAPS and key in codes}


def _also_stored(session: Session, keys: Iterable[str]) -> Session:
    return session._replace(also_stored=list(dict.fromkeys((*session.also_stored, *keys))))


def _off_path(flow: Flow, known: Session) -> tuple[str, ...]:
    """Returns the questions that no answer leads to.

    Earlier versions did not record in which blocks votes were given.
    """
    blocks = (key for key in flow.questions if flow.nodes[key].carries == "votes")
    suspected = _also_stored(known, blocks)
    return flow.off_path(suspected, flow.path(suspected))


def _given(flow: Flow, session: Session, stored: Mapping[str, StoredAnswer]) -> list[str]:
    """Returns the questions whose stored answers belong to an earlier session."""
    return [
        key for key, answer in stored.items() if answer.value and key in flow.questions and key not in session.answers
    ]
