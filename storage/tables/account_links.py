"""Account linking: codes that link two chats of one person, and superseded answers.

Belongs to identity. A superseded answer is stored encrypted, without any column that describes it.
"""

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import NamedTuple

from sqlalchemy import (
    Connection,
    ForeignKey,
    Index,
    Integer,
    TextClause,
    UniqueConstraint,
    delete,
    select,
    text,
    update,
)
from sqlalchemy.orm import Mapped, mapped_column

from storage.core import bulk
from storage.core.base import WORDS, Base, exactly, table_of
from storage.tables.broadcasts import RecipientRow
from storage.tables.contacts import AddressRow, ContactRow
from storage.tables.opt_ins import OptInRow
from storage.tables.sessions import SessionRow


class LinkCodeRow(Base):
    """A code shown in one chat and entered in another. One at a time for each contact; each is valid once."""

    __tablename__ = "link_codes"
    __table_args__ = (
        exactly("code_hash", 32),
        UniqueConstraint("contact_id"),
        Index(None, "asked_by"),
        {"sqlite_with_rowid": False},
    )

    code_hash: Mapped[bytes] = mapped_column(primary_key=True)  # keyed hash; the code itself is not stored
    contact_id: Mapped[int] = mapped_column(ForeignKey("contacts.id", ondelete="CASCADE"))
    asked_by: Mapped[int | None] = mapped_column(ForeignKey("contacts.id", ondelete="CASCADE"))  # entered by
    expires_at: Mapped[datetime]


class LinkAttemptsRow(Base):
    """Counts wrong codes, so that guessing is limited."""

    __tablename__ = "link_attempts"

    contact_id: Mapped[int] = mapped_column(
        ForeignKey("contacts.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    failed: Mapped[int] = mapped_column(Integer)
    since: Mapped[datetime]  # the hour


class SupersededAnswerRow(Base):
    """An answer given at another address that no longer counts: encrypted, for its author alone."""

    __tablename__ = "set_aside"
    __table_args__ = (Index(None, "contact_id"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    contact_id: Mapped[int] = mapped_column(ForeignKey("contacts.id", ondelete="CASCADE"))
    sealed: Mapped[bytes] = mapped_column(info=WORDS)  # encrypted by the caller
    keep_until: Mapped[datetime | None]  # the end of the retention promised in its consultation


class NewLinkCode(NamedTuple):
    """The whole row."""

    code_hash: bytes
    contact_id: int
    asked_by: int | None
    expires_at: datetime


class NewSupersededAnswer(NamedTuple):
    """The whole row."""

    id: int
    contact_id: int
    sealed: bytes
    keep_until: datetime | None


_codes = table_of(LinkCodeRow)
_attempts = table_of(LinkAttemptsRow)
_set_aside = table_of(SupersededAnswerRow)
_contacts = table_of(ContactRow)
_addresses = table_of(AddressRow)
_opt_ins = table_of(OptInRow)
_recipients = table_of(RecipientRow)
_sessions = table_of(SessionRow)
_insert_code = bulk.insert(_codes, NewLinkCode)
_columns = [_codes.c[field] for field in NewLinkCode._fields]

insert_superseded_answers = bulk.insert(_set_aside, NewSupersededAnswer)
"""Stores superseded answers."""


def store_link_code(connection: Connection, row: NewLinkCode) -> None:
    """Stores a code; it replaces an earlier one of the contact."""
    connection.execute(delete(_codes).where(_codes.c.contact_id == row.contact_id))
    _insert_code(connection, [row])


def claim_link_code(connection: Connection, code_hash: bytes, asked_by: int, now: datetime) -> NewLinkCode | None:
    """Claims a code for the contact that entered it; of two contacts at once one gets it. Returns None for an invalid
    code."""
    free = (_codes.c.code_hash == code_hash) & _codes.c.asked_by.is_(None) & (_codes.c.expires_at > now)
    own = _codes.c.contact_id == asked_by
    if not connection.execute(update(_codes).where(free, ~own).values(asked_by=asked_by)).rowcount:
        return None
    # An earlier code that the same contact entered and did not confirm is void.
    connection.execute(delete(_codes).where(_codes.c.asked_by == asked_by, _codes.c.code_hash != code_hash))
    return claimed_link_code(connection, asked_by, now)


def claimed_link_code(connection: Connection, asked_by: int, now: datetime) -> NewLinkCode | None:
    """Returns the code this contact entered and may still confirm."""
    query = select(*_columns).where(_codes.c.asked_by == asked_by, _codes.c.expires_at > now)
    row = connection.execute(query.with_for_update()).first()
    return None if row is None else NewLinkCode._make(row)


def drop_claimed_link_code(connection: Connection, asked_by: int) -> None:
    """Deletes the code this contact entered."""
    connection.execute(delete(_codes).where(_codes.c.asked_by == asked_by))


def count_failed_link_attempts(connection: Connection, contact_id: int, since: datetime) -> int:
    """Returns how many wrong codes this contact entered since then."""
    query = select(_attempts.c.failed).where(_attempts.c.contact_id == contact_id, _attempts.c.since > since)
    return connection.scalar(query) or 0


def record_failed_link_attempt(connection: Connection, contact_id: int, before: int, hour: datetime) -> None:
    """Counts one more wrong code; `before` of 0 restarts the count."""
    values = {"failed": before + 1} if before else {"failed": 1, "since": hour}
    mine = _attempts.c.contact_id == contact_id
    if not connection.execute(update(_attempts).where(mine).values(values)).rowcount:
        connection.execute(_attempts.insert().values(contact_id=contact_id, failed=1, since=hour))


def merge_contacts(connection: Connection, kept: int, gone: int) -> None:
    """Moves all addresses, opt-ins and messages of one contact to another, and deletes the contact.

    A "stop" at one of the addresses holds for all. The caller decides beforehand about the waiting sessions.
    """
    reached = select(_recipients.c.broadcast_id).where(_recipients.c.contact_id == kept)
    theirs = _recipients.c.contact_id == gone
    other = theirs & ~_recipients.c.broadcast_id.in_(reached)
    connection.execute(update(_recipients).where(other).values(contact_id=kept))
    wished = select(_opt_ins.c.about, _opt_ins.c.subject).where(_opt_ins.c.contact_id == kept).subquery()
    same = (wished.c.about == _opt_ins.c.about) & (wished.c.subject == _opt_ins.c.subject)
    twice = select(wished).where(same).exists()
    connection.execute(update(_opt_ins).where(_opt_ins.c.contact_id == gone, ~twice).values(contact_id=kept))
    connection.execute(update(_addresses).where(_addresses.c.contact_id == gone).values(contact_id=kept))
    connection.execute(update(_set_aside).where(_set_aside.c.contact_id == gone).values(contact_id=kept))
    stopped = select(_contacts.c.stopped_at).where(_contacts.c.id == gone).scalar_subquery()
    language = select(_contacts.c.language).where(_contacts.c.id == gone).scalar_subquery()
    mine = _contacts.c.id == kept
    connection.execute(update(_contacts).where(mine, _contacts.c.stopped_at.is_(None)).values(stopped_at=stopped))
    connection.execute(update(_contacts).where(mine, _contacts.c.language.is_(None)).values(language=language))
    spoken = select(_contacts.c.spoken_language).where(_contacts.c.id == gone).scalar_subquery()
    connection.execute(
        update(_contacts).where(mine, _contacts.c.spoken_language.is_(None)).values(spoken_language=spoken)
    )
    connection.execute(delete(_contacts).where(_contacts.c.id == gone))


def superseded_answers_of(connection: Connection, contact_id: int) -> list[NewSupersededAnswer]:
    """Returns the superseded answers of this contact."""
    query = select(*(_set_aside.c[field] for field in NewSupersededAnswer._fields)).order_by(_set_aside.c.id)
    return [
        NewSupersededAnswer._make(row) for row in connection.execute(query.where(_set_aside.c.contact_id == contact_id))
    ]


def delete_expired_links(connection: Connection, now: datetime, forgiven: datetime) -> int:
    """Deletes expired codes, counts of wrong codes from before `forgiven`, and expired answers; returns the number of
    the latter.
    """
    connection.execute(delete(_codes).where(_codes.c.expires_at < now))
    connection.execute(delete(_attempts).where(_attempts.c.since < forgiven))
    return connection.execute(delete(_set_aside).where(_set_aside.c.keep_until < now)).rowcount


def rename_pseudonyms(connection: Connection, names: Sequence[tuple[str, str]]) -> None:
    """Moves all rows of the first pseudonym of each pair to the second."""
    for statement in _renamings():
        for old, new in names:
            connection.execute(statement, {"old": old, "new": new})


def rekey_waiting_session(connection: Connection, old: bytes, new: bytes) -> None:
    """Moves the waiting session of one contact to another."""
    connection.execute(update(_sessions).where(_sessions.c.waiting_key == old).values(waiting_key=new))


@cache
def _renamings() -> list[TextClause]:
    """Returns one statement for each table with residents' words."""
    # Names of our own tables: nothing from outside becomes SQL here.
    return [
        text(f"UPDATE {table.name} SET pseudonym = :new WHERE pseudonym = :old")  # noqa: S608
        for table in Base.metadata.sorted_tables
        if "pseudonym" in table.columns
    ]
