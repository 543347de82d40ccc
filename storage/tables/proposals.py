"""Proposals: ideas of residents, and their status.

Ratings are in ``storage.tables.ratings``, moderation is in ``storage.tables.moderation``.

Other programs read it through the views ``v_proposals``, ``v_ratings`` and ``v_status`` (docs/develop/data.md).
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Literal, NamedTuple, get_args

from sqlalchemy import Connection, ForeignKey, Index, UniqueConstraint, delete, false, or_, select, text
from sqlalchemy.orm import Mapped, mapped_column

from storage.core import bulk
from storage.core.base import WORDS, Base, Json, exactly, one_of, table_of

PublicStatus = Literal["under_consideration", "next_phase", "accepted", "rejected", "done"]
"""The published status of a proposal."""
ProposalStatus = Literal["received", PublicStatus]
PUBLIC_STATUSES: tuple[PublicStatus, ...] = get_args(PublicStatus)


TELLING = text("tell_after IS NOT NULL")
"""The index holds few rows: a status leaves it when all its notifications are queued."""
OWED = text(
    "released_at IS NOT NULL AND withdrawn_at IS NULL AND source IS NULL "
    "AND (status = 'received' OR status = 'under_consideration')"
)
"""The public proposals of residents without a final official answer. Literal, so that both databases use the index."""
ANSWERED = text("released_at IS NOT NULL AND withdrawn_at IS NULL AND status <> 'received'")
"""The public proposals with an official answer."""


class ProposalRow(Base):
    """An idea a resident submitted, or one taken over from another program."""

    __tablename__ = "proposals"
    __table_args__ = (
        one_of("status", get_args(ProposalStatus)),
        exactly("pseudonym", 32),
        UniqueConstraint("code"),
        UniqueConstraint("source", "source_id"),  # a repeated import changes nothing
        Index(None, "consultation_id", "id"),
        Index(None, "pseudonym"),
        Index("ix_proposals_owed", "consultation_id", "id", sqlite_where=OWED, postgresql_where=OWED),
        Index("ix_proposals_answered", "consultation_id", "id", sqlite_where=ANSWERED, postgresql_where=ANSWERED),
    )

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    consultation_id: Mapped[int] = mapped_column(ForeignKey("consultations.id"))
    pseudonym: Mapped[str | None]  # NULL: imported, or unlinked at the author's request
    question_key: Mapped[str | None]
    code: Mapped[str]  # the public name: with it any visitor can look up the status
    title: Mapped[str | None] = mapped_column(info=WORDS)
    text: Mapped[str] = mapped_column(info=WORDS)
    language: Mapped[str]
    district: Mapped[str | None]
    topic: Mapped[str | None]
    status: Mapped[str] = mapped_column(server_default="received")
    released_at: Mapped[datetime | None]  # when staff released it
    withdrawn_at: Mapped[datetime | None]
    source: Mapped[str | None]
    source_id: Mapped[str | None]
    created_at: Mapped[datetime]
    place: Mapped[str | None] = mapped_column(info=WORDS)  # the place concerned, in the author's words
    latitude: Mapped[float | None]  # coarse, never a home: degrees (WGS 84), two decimals
    longitude: Mapped[float | None]


class ProposalStatusRow(Base):
    """A status of a proposal, with the published reason. Rows are added, never changed."""

    __tablename__ = "proposal_statuses"
    __table_args__ = (
        one_of("status", get_args(ProposalStatus)),
        Index(None, "proposal_id", "id"),
        Index("ix_proposal_statuses_telling", "id", sqlite_where=TELLING, postgresql_where=TELLING),
    )

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    proposal_id: Mapped[int] = mapped_column(ForeignKey("proposals.id", ondelete="CASCADE"))
    status: Mapped[str]
    reason: Mapped[Any] = mapped_column(Json, nullable=False, info=WORDS)  # text per language: {"de": "…", "en": "…"}
    body: Mapped[str | None]  # the deciding body
    link: Mapped[str | None]
    at: Mapped[datetime]
    tell_after: Mapped[int | None]  # how far telling those who wanted to know has come; NULL: nothing (more) to tell
    is_correction: Mapped[bool] = mapped_column(server_default=false())  # corrects the status before it


class NewProposal(NamedTuple):
    id: int
    consultation_id: int
    pseudonym: str | None
    question_key: str | None
    code: str
    title: str | None
    text: str
    language: str
    district: str | None
    topic: str | None
    source: str | None
    source_id: str | None
    created_at: datetime
    place: str | None = None
    latitude: float | None = None
    longitude: float | None = None


class StoredProposal(NamedTuple):
    id: int
    consultation_id: int
    pseudonym: str | None
    question_key: str | None
    code: str
    title: str | None
    text: str
    language: str
    district: str | None
    topic: str | None
    status: ProposalStatus
    released_at: datetime | None
    withdrawn_at: datetime | None
    source: str | None
    source_id: str | None
    created_at: datetime
    place: str | None
    latitude: float | None
    longitude: float | None


class NewProposalStatus(NamedTuple):
    id: int
    proposal_id: int
    status: ProposalStatus
    reason: dict[str, str]
    body: str | None
    link: str | None
    at: datetime
    tell_after: int | None = None
    is_correction: bool = False
    """Corrects the status before it."""


class NotificationProgress(NamedTuple):
    """The progress of notifications about a status: a position in the caller's own order; None: complete."""

    id: int
    tell_after: int | None


class ProposalRelease(NamedTuple):
    """``released_at`` None takes a release back: what is hidden or merged is not released."""

    id: int
    released_at: datetime | None


class Withdrawal(NamedTuple):
    """The author withdraws the proposal; None: the withdrawal is undone."""

    id: int
    withdrawn_at: datetime | None


class ProposalRewording(NamedTuple):
    """Another text of the same proposal: by its author, or by staff for privacy."""

    id: int
    title: str | None
    text: str


class VisibleProposal(NamedTuple):
    """A public proposal; another `released_at` means that it was moderated again."""

    id: int
    released_at: datetime


class _CurrentStatus(NamedTuple):
    id: int
    status: ProposalStatus


class _Key(NamedTuple):
    id: int


class _Person(NamedTuple):
    pseudonym: str


_proposals = table_of(ProposalRow)
_statuses = table_of(ProposalStatusRow)
_columns = [_proposals.c[field] for field in StoredProposal._fields]
_by_code = bulk.ByKeys(StoredProposal, select(*_columns), _proposals.c.code)
_by_id = bulk.ByKeys(
    StoredProposal,
    select(*_columns).order_by(_proposals.c.id),  # several rows are locked in one order
    _proposals.c.id,
    lock="FOR NO KEY UPDATE",  # ratings of it may still be written
)
_by_author = bulk.ByKeys(StoredProposal, select(*_columns).order_by(_proposals.c.id), _proposals.c.pseudonym)

insert_proposals = bulk.insert(_proposals, NewProposal)
"""Adds proposals as received. Raises Duplicate for a code, or a (source, source id), that exists."""

release_proposals = bulk.update(_proposals, ProposalRelease, key=("id",))
"""Releases proposals after moderation."""

withdraw_proposals = bulk.update(_proposals, Withdrawal, key=("id",))
"""Withdraws proposals at their authors' request."""

reword_proposals = bulk.update(_proposals, ProposalRewording, key=("id",))
"""Changes the texts of proposals."""

_history_columns = [_statuses.c[field] for field in NewProposalStatus._fields]
_history = bulk.ByKeys(
    NewProposalStatus, select(*_history_columns).order_by(_statuses.c.at, _statuses.c.id), _statuses.c.proposal_id
)

record_notification_progress = bulk.update(_statuses, NotificationProgress, key=("id",))
"""Stores the progress of notifications."""

_insert_statuses = bulk.insert(_statuses, NewProposalStatus)
_set_status = bulk.update(_proposals, _CurrentStatus, key=("id",))
_erase_proposals = bulk.delete(_proposals, _Person)
_erase_by_id = bulk.delete(_proposals, _Key)


def proposals_by_code(connection: Connection, codes: Sequence[str]) -> dict[str, StoredProposal]:
    """Returns the proposals with these codes."""
    return {row.code: row for row in _by_code(connection, codes)}


def proposals_by_id(connection: Connection, ids: Sequence[int], *, lock: bool = False) -> dict[int, StoredProposal]:
    """Returns these proposals, released or not. ``lock`` keeps other transactions from changing them until this one
    ends."""
    return {row.id: row for row in _by_id(connection, ids, lock=lock)}


def proposals_of_people(connection: Connection, pseudonyms: Sequence[str]) -> list[StoredProposal]:
    """Returns all proposals of these pseudonyms, oldest first; released, hidden, withdrawn or not."""
    return sorted(_by_author(connection, pseudonyms), key=lambda row: row.id)


def proposals_of_source(connection: Connection, source: str) -> list[StoredProposal]:
    """Returns the proposals imported from this source, in any consultation."""
    query = select(*_columns).where(_proposals.c.source == source).order_by(_proposals.c.id)
    return [StoredProposal._make(row) for row in connection.execute(query)]


def proposals_of_sources(connection: Connection, sources: Sequence[str]) -> list[StoredProposal]:
    """Returns the proposals imported from sources of these names, alone or before a "#", in any consultation."""
    names = [_proposals.c.source == name for name in sources]
    names += [_proposals.c.source.startswith(f"{name}#", autoescape=True) for name in sources]
    query = select(*_columns).where(or_(*names)).order_by(_proposals.c.id)
    return [StoredProposal._make(row) for row in connection.execute(query)]


def proposals_of_consultation(connection: Connection, consultation_id: int) -> list[StoredProposal]:
    """Returns all proposals of a consultation, oldest first; released, hidden, withdrawn or not."""
    query = select(*_columns).where(_proposals.c.consultation_id == consultation_id).order_by(_proposals.c.id)
    return [StoredProposal._make(row) for row in connection.execute(query)]


def list_released_proposals(
    connection: Connection, consultation_id: int, *, after_id: int = 0, limit: int | None = None
) -> list[StoredProposal]:
    """The public proposals of a consultation: released by a person, not withdrawn, oldest first."""
    query = select(*_columns).where(
        _proposals.c.consultation_id == consultation_id,
        _proposals.c.released_at.is_not(None),
        _proposals.c.withdrawn_at.is_(None),
        _proposals.c.id > after_id,
    )
    rows = connection.execute(query.order_by(_proposals.c.id).limit(limit))
    return [StoredProposal._make(row) for row in rows]


def visible_proposals(connection: Connection, consultation_id: int) -> list[VisibleProposal]:
    """The public proposals of a consultation without their text; oldest first."""
    query = select(_proposals.c.id, _proposals.c.released_at).where(
        _proposals.c.consultation_id == consultation_id,
        _proposals.c.released_at.is_not(None),
        _proposals.c.withdrawn_at.is_(None),
    )
    return [VisibleProposal._make(row) for row in connection.execute(query.order_by(_proposals.c.id))]


def proposal_histories(connection: Connection, ids: Sequence[int]) -> dict[int, list[NewProposalStatus]]:
    """Returns the statuses of these proposals so far, oldest first."""
    found: dict[int, list[NewProposalStatus]] = {}
    for row in sorted(_history(connection, ids), key=lambda row: (row.at, row.id)):
        found.setdefault(row.proposal_id, []).append(row)
    return found


def has_unnotified_status(connection: Connection, now: datetime) -> bool:
    """Whether a status has notifications to queue by now."""
    return connection.execute(select(_statuses.c.id).where(TELLING, _statuses.c.at <= now).limit(1)).first() is not None


def next_unnotified_status(connection: Connection, now: datetime) -> NewProposalStatus | None:
    """The oldest status that has notifications to queue by now."""
    query = select(*_history_columns).where(TELLING, _statuses.c.at <= now).order_by(_statuses.c.id).limit(1)
    row = connection.execute(query.with_for_update()).first()
    return None if row is None else NewProposalStatus._make(row)


def add_statuses(connection: Connection, rows: Sequence[NewProposalStatus]) -> None:
    """Adds statuses of proposals to their history; the last one of each is its current status."""
    _insert_statuses(connection, rows)
    _set_status(connection, [_CurrentStatus(row.proposal_id, row.status) for row in rows])


def erase_held_statuses(connection: Connection, proposal_id: int, now: datetime) -> None:
    """Deletes the statuses of a proposal of which no person was told because they are held back until later."""
    kept = [row for row in _history(connection, [proposal_id]) if row.at <= now]
    connection.execute(delete(_statuses).where(_statuses.c.proposal_id == proposal_id, _statuses.c.at > now))
    newest = max(kept, key=lambda row: (row.at, row.id), default=None)
    _set_status(connection, [_CurrentStatus(proposal_id, newest.status if newest else "received")])


def erase_proposals_of_people(connection: Connection, pseudonyms: Iterable[str]) -> int:
    """Deletes the proposals of these pseudonyms, with all data about them; returns how many proposals."""
    return _erase_proposals(connection, [_Person(pseudonym) for pseudonym in pseudonyms])


def erase_proposals_by_id(connection: Connection, ids: Iterable[int]) -> int:
    """Deletes these proposals, with all data about them; returns how many."""
    return _erase_by_id(connection, [_Key(id_) for id_ in ids])
