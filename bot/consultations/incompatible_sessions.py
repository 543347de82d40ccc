"""People in the middle of something this program cannot read, because another one wrote it: nobody stays stuck there.

Chat words do what they do everywhere, and other consultations can be entered. What is said besides is kept, the
answers stay, and they are told where it goes on: in the newest revision, if there is one that can be read, else later,
when the program that knows theirs is back.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from bot.consultations.catalogue import Catalogue, PublishedFlow
from bot.consultations.participant import Participation, Person
from flows.messages import MsgOut, QuickReply
from flows.session import Session
from flows.tokens import START
from storage.tables.consultations import revisions_by_id
from storage.tables.sessions import SessionRelease, StoredSession


def incompatible_session_message(
    connection: Connection, person: Person, row: StoredSession, catalogue: Catalogue, now: datetime
) -> MsgOut:
    """What is said to a message that cannot be taken."""
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
    """The same session, begun anew in another revision. What was answered before stays until it is answered again."""
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
    """The session as it is left for another consultation. Its state, which we cannot read, stays as it is."""
    return SessionRelease(row.id, None, "interrupted" if row.status == "waiting" else row.status, row.ended_at or now)
