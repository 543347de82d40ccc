"""Identity: contacts and their addresses, without their answers.

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
    stopped_at: Mapped[datetime | None]  # time of "stop": no more broadcasts
    spoken_language: Mapped[str | None]  # not chosen: the bot's language, guessed from the channel


class AddressRow(Base):
    """An address of a contact in a channel."""

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
    )  # refused or given up: the contact did not see it


class KnownAddress(NamedTuple):
    """The data a turn needs about the sender."""

    lookup: bytes
    contact_id: int | None
    channel: str
    language: str | None
    stopped_at: datetime | None
    unreachable_at: datetime | None
    spoken_language: str | None = None
    question_missed: bool = False

    def reads(self) -> str | None:
        """Returns the language for messages to the contact: the chosen one, else the guessed one."""
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
    """Whether the last question to an address failed to arrive."""

    lookup: bytes
    question_missed: bool


class ContactStop(NamedTuple):
    """``stopped_at`` None: the contact accepts broadcasts again."""

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
    """A chat with a new address."""

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
"""Adds contacts. Raises Duplicate for an id that exists."""

insert_addresses = bulk.insert(_addresses, NewAddress)
"""Adds addresses. Raises Duplicate if another process added the same address first: the second run of the work finds
it.
"""

set_languages = bulk.update(_contacts, ContactLanguage, key=("id",))
"""Stores the languages that contacts chose."""

set_spoken_languages = bulk.update(_contacts, SpokenLanguage, key=("id",))
"""Stores the guessed languages of contacts without a chosen one."""

mark_missed = bulk.update(_addresses, AddressMissed, key=("lookup",))
"""Stores at which addresses the last question failed to arrive, or that it is asked again."""

mark_stopped = bulk.update(_contacts, ContactStop, key=("id",))
"""Stores which contacts stopped broadcasts, or accept them again."""

mark_unreachable = bulk.update(_addresses, AddressState, key=("lookup",))
"""Stores which addresses a channel refuses for good (blocked, deleted), or that they answered again."""

adopt_addresses = bulk.update(_addresses, AddressOwner, key=("lookup",))
"""Assigns addresses that remained after an erasure to new contacts: the sender is a new contact."""

_erase_addresses = bulk.delete(_addresses, _Owner)
_erase_contacts = bulk.delete(_contacts, _ContactKey)


def find_addresses(connection: Connection, lookups: Sequence[bytes]) -> dict[bytes, KnownAddress]:
    """Returns the known ones among these addresses, each with the data of its contact."""
    return {row.lookup: row for row in _known(connection, lookups)}


def addresses_of_contacts(connection: Connection, contact_ids: Sequence[int]) -> list[KnownAddress]:
    """Returns all addresses of these contacts; those of one contact oldest first."""
    return list(_of_contacts(connection, contact_ids))


def encrypted_addresses(connection: Connection, lookups: Sequence[bytes]) -> dict[bytes, bytes]:
    """Returns the encrypted address for each known look-up."""
    return {row.lookup: row.sealed for row in _sealed(connection, lookups)}


def existing_contacts(connection: Connection, ids: Sequence[int]) -> set[int]:
    """Returns those of these contacts that (still) exist."""
    return {row.id for row in _by_id(connection, ids)}


def any_encrypted_address(connection: Connection) -> EncryptedAddress | None:
    """Returns any one address, to check whether the secret key fits; None if there is none."""
    row = connection.execute(select(_addresses.c.lookup, _addresses.c.sealed).limit(1)).first()
    return None if row is None else EncryptedAddress._make(row)


def delete_contacts(connection: Connection, contact_ids: Iterable[int]) -> int:
    """Deletes contacts, their addresses and every message waiting for them. Returns the number of contacts that
    existed.

    ``erase_dead_letters`` deletes their dead letters. Call ``Store.scrub`` after the commit, so that no copy stays in
    the journal.
    """
    ids = list(contact_ids)
    _erase_addresses(connection, [_Owner(id_) for id_ in ids])
    return _erase_contacts(connection, [_ContactKey(id_) for id_ in ids])


def idle_contacts(
    connection: Connection, before: datetime, *, after: int = 0, among: Sequence[int] = (), limit: int = 1000
) -> list[int]:
    """Returns contacts created before that, above this id (or `among` these), that have nothing but addresses in this
    half: no opt-in, broadcast or superseded answers, no code, no waiting message, no staff chat.
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
    """Replaces addresses by the new ones of their chats, in every row that names the old one.

    A new address that is known already stays with its contact, and only the messages waiting for the old one move: two
    contacts are never merged without their consent. An unknown address moves nothing.
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
    """Returns one statement for each column that names an address."""
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
    """Deletes addresses without contact and waiting message, and contacts without address; returns how many."""
    still_needed = exists(text("1")).select_from(text("outbox")).where(text("outbox.lookup = addresses.lookup"))
    addresses = connection.execute(delete(_addresses).where(_addresses.c.contact_id.is_(None), ~still_needed))
    reachable = exists().where(_addresses.c.contact_id == _contacts.c.id)
    return addresses.rowcount + connection.execute(delete(_contacts).where(~reachable)).rowcount
