"""Rows for tests, with everything filled in that a test does not care about."""

import os
from datetime import UTC, datetime, timedelta
from itertools import count

from sqlalchemy import Connection

from storage.tables import contacts
from storage.tables.answers import NewAnswer
from storage.tables.contacts import NewAddress, NewContact, insert_contacts
from storage.tables.outbox import NewOutboxMessage, Purpose
from storage.tables.proposals import NewProposal
from storage.tables.publications import Publication, store_publication
from storage.tables.revisions import PublishedRevision
from storage.tables.sessions import StoredSession, insert_sessions

NOW = datetime(2026, 11, 23, 14, 5, 0, 250_000, tzinfo=UTC)
LATER = NOW + timedelta(minutes=5)
_ids = count((1 << 41) + (os.getpid() << 24))  # other programs of a test make ids too


def new_id() -> int:
    return next(_ids)


def lookup(number: int) -> bytes:
    return number.to_bytes(32, "big")


def key(number: int) -> bytes:
    return number.to_bytes(16, "big")


def pseudonym(number: int) -> str:
    return f"{number:032x}"


def person(connection: Connection, number: int, channel: str = "telegram") -> int:
    """A contact with one address, ``lookup(number)``; gives its id."""
    contact = NewContact(new_id(), "de", NOW)
    insert_contacts(connection, [contact])
    contacts.insert_addresses(connection, [NewAddress(lookup(number), contact.id, channel, b"sealed %d" % number, NOW)])
    return contact.id


def published(connection: Connection, slug: str = "lamps", content: str = "{}") -> PublishedRevision:
    return store_publication(connection, Publication(new_id(), new_id(), slug, content, f"hash of {content}", NOW))


def session(revision: PublishedRevision, number: int, **changes: object) -> StoredSession:
    """The session of person ``number``, waiting."""
    made = StoredSession(
        id=new_id(),
        consultation_id=revision.consultation_id,
        revision_id=revision.id,
        pseudonym=pseudonym(number),
        waiting_key=key(number),
        state='{"at": "lamps"}',
        status="waiting",
        channel="telegram",
        language="de",
        mode="self",
        receipt=f"R-{next(_ids)}",
        place_code=None,
        started_at=NOW,
        updated_at=NOW,
        ended_at=None,
    )
    return made._replace(**changes)  # type: ignore[arg-type]  # tests give what the field takes


def stored_session(
    connection: Connection, revision: PublishedRevision, number: int, **changes: object
) -> StoredSession:
    made = session(revision, number, **changes)
    insert_sessions(connection, [made])
    return made


def answer(to: StoredSession, question: str, value: str | None, **changes: object) -> NewAnswer:
    made = NewAnswer(
        session_id=to.id,
        question_key=question,
        consultation_id=to.consultation_id,
        revision_id=to.revision_id,
        value=value,
        missing=None,
        free_text=False,
        answered_at=NOW,
        channel=to.channel,
        language=to.language,
        mode=to.mode,
    )
    return made._replace(**changes)  # type: ignore[arg-type]  # tests give what the field takes


def message(number: int, purpose: Purpose = "reply", channel: str = "telegram") -> NewOutboxMessage:
    return NewOutboxMessage(new_id(), channel, lookup(number), '{"text": "Thank you."}', purpose, None, NOW)


def proposal(consultation_id: int, number: int, code: str, **changes: object) -> NewProposal:
    made = NewProposal(
        id=new_id(),
        consultation_id=consultation_id,
        pseudonym=pseudonym(number),
        question_key="idea",
        code=code,
        title=None,
        text="A bench under the lime tree",
        language="de",
        district=None,
        topic=None,
        source=None,
        source_id=None,
        created_at=NOW,
    )
    return made._replace(**changes)  # type: ignore[arg-type]  # tests give what the field takes
