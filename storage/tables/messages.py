"""Messages from channels: the ids of known ones, and dead letters."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from itertools import groupby
from operator import attrgetter, itemgetter
from typing import NamedTuple

from sqlalchemy import Connection, Index, bindparam, delete, select
from sqlalchemy.orm import Mapped, mapped_column

from storage.core import bulk, driver
from storage.core.base import WORDS, Base, exactly, table_of

MessageKey = tuple[str, str]
"""Channel and the name a message has here."""


class ReceivedRow(Base):
    """A message that was taken. Holds no word and no sender; forgotten after some days."""

    __tablename__ = "received"
    __table_args__ = ({"sqlite_with_rowid": False},)  # no index by time: every turn would pay for one clean-up a day

    channel: Mapped[str] = mapped_column(primary_key=True)
    external_id: Mapped[str] = mapped_column(primary_key=True)  # keyed hash of the channel's own id, made by the caller
    received_at: Mapped[datetime]  # the day


class DeadLetterRow(Base):
    """A message that could not be handled, kept sealed until a person has looked."""

    __tablename__ = "dead_letters"
    __table_args__ = (exactly("lookup", 32), Index(None, "at"), Index(None, "lookup"))

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    channel: Mapped[str]
    external_id: Mapped[str]  # keyed hash, as in `received`
    lookup: Mapped[bytes | None]  # no foreign key: the letter outlives an address that never came to be
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
"""Remember messages as taken. Raises Duplicate for one that was taken before."""

_take = bulk.insert(_received, NewReceived, skip_known=True)
_take_new = bulk.insert(_received, NewReceived, skip_known=True, returning=("channel", "external_id"))

insert_dead_letters = bulk.insert(_dead_letters, NewDeadLetter)
"""Stores dead letters: messages that could not be handled."""

_TRIAL = ("-trial-", "-")
"""No channel is called like this."""

_of_senders = bulk.ByKeys(
    StoredDeadLetter, select(*(_dead_letters.c[field] for field in StoredDeadLetter._fields)), _dead_letters.c.lookup
)
_discard = bulk.delete(_dead_letters, _Key)
_erase = bulk.delete(_dead_letters, _Sender)


def take_messages(connection: Connection, rows: Sequence[NewReceived]) -> set[MessageKey]:
    """Remember messages as taken, and give the keys of those that are new: only these may be handled.

    Safe between processes: the first commit gets the message; the other process waits and then finds it known.
    """
    if connection.dialect.name == "postgresql":
        return {(channel, external_id) for channel, external_id in _take_new.returned(connection, rows)}
    keys = {(row.channel, row.external_id) for row in rows}
    # Nearly always all are new: write first, and look only if some were passed over.
    driver.execute(connection, "SAVEPOINT take", ())
    if _take(connection, rows) < len(keys):
        driver.execute(connection, "ROLLBACK TO take", ())
        keys -= known_messages(connection, keys)
        _take(connection, [row for row in rows if (row.channel, row.external_id) in keys])
    driver.execute(connection, "RELEASE take", ())
    return keys


def known_messages(connection: Connection, keys: Iterable[MessageKey]) -> set[MessageKey]:
    """Those of the keys that were taken before. One query per channel that occurs."""
    by_channel = groupby(sorted(keys), key=itemgetter(0))
    return {
        (channel, row.external_id)
        for channel, group in by_channel
        for row in connection.execute(_seen, {"channel": channel, "external_ids": [key[1] for key in group]})
    }


def forget_messages_before(connection: Connection, moment: datetime) -> int:
    """Forget which messages were taken before this moment; gives how many. Channels do not repeat that late."""
    return connection.execute(delete(_received).where(_received.c.received_at < moment)).rowcount


def probe_write(connection: Connection) -> None:
    """Writes a row and deletes it, to check whether writing works."""
    insert_received(connection, [NewReceived(*_TRIAL, datetime.now(UTC))])
    connection.execute(delete(_received).where(_received.c.channel == _TRIAL[0]))


def unsettled_dead_letters(connection: Connection, limit: int = 1000) -> list[StoredDeadLetter]:
    """Dead letters that are not settled, those of the oldest day first."""
    query = select(_dead_letters).where(_dead_letters.c.settled_at.is_(None)).limit(limit)
    query = query.order_by(_dead_letters.c.at, _dead_letters.c.id)
    return [StoredDeadLetter._make(row) for row in connection.execute(query)]


def dead_letters_of(connection: Connection, lookups: Sequence[bytes]) -> list[StoredDeadLetter]:
    """All dead letters of these senders, those of the oldest day first."""
    return sorted(_of_senders(connection, lookups), key=attrgetter("at", "id"))


def discard_dead_letters(connection: Connection, ids: Iterable[int]) -> int:
    """Deletes these dead letters after a person settled them; gives how many existed."""
    return _discard(connection, [_Key(id_) for id_ in ids])


def forget_dead_letters_before(connection: Connection, moment: datetime) -> int:
    """Deletes dead letters from before this moment, settled or not; gives the number."""
    return connection.execute(delete(_dead_letters).where(_dead_letters.c.at < moment)).rowcount


def erase_dead_letters(connection: Connection, lookups: Iterable[bytes]) -> int:
    """Deletes the dead letters of these senders; gives the number."""
    return _erase(connection, [_Sender(lookup) for lookup in lookups])
