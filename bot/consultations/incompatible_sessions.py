"""Handles sessions written by an incompatible version.

Commands work as usual, and other consultations can be entered. Other messages become dead letters, answers stay
stored, and the contact is told how to continue: in the newest readable revision, else when the other version runs
again.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from bot.consultations.catalogue import Catalogue, PublishedFlow
from bot.consultations.participant import Participation, Person
from flows.messages import MsgOut, QuickReply
from flows.session import Session
from flows.tokens import START
from storage.tables.revisions import revisions_by_id
from storage.tables.sessions import SessionRelease, StoredSession


def incompatible_session_message(
    connection: Connection, person: Person, row: StoredSession, catalogue: Catalogue, now: datetime
) -> MsgOut:
    """Returns the reply to a message that cannot be taken."""
    revision = revisions_by_id(connection, [row.revision_id])[row.revision_id]
    slug, renderer = revision.slug, catalogue.main_menu.renderer(person.language or row.language)
    title = catalogue.title(slug, renderer.language) if catalogue.is_known(slug) else slug
    if revision.state_at(now) != "open":
        return renderer.message(renderer.text("lobby.closed", title=title))
    if catalogue.is_open(slug):
        again = QuickReply(renderer.token(START, slug), renderer.text("button.start_over"))
        return renderer.message(renderer.text("trouble.renewed", title=title), [again])
    return renderer.message(
        renderer.text("trouble.halted", keyword=renderer.return_command(slug)), [renderer.command("human")]
    )


def renewed_participation(
    row: StoredSession, published: PublishedFlow, session: Session, now: datetime
) -> Participation:
    """Restarts a session in another revision. Earlier answers stay stored until they are answered again."""
    participation = Participation(
        id=row.id,
        published=published,
        session=session,
        pseudonym=row.pseudonym,
        started_at=row.started_at,
        seen_at=now,
        mode=row.mode,
        entry_code=row.place_code or "",
    )
    participation.is_stored = True
    return participation


def released_session(row: StoredSession, now: datetime) -> SessionRelease:
    """Releases a session for another consultation, without changing its unreadable state."""
    return SessionRelease(row.id, None, "interrupted" if row.status == "waiting" else row.status, row.ended_at or now)
