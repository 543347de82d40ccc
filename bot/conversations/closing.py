"""Ends the participations of closed consultations: unfinished ones are interrupted, their answers stay.

Runs hourly, page by page (`bot.conversations.hourly_jobs`). Until then views, exports and figures apply the closing
date themselves. Participations stay open for an hour after the end, so that a consultation that is reopened within
that time continues unchanged.
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
from storage.tables.consultations import ConsultationState
from storage.tables.revisions import list_live_revisions
from storage.tables.sessions import (
    SessionChange,
    SessionRelease,
    StoredSession,
    change_sessions,
    release_sessions,
    waiting_sessions_in,
)

AT_ONCE: Final = 500
"""Participations per transaction; limits how long incoming messages wait."""
LET_STAND: Final = timedelta(hours=1)


def end_next_participations(connection: Connection, now: datetime, keys: Keys, catalogue: Catalogue, ids: Ids) -> int:
    """Ends the next participations; returns their number, `AT_ONCE` if there may be more."""
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
        except (UnreadableError, TypeError, ValueError):  # written by another version: its open questions are unknown
            batch.add(release_sessions, SessionRelease(row.id, None, "interrupted", end))
    batch.finish()
    change_sessions(connection, changes)
    return len(rows)


def _ended(batch: BatchContext, row: StoredSession, end: datetime) -> SessionChange:
    """Returns the interrupted session; adds the reasons for missing answers to `batch`."""
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
