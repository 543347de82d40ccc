"""Broadcasts: messages to contacts who opted in, and the state of each recipient.

Belongs to identity: a broadcast names its consultation by slug, a recipient is a contact. Whether a recipient answered
is not stored here; ``bot/privacy`` computes it. The recipients of a reminder have begun the consultation.
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Literal, NamedTuple, get_args

from sqlalchemy import Connection, ForeignKey, Index, Integer, delete, func, select, text, update
from sqlalchemy.orm import Mapped, mapped_column

from storage.core import bulk
from storage.core.base import Base, one_of, table_of
from storage.tables.outbox import OutboxMessageRow

BroadcastState = Literal["draft", "planning", "sending", "paused", "done", "recalled"]
RecipientState = Literal["planned", "queued", "sent", "failed", "skipped", "recalled"]

RUNNING = text("state IN ('planning', 'sending', 'paused')")
PLANNED = text("state = 'planned'")
QUEUED = text("state = 'queued'")
SENT_FROM = text("outbox_id IS NOT NULL")


class BroadcastRow(Base):
    """One broadcast. Each consultation has at most one unfinished broadcast (and one reminder)."""

    __tablename__ = "broadcasts"
    __table_args__ = (
        one_of("state", get_args(BroadcastState)),
        Index(
            "ix_broadcasts_running", "slug", "is_reminder", unique=True, sqlite_where=RUNNING, postgresql_where=RUNNING
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    slug: Mapped[str]
    segment: Mapped[str]
    is_reminder: Mapped[bool]
    per_hour: Mapped[int] = mapped_column(Integer)
    state: Mapped[str]
    starts_at: Mapped[datetime]
    member_id: Mapped[int | None]  # the team member that requested it in chat
    counted: Mapped[int | None] = mapped_column(Integer)  # recipients of a draft; NULL until counted
    planned_to: Mapped[int]  # the last contact that was planned
    paced_to: Mapped[datetime]  # sending: until when the rate is used up
    created_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    expires_at: Mapped[datetime | None]  # no message leaves from then on; NULL: until the consultation closes


class RecipientRow(Base):
    """One recipient of one broadcast."""

    __tablename__ = "broadcast_recipients"
    __table_args__ = (
        one_of("state", get_args(RecipientState)),
        Index(None, "contact_id", "moved_at"),
        Index("ix_broadcast_recipients_outbox", "outbox_id", sqlite_where=SENT_FROM, postgresql_where=SENT_FROM),
        Index(
            "ix_broadcast_recipients_planned",
            "broadcast_id",
            "contact_id",
            sqlite_where=PLANNED,
            postgresql_where=PLANNED,
        ),
        Index("ix_broadcast_recipients_queued", "broadcast_id", sqlite_where=QUEUED, postgresql_where=QUEUED),
        {"sqlite_with_rowid": False},
    )

    broadcast_id: Mapped[int] = mapped_column(ForeignKey("broadcasts.id", ondelete="CASCADE"), primary_key=True)
    contact_id: Mapped[int] = mapped_column(ForeignKey("contacts.id", ondelete="CASCADE"), primary_key=True)
    channel: Mapped[str]
    language: Mapped[str]
    state: Mapped[str]
    reason: Mapped[str | None]
    outbox_id: Mapped[int | None]
    moved_at: Mapped[datetime]  # the day


class StoredBroadcast(NamedTuple):
    """A whole broadcast: the input of ``insert_broadcasts`` and the result of the queries."""

    id: int
    slug: str
    segment: str
    is_reminder: bool
    per_hour: int
    state: BroadcastState
    starts_at: datetime
    member_id: int | None
    counted: int | None
    planned_to: int
    paced_to: datetime
    created_at: datetime
    finished_at: datetime | None = None
    expires_at: datetime | None = None


class StoredRecipient(NamedTuple):
    """A whole row of a recipient."""

    broadcast_id: int
    contact_id: int
    channel: str
    language: str
    state: RecipientState
    reason: str | None
    outbox_id: int | None
    moved_at: datetime


class RecipientOutcome(NamedTuple):
    """The outcome of the message by which a broadcast was sent to a recipient."""

    outbox_id: int
    state: RecipientState
    reason: str | None
    moved_at: datetime


class EarlierBroadcast(NamedTuple):
    """A broadcast that a contact received, or is about to receive."""

    contact_id: int
    slug: str
    is_reminder: bool
    moved_at: datetime


class RecipientCount(NamedTuple):
    """The number of recipients with the same state, reason, channel and language."""

    state: RecipientState
    reason: str | None
    channel: str
    language: str
    number: int


_broadcasts = table_of(BroadcastRow)
_recipients = table_of(RecipientRow)
_outbox = table_of(OutboxMessageRow)
_columns = [_broadcasts.c[field] for field in StoredBroadcast._fields]
_running = _broadcasts.c.state.in_(("planning", "sending", "paused"))

insert_broadcasts = bulk.insert(_broadcasts, StoredBroadcast)
"""Adds broadcasts. Raises Duplicate if another one of the same consultation is running."""

insert_recipients = bulk.insert(_recipients, StoredRecipient, skip_known=True)
"""Adds recipients; existing ones stay unchanged."""

update_recipients = bulk.update(_recipients, StoredRecipient, key=("broadcast_id", "contact_id"))
"""Stores the states of recipients."""

record_recipient_outcomes = bulk.update(_recipients, RecipientOutcome, key=("outbox_id",))
"""Stores the outcomes of messages, including those recalled while in flight."""

_earlier = bulk.ByKeys(
    EarlierBroadcast,
    select(_recipients.c.contact_id, _broadcasts.c.slug, _broadcasts.c.is_reminder, _recipients.c.moved_at)
    .join_from(_recipients, _broadcasts)
    .where(text("broadcast_recipients.state IN ('queued', 'sent')")),  # written out: the driver runs it directly
    _recipients.c.contact_id,
)


def broadcast_by_id(connection: Connection, broadcast_id: int) -> StoredBroadcast | None:
    row = connection.execute(select(*_columns).where(_broadcasts.c.id == broadcast_id)).first()
    return None if row is None else StoredBroadcast._make(row)


def running_broadcast(connection: Connection, slug: str, *, is_reminder: bool) -> StoredBroadcast | None:
    """Returns the unfinished broadcast of a consultation; there is at most one."""
    mine = (_broadcasts.c.slug == slug) & (_broadcasts.c.is_reminder == is_reminder)
    row = connection.execute(select(*_columns).where(_running, mine)).first()
    return None if row is None else StoredBroadcast._make(row)


def draft_broadcast_of(connection: Connection, member_id: int) -> StoredBroadcast | None:
    """Returns the newest draft of a team member."""
    mine = (_broadcasts.c.member_id == member_id) & (_broadcasts.c.state == "draft")
    row = connection.execute(
        select(*_columns).where(mine).order_by(_broadcasts.c.created_at.desc(), _broadcasts.c.id).limit(1)
    ).first()
    return None if row is None else StoredBroadcast._make(row)


def draft_broadcasts(connection: Connection, slugs: Collection[str], since: datetime) -> list[StoredBroadcast]:
    """Returns the counted drafts of these consultations since a moment, newest first."""
    mine = _broadcasts.c.slug.in_(slugs) & (_broadcasts.c.state == "draft") & _broadcasts.c.counted.is_not(None)
    query = select(*_columns).where(mine, _broadcasts.c.created_at >= since)
    query = query.order_by(_broadcasts.c.created_at.desc(), _broadcasts.c.id)
    return [StoredBroadcast._make(row) for row in connection.execute(query)]


def delete_draft_broadcast(connection: Connection, broadcast_id: int) -> bool:
    """Deletes a draft; returns False if it is not a draft (any more)."""
    mine = (_broadcasts.c.id == broadcast_id) & (_broadcasts.c.state == "draft")
    return connection.execute(delete(_broadcasts).where(mine)).rowcount == 1


def newest_broadcasts(
    connection: Connection, limit: int = 5, slugs: Collection[str] | None = None
) -> list[StoredBroadcast]:
    """Returns the last confirmed broadcasts, newest first; with ``slugs`` those of these consultations."""
    query = select(*_columns).where(_broadcasts.c.state != "draft").limit(limit)
    query = query.order_by(_broadcasts.c.created_at.desc(), _broadcasts.c.id)
    if slugs is not None:
        query = query.where(_broadcasts.c.slug.in_(slugs))
    return [StoredBroadcast._make(row) for row in connection.execute(query)]


def unfinished_broadcasts(connection: Connection, *, lock: bool = False) -> list[StoredBroadcast]:
    """Returns broadcasts and drafts with pending work. With ``lock`` no other process works on them meanwhile."""
    uncounted = (_broadcasts.c.state == "draft") & _broadcasts.c.counted.is_(None)
    taken_back = (_broadcasts.c.state == "recalled") & _broadcasts.c.finished_at.is_(None)
    query = select(*_columns).where(_running | uncounted | taken_back)
    query = query.order_by(_broadcasts.c.created_at, _broadcasts.c.id)
    if lock and connection.dialect.name == "postgresql":
        query = query.with_for_update(skip_locked=True)
    return [StoredBroadcast._make(row) for row in connection.execute(query)]


def change_broadcast_state(
    connection: Connection, broadcast_id: int, before: Sequence[BroadcastState], after: BroadcastState
) -> bool:
    """Changes the state if it is one of ``before``; returns False if another process changed it first.

    Raises Duplicate if another broadcast of the same consultation is running.
    """
    mine = (_broadcasts.c.id == broadcast_id) & _broadcasts.c.state.in_(before)
    return connection.execute(update(_broadcasts).where(mine).values(state=after)).rowcount == 1


def update_broadcast(connection: Connection, broadcast_id: int, **values: int | datetime | None) -> None:
    """Stores the progress: ``counted``, ``planned_to``, ``starts_at``, ``paced_to``, ``finished_at``."""
    connection.execute(update(_broadcasts).where(_broadcasts.c.id == broadcast_id).values(**values))


def planned_recipients(connection: Connection, broadcast_id: int, limit: int) -> list[int]:
    """Returns the next planned contacts."""
    query = select(_recipients.c.contact_id).where(_recipients.c.broadcast_id == broadcast_id, PLANNED)
    return list(connection.scalars(query.order_by(_recipients.c.contact_id).limit(limit)))


def queued_outbox_ids(connection: Connection, broadcast_id: int) -> list[int]:
    """Returns the outbox ids of the queued messages."""
    query = select(_recipients.c.outbox_id).where(_recipients.c.broadcast_id == broadcast_id, QUEUED)
    return [number for number in connection.scalars(query) if number is not None]


def unqueue_recipients(connection: Connection, outbox_ids: Iterable[int], now: datetime) -> None:
    """Resets recipients to planned whose messages were recalled from the outbox. The outbox id stays: if the message
    was already in flight, its delivery is recorded, and it is not sent twice.
    """
    record_recipient_outcomes(connection, [RecipientOutcome(number, "planned", None, now) for number in outbox_ids])


def skip_withdrawn_recipients(connection: Connection, broadcast_id: int, now: datetime) -> int:
    """Skips recipients whose message was recalled after a "stop"; returns how many."""
    waits = select(_outbox.c.id).where(_outbox.c.id == _recipients.c.outbox_id).exists()
    gone = (_recipients.c.broadcast_id == broadcast_id) & (_recipients.c.state == "queued") & ~waits
    values = {"state": "skipped", "reason": "withdrawn", "moved_at": now}
    return connection.execute(update(_recipients).where(gone).values(values)).rowcount


def end_planned_recipients(
    connection: Connection, broadcast_id: int, state: RecipientState, reason: str, now: datetime
) -> int:
    """Ends the recipients that are only planned; returns how many."""
    mine = (_recipients.c.broadcast_id == broadcast_id) & (_recipients.c.state == "planned")
    values = {"state": state, "reason": reason, "moved_at": now}
    return connection.execute(update(_recipients).where(mine).values(values)).rowcount


def earlier_broadcasts(connection: Connection, contact_ids: Sequence[int]) -> dict[int, list[EarlierBroadcast]]:
    """Returns the earlier broadcasts of these contacts."""
    found: dict[int, list[EarlierBroadcast]] = {}
    for row in _earlier(connection, contact_ids):
        found.setdefault(row.contact_id, []).append(row)
    return found


def count_recipients(connection: Connection, broadcast_id: int) -> list[RecipientCount]:
    """Counts the recipients of a broadcast by state, reason, channel and language."""
    kind = (_recipients.c.state, _recipients.c.reason, _recipients.c.channel, _recipients.c.language)
    query = select(*kind, func.count()).where(_recipients.c.broadcast_id == broadcast_id).group_by(*kind)
    return [RecipientCount._make(row) for row in connection.execute(query)]


def reached_contacts(connection: Connection, broadcast_id: int, after: int, limit: int) -> list[int]:
    """Returns the contacts that received a broadcast, in order of their ids, above ``after``."""
    mine = (_recipients.c.broadcast_id == broadcast_id) & (_recipients.c.state == "sent")
    query = select(_recipients.c.contact_id).where(mine, _recipients.c.contact_id > after)
    return list(connection.scalars(query.order_by(_recipients.c.contact_id).limit(limit)))


def delete_broadcasts_before(connection: Connection, moment: datetime) -> int:
    """Deletes broadcasts finished before this moment, drafts made before it, and their recipients."""
    over = (_broadcasts.c.finished_at < moment) | (
        (_broadcasts.c.state == "draft") & (_broadcasts.c.created_at < moment)
    )
    return connection.execute(delete(_broadcasts).where(over)).rowcount
