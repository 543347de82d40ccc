"""Messages from channels: the ids of known ones, and dead letters."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from itertools import groupby
from operator import attrgetter, itemgetter
from typing import NamedTuple

from sqlalchemy import Connection, Index, bindparam, delete, func, select, update
from sqlalchemy.orm import Mapped, mapped_column

from storage.core import bulk, driver
from storage.core.base import WORDS, Base, exactly, table_of

MessageKey = tuple[str, str]
"""The channel and the stored id of a message."""


class ReceivedRow(Base):
    """A received message, without its text and sender; deleted after some days."""

    __tablename__ = "received"
    __table_args__ = ({"sqlite_with_rowid": False},)  # no index by time: every turn would pay for a daily clean-up

    channel: Mapped[str] = mapped_column(primary_key=True)
    external_id: Mapped[str] = mapped_column(primary_key=True)  # keyed hash of the channel's own id, made by the caller
    received_at: Mapped[datetime]  # the day


class DeadLetterRow(Base):
    """A message that could not be handled, or was written to the team; encrypted until a member settles it."""

    __tablename__ = "dead_letters"
    __table_args__ = (exactly("lookup", 32), Index(None, "at"), Index(None, "lookup"))

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    channel: Mapped[str]
    external_id: Mapped[str]  # keyed hash, as in `received`
    lookup: Mapped[bytes | None]  # no foreign key: the address may not have been stored
    sealed: Mapped[bytes] = mapped_column(info=WORDS)  # the message, encrypted by the caller
    reason: Mapped[str]
    at: Mapped[datetime]  # the day
    settled_at: Mapped[datetime | None]


class NewReceived(NamedTuple):
    channel: str
    external_id: str
    received_at: datetime


class NewDeadLetter(NamedTuple):
    id: int
    channel: str
    external_id: str
    lookup: bytes | None
    sealed: bytes
    reason: str
    at: datetime


class StoredDeadLetter(NamedTuple):
    id: int
    channel: str
    external_id: str
    lookup: bytes | None
    sealed: bytes
    reason: str
    at: datetime
    settled_at: datetime | None


class _Key(NamedTuple):
    id: int


class _Sender(NamedTuple):
    lookup: bytes


_received = table_of(ReceivedRow)
_dead_letters = table_of(DeadLetterRow)

_seen = select(_received.c.channel, _received.c.external_id).where(
    _received.c.channel == bindparam("channel"),
    _received.c.external_id.in_(bindparam("external_ids", expanding=True)),
)

insert_received = bulk.insert(_received, NewReceived)
"""Records received messages. Raises Duplicate for a known one."""

_take = bulk.insert(_received, NewReceived, skip_known=True)
_take_new = bulk.insert(_received, NewReceived, skip_known=True, returning=("channel", "external_id"))

insert_dead_letters = bulk.insert(_dead_letters, NewDeadLetter)
"""Stores dead letters: messages that could not be handled."""

_TRIAL = ("-trial-", "-")
"""A reserved channel name for the probe."""

_of_senders = bulk.ByKeys(
    StoredDeadLetter, select(*(_dead_letters.c[field] for field in StoredDeadLetter._fields)), _dead_letters.c.lookup
)
_discard = bulk.delete(_dead_letters, _Key)
_erase = bulk.delete(_dead_letters, _Sender)


def take_messages(connection: Connection, rows: Sequence[NewReceived]) -> set[MessageKey]:
    """Records received messages and returns the keys of the new ones: only these may be handled.

    Safe between processes: the first commit gets the message; the other process waits and then finds it known.
    """
    if connection.dialect.name == "postgresql":
        return {(channel, external_id) for channel, external_id in _take_new.returned(connection, rows)}
    keys = {(row.channel, row.external_id) for row in rows}
    # Nearly always all are new: insert first, and select only if some were skipped.
    driver.execute(connection, "SAVEPOINT take", ())
    if _take(connection, rows) < len(keys):
        driver.execute(connection, "ROLLBACK TO take", ())
        keys -= known_messages(connection, keys)
        _take(connection, [row for row in rows if (row.channel, row.external_id) in keys])
    driver.execute(connection, "RELEASE take", ())
    return keys


def known_messages(connection: Connection, keys: Iterable[MessageKey]) -> set[MessageKey]:
    """Returns those of the keys that are known. One query per channel."""
    by_channel = groupby(sorted(keys), key=itemgetter(0))
    return {
        (channel, row.external_id)
        for channel, group in by_channel
        for row in connection.execute(_seen, {"channel": channel, "external_ids": [key[1] for key in group]})
    }


def forget_messages_before(connection: Connection, moment: datetime) -> int:
    """Deletes the records of messages received before this moment; returns how many. Channels do not repeat that
    late."""
    return connection.execute(delete(_received).where(_received.c.received_at < moment)).rowcount


def probe_write(connection: Connection) -> None:
    """Writes a row and deletes it, to check whether writing works."""
    insert_received(connection, [NewReceived(*_TRIAL, datetime.now(UTC))])
    connection.execute(delete(_received).where(_received.c.channel == _TRIAL[0]))


def unsettled_dead_letters(connection: Connection, limit: int = 1000) -> list[StoredDeadLetter]:
    """Returns dead letters that are not settled, those of the oldest day first."""
    query = select(_dead_letters).where(_dead_letters.c.settled_at.is_(None)).limit(limit)
    query = query.order_by(_dead_letters.c.at, _dead_letters.c.id)
    return [StoredDeadLetter._make(row) for row in connection.execute(query)]


def count_unsettled_dead_letters(connection: Connection) -> int:
    """Returns the number of dead letters that are not settled."""
    query = select(func.count()).select_from(_dead_letters).where(_dead_letters.c.settled_at.is_(None))
    return int(connection.execute(query).scalar_one())


def dead_letter_by_id(connection: Connection, letter_id: int) -> StoredDeadLetter | None:
    """Returns one dead letter, settled or not."""
    row = connection.execute(select(_dead_letters).where(_dead_letters.c.id == letter_id)).first()
    return StoredDeadLetter._make(row) if row else None


def settle_dead_letter(connection: Connection, letter_id: int, day: datetime) -> bool:
    """Marks a dead letter as settled; False if it is gone or was settled before."""
    query = update(_dead_letters).where(_dead_letters.c.id == letter_id, _dead_letters.c.settled_at.is_(None))
    return bool(connection.execute(query.values(settled_at=day)).rowcount)


def reopen_dead_letter(connection: Connection, letter_id: int) -> bool:
    """Takes the mark back; False if it is gone or not settled."""
    query = update(_dead_letters).where(_dead_letters.c.id == letter_id, _dead_letters.c.settled_at.is_not(None))
    return bool(connection.execute(query.values(settled_at=None)).rowcount)


def dead_letters_of(connection: Connection, lookups: Sequence[bytes]) -> list[StoredDeadLetter]:
    """Returns all dead letters of these senders, those of the oldest day first."""
    return sorted(_of_senders(connection, lookups), key=attrgetter("at", "id"))


def discard_dead_letters(connection: Connection, ids: Iterable[int]) -> int:
    """Deletes these dead letters after an operator settled them; returns how many existed."""
    return _discard(connection, [_Key(id_) for id_ in ids])


def forget_dead_letters_before(connection: Connection, moment: datetime) -> int:
    """Deletes dead letters from before this moment, settled or not; returns the number."""
    return connection.execute(delete(_dead_letters).where(_dead_letters.c.at < moment)).rowcount


def erase_dead_letters(connection: Connection, lookups: Iterable[bytes]) -> int:
    """Deletes the dead letters of these senders; returns the number."""
    return _erase(connection, [_Sender(lookup) for lookup in lookups])
