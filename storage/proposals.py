"""The shared proposal database: ideas of residents, how others rate them, and what became of them.

Other programs read it through the views ``v_proposals``, ``v_ratings`` and ``v_status`` (docs/data.md).
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Literal, NamedTuple, get_args

from sqlalchemy import CheckConstraint, Connection, ForeignKey, Index, SmallInteger, UniqueConstraint, select
from sqlalchemy.orm import Mapped, mapped_column

from storage import bulk
from storage.base import Base, Json, exactly, one_of, table_of

Status = Literal["received", "under_consideration", "next_phase", "accepted", "rejected", "done"]
Vote = Literal[-1, 0, 1]


class Proposal(Base):
    """An idea a resident submitted, or one taken over from another program."""

    __tablename__ = "proposals"
    __table_args__ = (
        one_of("status", get_args(Status)),
        exactly("pseudonym", 32),
        UniqueConstraint("code"),
        UniqueConstraint("source", "source_id"),  # taking over twice changes nothing
        Index(None, "consultation_id", "id"),
        Index(None, "pseudonym"),
    )

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    consultation_id: Mapped[int] = mapped_column(ForeignKey("consultations.id"))
    pseudonym: Mapped[str | None]  # NULL: taken over, or left here without link by the person's wish
    question_key: Mapped[str | None]
    code: Mapped[str]  # the public name: anybody can ask with it what became of the idea
    title: Mapped[str | None]
    text: Mapped[str]
    language: Mapped[str]
    district: Mapped[str | None]
    topic: Mapped[str | None]
    status: Mapped[str] = mapped_column(server_default="received")
    released_at: Mapped[datetime | None]  # a person read it and let it out
    withdrawn_at: Mapped[datetime | None]
    source: Mapped[str | None]
    source_id: Mapped[str | None]
    created_at: Mapped[datetime]


class Rating(Base):
    """What one person thinks of one proposal."""

    __tablename__ = "ratings"
    __table_args__ = (
        CheckConstraint("vote IN (-1, 0, 1)", name="vote"),
        exactly("pseudonym", 32),
        Index(None, "pseudonym"),
        {"sqlite_with_rowid": False},
    )

    proposal_id: Mapped[int] = mapped_column(ForeignKey("proposals.id", ondelete="CASCADE"), primary_key=True)
    pseudonym: Mapped[str] = mapped_column(primary_key=True)
    vote: Mapped[int] = mapped_column(SmallInteger)
    important: Mapped[bool]
    rated_at: Mapped[datetime]


class ProposalStatus(Base):
    """A step in a proposal's life, with the reason people were told. Rows are added, never changed."""

    __tablename__ = "proposal_statuses"
    __table_args__ = (one_of("status", get_args(Status)), Index(None, "proposal_id", "id"))

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    proposal_id: Mapped[int] = mapped_column(ForeignKey("proposals.id", ondelete="CASCADE"))
    status: Mapped[str]
    reason: Mapped[Any] = mapped_column(Json, nullable=False)  # text per language: {"de": "…", "en": "…"}
    body: Mapped[str | None]  # who decided
    link: Mapped[str | None]
    at: Mapped[datetime]


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


class NewRating(NamedTuple):
    proposal_id: int
    pseudonym: str
    vote: Vote
    important: bool
    rated_at: datetime


class StoredProposal(NamedTuple):
    id: int
    consultation_id: int
    code: str
    title: str | None
    text: str
    language: str
    district: str | None
    topic: str | None
    status: Status
    released_at: datetime | None
    withdrawn_at: datetime | None
    created_at: datetime


class NewStatus(NamedTuple):
    id: int
    proposal_id: int
    status: Status
    reason: dict[str, str]
    body: str | None
    link: str | None
    at: datetime


class Release(NamedTuple):
    """``released_at`` None takes a release back."""

    id: int
    released_at: datetime | None


class _CurrentStatus(NamedTuple):
    id: int
    status: Status


class _Person(NamedTuple):
    pseudonym: str


_proposals = table_of(Proposal)
_ratings = table_of(Rating)
_statuses = table_of(ProposalStatus)
_columns = [_proposals.c[field] for field in StoredProposal._fields]
_by_code = bulk.ByKeys(StoredProposal, select(*_columns), _proposals.c.code)

insert = bulk.insert(_proposals, NewProposal)
"""Add proposals as received. Raises Duplicate for a code, or a (source, source id), that exists."""

rate = bulk.upsert(_ratings, NewRating, key=("proposal_id", "pseudonym"), if_changed=("vote", "important"))
"""Store ratings; a person's later rating of the same proposal replaces the earlier."""

release = bulk.change(_proposals, Release, key=("id",))
"""Let proposals out, after a person read them."""

_insert_statuses = bulk.insert(_statuses, NewStatus)
_set_status = bulk.change(_proposals, _CurrentStatus, key=("id",))
_erase_ratings = bulk.remove(_ratings, _Person)
_erase_proposals = bulk.remove(_proposals, _Person)


def by_codes(connection: Connection, codes: Sequence[str]) -> dict[str, StoredProposal]:
    """The proposals with these codes."""
    return {row.code: row for row in _by_code(connection, codes)}


def add_statuses(connection: Connection, rows: Sequence[NewStatus]) -> None:
    """Tell what became of proposals: kept as history, the last one of each is its status."""
    _insert_statuses(connection, rows)
    _set_status(connection, [_CurrentStatus(row.proposal_id, row.status) for row in rows])


def erase(connection: Connection, pseudonyms: Iterable[str]) -> int:
    """Delete these people's proposals and ratings; gives how many rows."""
    people = [_Person(pseudonym) for pseudonym in pseudonyms]
    return _erase_ratings(connection, people) + _erase_proposals(connection, people)
