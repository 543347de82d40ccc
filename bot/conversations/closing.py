"""Ends the participations of consultations that are over: what was not finished is interrupted, and answers stay.

Runs with the tidying (`bot.privacy.retention`), portion by portion. Until it ran, views, exports and figures say the
same by the date of the end. A consultation is left alone for an hour after its end: who is let in again by then finds
their question where it was.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final, get_args

from sqlalchemy import Connection

from bot.common.ids import Ids
from bot.common.keys import Keys
from bot.consultations.batch_context import BatchContext, BatchServices
from bot.consultations.catalogue import Catalogue
from bot.consultations.participant import Participation, Person
from bot.consultations.stored_revisions import UnreadableError
from bot.consultations.visibility import takes_no_answers
from bot.conversations.batch_order import WRITE_ORDER
from flows.dialogue import engine
from flows.session import Session
from storage.tables.consultations import ConsultationState, list_live_revisions
from storage.tables.sessions import (
    SessionChange,
    SessionRelease,
    StoredSession,
    change_sessions,
    release_sessions,
    waiting_sessions_in,
)

AT_ONCE: Final = 500
"""Participations in one transaction, so that nobody who writes waits long."""
LET_STAND: Final = timedelta(hours=1)


def end_next_participations(connection: Connection, now: datetime, keys: Keys, catalogue: Catalogue, ids: Ids) -> int:
    """Ends the next ones; gives how many, `AT_ONCE` where there may be more."""
    ids.tick()
    ends = {
        live.consultation_id: live.closes_at
        for live in list_live_revisions(connection, get_args(ConsultationState))
        if takes_no_answers(live, now) and (live.closes_at is None or live.closes_at <= now - LET_STAND)
    }
    batch = BatchContext(connection, BatchServices(keys, catalogue, ids, WRITE_ORDER), now, is_silent=True)
    changes = []
    rows = waiting_sessions_in(connection, list(ends), AT_ONCE)
    for row in rows:
        end = max(row.started_at, ends[row.consultation_id] or row.updated_at)
        try:
            changes.append(_ended(batch, row, end))
        except (UnreadableError, TypeError, ValueError):  # of another program: what it left open only that one knows
            batch.add(release_sessions, SessionRelease(row.id, None, "interrupted", end))
    batch.finish()
    change_sessions(connection, changes)
    return len(rows)


def _ended(batch: BatchContext, row: StoredSession, end: datetime) -> SessionChange:
    """The session as it is afterwards; `batch` takes down why questions have no answer."""
    published, session = batch.catalogue.revision(batch.connection, row.revision_id), Session.from_json(row.state)
    turn = engine.interrupt(published.flow, session)
    batch.apply(Person.absent(Participation.of(row, published, turn.session), row.channel), turn.events, end)
    return SessionChange(
        id=row.id,
        waiting_key=None,
        state=turn.session.to_json(),
        status="interrupted",
        channel=row.channel,
        language=row.language,
        updated_at=row.updated_at,
        ended_at=end,
    )
