"""Messages that are to be sent: written with the turn that caused them, sent after the commit.

An outbox row belongs to identity (it names an address) and therefore knows no session: a column for it would join what
people said to who they are. What the bot says often repeats an answer, so nothing of it is kept longer than needed:
a reply that was sent is deleted; one that could not be sent loses its text and its address, and stays as a number for
statistics; a broadcast loses its text, but keeps the address for as long as the row lives, so that one sent by mistake
can be taken back. Rules of the table refuse anything else.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, Literal, NamedTuple, get_args

from sqlalchemy import CheckConstraint, Connection, ForeignKey, Index, Integer, delete, func, or_, select, text
from sqlalchemy.orm import Mapped, mapped_column

from storage.core import bulk
from storage.core.base import WORDS, Base, one_of, table_of
from storage.tables.contacts import AddressRow

Purpose = Literal["reply", "broadcast", "notice", "farewell"]
OutboxState = Literal["waiting", "sent", "refused", "unreachable", "unknown"]
"""``unknown``: the channel was asked to send and did not answer; sending again could say it twice."""

UNASKED: Final[tuple[Purpose, ...]] = ("broadcast", "notice")
"""Messages that no message requested: sent after replies, at most once, and recalled by "stop"."""

PASSING = "purpose IN ('reply', 'farewell')"
"""Messages of a conversation: deleted once sent."""
WAITING = text("state = 'waiting'")
ADDRESSED = text("lookup IS NOT NULL")
"""The two indexes hold few rows and stay in memory, however many messages were ever sent."""


class OutboxMessageRow(Base):
    """An outgoing message to one address."""

    __tablename__ = "outbox"
    __table_args__ = (
        one_of("purpose", get_args(Purpose)),
        one_of("state", get_args(OutboxState)),
        CheckConstraint("(state = 'waiting') = (payload IS NOT NULL)", name="no_text_once_settled"),
        CheckConstraint("(state = 'waiting') = (settled_at IS NULL)", name="settled_at"),
        CheckConstraint(f"lookup IS NOT NULL OR (state <> 'waiting' AND {PASSING})", name="address_while_needed"),
        Index("ix_outbox_waiting", "channel", "id", sqlite_where=WAITING, postgresql_where=WAITING),
        Index(None, "lookup", sqlite_where=ADDRESSED, postgresql_where=ADDRESSED),
        {"postgresql_with": {"fillfactor": 80}},
    )

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    channel: Mapped[str]
    lookup: Mapped[bytes | None] = mapped_column(ForeignKey("addresses.lookup", ondelete="CASCADE"))
    payload: Mapped[str | None] = mapped_column(info=WORDS)  # JSON, made and read by the caller
    purpose: Mapped[str]
    state: Mapped[str] = mapped_column(server_default="waiting")
    attempts: Mapped[int] = mapped_column(Integer, server_default="0")
    not_before: Mapped[datetime | None]
    created_at: Mapped[datetime]
    settled_at: Mapped[datetime | None]
    channel_ref: Mapped[str | None]  # of earlier programs; always NULL: it identified the contact without any key
    error: Mapped[str | None]
    hidden_order: Mapped[int] = mapped_column(server_default="0")  # encrypted with the caller's key


class NewOutboxMessage(NamedTuple):
    id: int
    channel: str
    lookup: bytes
    payload: str
    purpose: Purpose
    not_before: datetime | None
    created_at: datetime
    hidden_order: int = 0


class WaitingMessage(NamedTuple):
    """A message to send. `sealed` is the address, encrypted by the caller."""

    id: int
    channel: str
    lookup: bytes
    sealed: bytes
    payload: str
    purpose: Purpose
    attempts: int
    not_before: datetime | None
    created_at: datetime
    hidden_order: int = 0


class SendOutcome(NamedTuple):
    """The outcome of a message. ``attempts`` counts all tries, the last one included."""

    id: int
    state: OutboxState
    attempts: int
    settled_at: datetime
    error: str | None


class SendDelay(NamedTuple):
    """A message that is to be tried again later; ``attempts`` counts all tries."""

    id: int
    attempts: int
    not_before: datetime
    error: str | None


class DelayedMessages(NamedTuple):
    """How many messages of a channel wait for a later moment, to how many chats, until when, and what it said."""

    channel: str
    messages: int
    chats: int
    until: datetime
    reason: str


class SentReply(NamedTuple):
    """A reply that the channel accepted: its row is deleted."""

    id: int


class _Key(NamedTuple):
    id: int


_outbox = table_of(OutboxMessageRow)
_addresses = table_of(AddressRow)

new_outbox_message = bulk.constructor(NewOutboxMessage)
insert_messages = bulk.insert(_outbox, NewOutboxMessage)
"""Adds messages to send. Raises BadRow for an address that does not exist (any more)."""

delete_sent_replies = bulk.delete(_outbox, SentReply, only=f"outbox.{PASSING}")
"""Deletes sent replies: the fast path for nearly all messages."""

_settle = bulk.update(
    _outbox,
    SendOutcome,
    key=("id",),
    also={"payload": "NULL", "lookup": f"CASE WHEN outbox.{PASSING} THEN NULL ELSE outbox.lookup END"},
)

reschedule_messages = bulk.update(_outbox, SendDelay, key=("id",))
"""Delays messages until a moment, with the number of attempts so far and the channel's reason."""

_remove = bulk.delete(_outbox, _Key)
_is_waiting_broadcast = (_outbox.c.state == text("'waiting'"), _outbox.c.purpose == text("'broadcast'"))
_is_waiting_unasked = (
    _outbox.c.state == text("'waiting'"),
    or_(*(_outbox.c.purpose == text(f"'{purpose}'") for purpose in UNASKED)),
)
_waiting_broadcasts = bulk.ByKeys(_Key, select(_outbox.c.id).where(*_is_waiting_broadcast), _outbox.c.id)
_unasked_to = bulk.ByKeys(
    _Key,
    select(_outbox.c.id).join_from(_outbox, _addresses).where(*_is_waiting_unasked),
    _addresses.c.contact_id,
)

_waiting = (
    select(
        _outbox.c.id,
        _outbox.c.channel,
        _outbox.c.lookup,
        _addresses.c.sealed,
        _outbox.c.payload,
        _outbox.c.purpose,
        _outbox.c.attempts,
        _outbox.c.not_before,
        _outbox.c.created_at,
        _outbox.c.hidden_order,
    )
    .join_from(_outbox, _addresses)
    .where(_outbox.c.state == text("'waiting'"))  # written out, not a parameter: only so is the small index used
    .order_by(_outbox.c.id)
)


def settle_messages(connection: Connection, outcomes: Sequence[SendOutcome]) -> int:
    """Stores the outcomes of messages; returns how many still existed. Messages erased meanwhile are skipped.

    The row of a sent reply is deleted. Of an unsent message, and of every broadcast, a row without text stays until
    ``delete_settled_messages_before``.
    """
    sent = [SentReply(outcome.id) for outcome in outcomes if outcome.state == "sent"]
    deleted = delete_sent_replies(connection, sent)
    return deleted if deleted == len(outcomes) else deleted + _settle(connection, outcomes)


def waiting_messages(
    connection: Connection,
    channel: str,
    *,
    after_id: int = 0,
    limit: int = 500,
    due: datetime | None = None,
    purposes: Sequence[Purpose] | None = None,
) -> list[WaitingMessage]:
    """Messages of a channel that wait, in the order of their ids, those above ``after_id`` only. Ids are random: which
    was written first only the caller can tell, by ``hidden_order``.

    With ``due``, without those that are put off beyond that moment; with ``purposes``, only such.
    """
    query = _waiting.where(_outbox.c.channel == channel, _outbox.c.id > after_id).limit(limit)
    if due is not None:
        query = query.where(or_(_outbox.c.not_before.is_(None), _outbox.c.not_before <= due))
    if purposes is not None:
        query = query.where(_outbox.c.purpose.in_(purposes))
    return [WaitingMessage._make(row) for row in connection.execute(query)]


def recall_broadcasts(connection: Connection, ids: Sequence[int]) -> list[int]:
    """Recalls broadcasts that still wait; returns their ids. Call ``Outbox.forget`` after the commit."""
    return _recall(connection, [row.id for row in _waiting_broadcasts(connection, ids)])


def recall_unasked_messages(connection: Connection, contact_ids: Sequence[int]) -> list[int]:
    """Recalls every broadcast and notice that waits for these contacts, at any address; returns their ids."""
    return _recall(connection, [row.id for row in _unasked_to(connection, contact_ids)])


def recall_notice(connection: Connection, message_id: int, lookup: bytes, now: datetime) -> bool:
    """Deletes a notice to this address that is put off beyond `now`; False if it is gone or due. Until then no process
    has it in memory.
    """
    query = delete(_outbox).where(
        _outbox.c.id == message_id,
        _outbox.c.lookup == lookup,
        _outbox.c.state == text("'waiting'"),
        _outbox.c.purpose == text("'notice'"),
        _outbox.c.not_before > now,
    )
    return bool(connection.execute(query).rowcount)


def _recall(connection: Connection, ids: list[int]) -> list[int]:
    _remove(connection, [_Key(id_) for id_ in ids])
    return ids


def has_final_messages(connection: Connection) -> bool:
    """Whether a final message to an erased contact still waits: until then the address is needed."""
    farewell = select(_outbox.c.id).where(_outbox.c.state == text("'waiting'"), _outbox.c.purpose == "farewell")
    return connection.execute(farewell.limit(1)).first() is not None


def count_messages_by_state(connection: Connection) -> dict[tuple[str, str], int]:
    """Counts the messages by channel and state."""
    query = select(_outbox.c.channel, _outbox.c.state, func.count()).group_by(_outbox.c.channel, _outbox.c.state)
    return {(channel, state): number for channel, state, number in connection.execute(query)}


def next_delayed_time(connection: Connection, channel: str) -> datetime | None:
    """Returns the earliest moment until which a message of this channel is delayed."""
    query = select(func.min(_outbox.c.not_before)).where(
        _outbox.c.state == text("'waiting'"), _outbox.c.channel == channel
    )
    moment: Any = connection.execute(query).scalar()
    return moment if moment is None or isinstance(moment, datetime) else datetime.fromisoformat(moment)


def count_delayed_messages(connection: Connection, after: datetime) -> list[DelayedMessages]:
    """Returns the messages delayed beyond this moment, by channel and reason."""
    chats, until = (
        func.count(_outbox.c.lookup.distinct()),
        func.max(_outbox.c.not_before, type_=_outbox.c.not_before.type),
    )
    query = (
        select(_outbox.c.channel, func.count(), chats, until, func.coalesce(_outbox.c.error, ""))
        .where(_outbox.c.state == text("'waiting'"), _outbox.c.not_before > after)
        .group_by(_outbox.c.channel, _outbox.c.error)
        .order_by(_outbox.c.channel, _outbox.c.error)
    )
    return [DelayedMessages._make(row) for row in connection.execute(query)]


def delete_settled_messages_before(connection: Connection, moment: datetime) -> int:
    """Deletes rows that were settled before this moment; returns how many."""
    return connection.execute(delete(_outbox).where(_outbox.c.settled_at < moment)).rowcount
