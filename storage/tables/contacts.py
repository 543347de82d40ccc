"""Identity: contacts and their addresses, without anything they answered.

This half shares no column with the participation half (sessions, answers, proposals); only ``bot/privacy`` can compute
one from the other, with keys that are not in the database.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import cache
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, ForeignKey, Index, TextClause, delete, exists, false, select, text
from sqlalchemy.orm import Mapped, mapped_column

from storage.core import bulk
from storage.core.base import WORDS, Base, exactly, table_of


class ContactRow(Base):
    """A resident, known by one or more addresses."""

    __tablename__ = "contacts"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    language: Mapped[str | None]  # chosen by the person
    created_at: Mapped[datetime]
    stopped_at: Mapped[datetime | None]  # said "stop": nothing is pushed any more
    spoken_language: Mapped[str | None]  # not chosen: what the bot speaks with them, as their channel let it guess


class AddressRow(Base):
    """A place where a contact can be reached."""

    __tablename__ = "addresses"
    __table_args__ = (
        exactly("lookup", 32),
        Index(None, "contact_id"),
        {"sqlite_with_rowid": False},  # found by its key only; the row then lives in the key's own tree
    )

    lookup: Mapped[bytes] = mapped_column(
        primary_key=True
    )  # keyed HMAC-SHA256 of channel and address, made by the caller
    contact_id: Mapped[int | None] = mapped_column(ForeignKey("contacts.id", ondelete="SET NULL"))
    channel: Mapped[str]
    sealed: Mapped[bytes] = mapped_column(info=WORDS)  # the address itself, encrypted by the caller
    created_at: Mapped[datetime]
    unreachable_at: Mapped[datetime | None]
    unreachable_reason: Mapped[str | None]
    question_missed: Mapped[bool] = mapped_column(
        server_default=false()
    )  # refused, or given up: the contact did not see it


class KnownAddress(NamedTuple):
    """What a turn needs to know about the sender."""

    lookup: bytes
    contact_id: int | None
    channel: str
    language: str | None
    stopped_at: datetime | None
    unreachable_at: datetime | None
    spoken_language: str | None = None
    question_missed: bool = False

    def reads(self) -> str | None:
        """The language to write to them in: the one they chose, else the one they were spoken to in."""
        return self.language or self.spoken_language


class NewContact(NamedTuple):
    id: int
    language: str | None
    created_at: datetime
    spoken_language: str | None = None


class NewAddress(NamedTuple):
    lookup: bytes
    contact_id: int | None
    channel: str
    sealed: bytes
    created_at: datetime


class ContactLanguage(NamedTuple):
    id: int
    language: str | None


class SpokenLanguage(NamedTuple):
    id: int
    spoken_language: str | None


class AddressMissed(NamedTuple):
    """Whether the last question to an address never arrived."""

    lookup: bytes
    question_missed: bool


class ContactStop(NamedTuple):
    """``stopped_at`` None: the contact wants to be written to again."""

    id: int
    stopped_at: datetime | None


class AddressState(NamedTuple):
    """Both None: the address can be reached again."""

    lookup: bytes
    unreachable_at: datetime | None
    unreachable_reason: str | None


class AddressOwner(NamedTuple):
    lookup: bytes
    contact_id: int | None


class AddressMove(NamedTuple):
    """A chat that goes on under another address."""

    old: bytes
    new: bytes
    sealed: bytes


class EncryptedAddress(NamedTuple):
    lookup: bytes
    sealed: bytes


class _ContactKey(NamedTuple):
    id: int


class _Owner(NamedTuple):
    contact_id: int


_contacts = table_of(ContactRow)
_addresses = table_of(AddressRow)

_known_columns = (
    _addresses.c.lookup,
    _addresses.c.contact_id,
    _addresses.c.channel,
    _contacts.c.language,
    _contacts.c.stopped_at,
    _addresses.c.unreachable_at,
    _contacts.c.spoken_language,
    _addresses.c.question_missed,
)
_known = bulk.ByKeys(KnownAddress, select(*_known_columns).outerjoin_from(_addresses, _contacts), _addresses.c.lookup)
_of_contacts = bulk.ByKeys(
    KnownAddress,
    select(*_known_columns)
    .join_from(_addresses, _contacts)
    .order_by(_addresses.c.contact_id, _addresses.c.created_at, _addresses.c.lookup),
    _addresses.c.contact_id,
)
_by_id = bulk.ByKeys(_ContactKey, select(_contacts.c.id), _contacts.c.id)
_sealed = bulk.ByKeys(EncryptedAddress, select(_addresses.c.lookup, _addresses.c.sealed), _addresses.c.lookup)

insert_contacts = bulk.insert(_contacts, NewContact)
"""Add contacts. Raises Duplicate for an id that exists."""

insert_addresses = bulk.insert(_addresses, NewAddress)
"""Add addresses. Raises Duplicate when another process met the same address first: the second run of the work finds it.
"""

set_languages = bulk.update(_contacts, ContactLanguage, key=("id",))
"""Remember which language contacts chose."""

set_spoken_languages = bulk.update(_contacts, SpokenLanguage, key=("id",))
"""Remember in which language contacts who chose none are spoken to."""

mark_missed = bulk.update(_addresses, AddressMissed, key=("lookup",))
"""Remember where a question never arrived, or that it is asked again."""

mark_stopped = bulk.update(_contacts, ContactStop, key=("id",))
"""Remember who wants no more pushes, or wants them again."""

mark_unreachable = bulk.update(_addresses, AddressState, key=("lookup",))
"""Remember which addresses a channel refuses for good (blocked, gone), or that they answered again."""

adopt_addresses = bulk.update(_addresses, AddressOwner, key=("lookup",))
"""Give addresses that were left behind by an erasure to new contacts: the person writes again, from zero."""

_erase_addresses = bulk.delete(_addresses, _Owner)
_erase_contacts = bulk.delete(_contacts, _ContactKey)


def find_addresses(connection: Connection, lookups: Sequence[bytes]) -> dict[bytes, KnownAddress]:
    """The known ones among these addresses, each with what is known of its contact."""
    return {row.lookup: row for row in _known(connection, lookups)}


def addresses_of_contacts(connection: Connection, contact_ids: Sequence[int]) -> list[KnownAddress]:
    """All addresses of these contacts; those of one contact oldest first."""
    return list(_of_contacts(connection, contact_ids))


def encrypted_addresses(connection: Connection, lookups: Sequence[bytes]) -> dict[bytes, bytes]:
    """The sealed address for each known look-up."""
    return {row.lookup: row.sealed for row in _sealed(connection, lookups)}


def existing_contacts(connection: Connection, ids: Sequence[int]) -> set[int]:
    """Those of these contacts who are known (still)."""
    return {row.id for row in _by_id(connection, ids)}


def any_encrypted_address(connection: Connection) -> EncryptedAddress | None:
    """Any one address, to check whether the secret key fits; None where there is none."""
    row = connection.execute(select(_addresses.c.lookup, _addresses.c.sealed).limit(1)).first()
    return None if row is None else EncryptedAddress._make(row)


def delete_contacts(connection: Connection, contact_ids: Iterable[int]) -> int:
    """Forget contacts, their addresses and every message waiting for them. Gives the number of contacts that existed.

    ``erase_dead_letters`` deletes their dead letters. Call ``Store.scrub`` after the commit, so that no copy stays in
    the journal.
    """
    ids = list(contact_ids)
    _erase_addresses(connection, [_Owner(id_) for id_ in ids])
    return _erase_contacts(connection, [_ContactKey(id_) for id_ in ids])


def idle_contacts(
    connection: Connection, before: datetime, *, after: int = 0, among: Sequence[int] = (), limit: int = 1000
) -> list[int]:
    """Contacts made before that, behind this id (or `among` these), of whom this half knows nothing but where they are:
    no wish, push or answers set aside, no code, no message under way, no chat of the team.
    """
    query = select(_contacts.c.id).where(_contacts.c.created_at < before, _contacts.c.id > after)
    if among:
        query = query.where(_contacts.c.id.in_(among))
    return list(connection.scalars(query.where(*_no_ties()).order_by(_contacts.c.id).limit(limit)))


@cache
def _no_ties() -> list[ColumnElement[bool]]:
    ties = [
        ("opt_ins", "opt_ins.contact_id = contacts.id"),
        ("broadcast_recipients", "broadcast_recipients.contact_id = contacts.id"),
        ("set_aside", "set_aside.contact_id = contacts.id"),
        ("link_codes", "link_codes.contact_id = contacts.id OR link_codes.asked_by = contacts.id"),
        ("addresses JOIN outbox ON outbox.lookup = addresses.lookup", "addresses.contact_id = contacts.id"),
        ("addresses JOIN staff_chats ON staff_chats.lookup = addresses.lookup", "addresses.contact_id = contacts.id"),
    ]
    return [~exists(text("1")).select_from(text(where)).where(text(f"({tie})")) for where, tie in ties]


def move_addresses(connection: Connection, moves: Sequence[AddressMove]) -> None:
    """Replace addresses by those under which their chats go on; every row that names the old one follows.

    Where the new address is known already it stays with its contact, and only what waits for the old one comes along:
    two contacts are never merged without being asked. An address that is not known (any more) moves nothing.
    """
    for each in moves:
        where = {"old": each.old, "new": each.new, "sealed": each.sealed}
        connection.execute(_move_address, where)
        for follow in _followers():
            connection.execute(follow, where)
        connection.execute(_leave_address, where)


_move_address = text(
    "INSERT INTO addresses (lookup, contact_id, channel, sealed, created_at)"
    " SELECT :new, contact_id, channel, :sealed, created_at FROM addresses WHERE lookup = :old"
    " ON CONFLICT (lookup) DO UPDATE SET contact_id = coalesce(addresses.contact_id, excluded.contact_id)"
)
_leave_address = text("DELETE FROM addresses WHERE lookup = :old")


@cache
def _followers() -> list[TextClause]:
    """One statement for each column that names an address."""
    named = [
        (table.name, column.name)
        for table in Base.metadata.sorted_tables
        for column in table.columns
        if any(key.target_fullname == "addresses.lookup" for key in column.foreign_keys)
    ]
    # Names of our own tables: nothing from outside becomes SQL here.
    return [
        text(f"UPDATE {table} SET {column} = :new WHERE {column} = :old AND"  # noqa: S608
             " EXISTS (SELECT 1 FROM addresses WHERE lookup = :new)")
        for table, column in named
    ]  # fmt: skip


def purge_orphaned_contacts(connection: Connection) -> int:
    """Delete addresses without contact for which nothing waits, and contacts without address; gives how many."""
    still_needed = exists(text("1")).select_from(text("outbox")).where(text("outbox.lookup = addresses.lookup"))
    addresses = connection.execute(delete(_addresses).where(_addresses.c.contact_id.is_(None), ~still_needed))
    reachable = exists().where(_addresses.c.contact_id == _contacts.c.id)
    return addresses.rowcount + connection.execute(delete(_contacts).where(~reachable)).rowcount
