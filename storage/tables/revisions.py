"""Revisions: the stored wordings of consultations. A revision never changes."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, Final, Literal, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Connection,
    ForeignKey,
    Integer,
    Select,
    UniqueConstraint,
    case,
    select,
)
from sqlalchemy.orm import Mapped, mapped_column

from storage.core import bulk
from storage.core.base import Base, table_of
from storage.tables.consultations import IS_TRIAL, ConsultationRow, ConsultationState, ConsultationStateNow
from storage.tables.stages import Stage, stages

PORTION: Final = 50
"""How many revisions are read with their content at once."""


class RevisionRow(Base):
    """A stored wording. Never changes: triggers of the database refuse it, since answers were given to exactly this
    text. ``revision_stages`` tells whether it is live, a draft or under test.
    """

    __tablename__ = "revisions"
    __table_args__ = (
        UniqueConstraint("consultation_id", "number"),
        UniqueConstraint("consultation_id", "content_hash"),
    )

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    consultation_id: Mapped[int] = mapped_column(ForeignKey("consultations.id"))
    number: Mapped[int] = mapped_column(Integer)
    content: Mapped[str]  # canonical JSON as text, not as a JSON type: its hash must stay true
    content_hash: Mapped[str]
    published_at: Mapped[datetime]


class RevisionHead(NamedTuple):
    """A revision together with its consultation, without its content. `closes_at` is when it ended, or will end."""

    id: int
    consultation_id: int
    slug: str
    sample: bool
    state: ConsultationState | Literal["draft", "test"]
    opens_at: datetime | None
    closes_at: datetime | None
    number: int
    content_hash: str
    published_at: datetime
    is_trial: bool = False
    """Whether this is where a test revision of another consultation is tried out."""

    def state_at(self, now: datetime) -> ConsultationStateNow:
        """What it is at this moment: one that is open by its state may be too early, or over by its dates."""
        return _state_at(self, now)

    def with_content(self, content: str) -> "PublishedRevision":
        """Returns the revision with its content."""
        return PublishedRevision(**self._asdict(), content=content)


class PublishedRevision(NamedTuple):
    """A revision together with its consultation. `closes_at` is when it ended, or will end."""

    id: int
    consultation_id: int
    slug: str
    sample: bool
    state: ConsultationState | Literal["draft", "test"]
    opens_at: datetime | None
    closes_at: datetime | None
    number: int
    content: str
    content_hash: str
    published_at: datetime
    is_trial: bool = False
    """Whether this is where a test revision of another consultation is tried out."""

    def state_at(self, now: datetime) -> ConsultationStateNow:
        """What it is at this moment: one that is open by its state may be too early, or over by its dates."""
        return _state_at(self, now)


def _state_at(revision: RevisionHead | PublishedRevision, now: datetime) -> ConsultationStateNow:
    if revision.state != "open":
        return revision.state
    if revision.opens_at is not None and now < revision.opens_at:
        return "not_yet"
    return "closed" if revision.closes_at is not None and now >= revision.closes_at else "open"


_consultations = table_of(ConsultationRow)
_revisions = table_of(RevisionRow)


def _columns(state: ColumnElement[str]) -> list[ColumnElement[Any]]:
    """Returns the columns of a ``PublishedRevision``."""
    ended, planned = _consultations.c.closed_at, _consultations.c.closes_at
    is_early = ended.is_not(None) & (planned.is_(None) | (ended < planned))
    return [
        _revisions.c.id,
        _revisions.c.consultation_id,
        _consultations.c.slug,
        _consultations.c.sample,
        state,
        _consultations.c.opens_at,
        case((is_early, ended), else_=planned).label("closes_at"),
        _revisions.c.number,
        _revisions.c.content,
        _revisions.c.content_hash,
        _revisions.c.published_at,
        IS_TRIAL,
    ]


_published = select(*_columns(_consultations.c.state)).join_from(_revisions, _consultations)
_heads = (
    select(*(it for it in _columns(_consultations.c.state) if it is not _revisions.c.content))
    .join_from(_revisions, _consultations)
    .join(stages, stages.c.revision_id == _revisions.c.id)
    .where(stages.c.stage == "live", stages.c.until.is_(None))
    .order_by(_consultations.c.slug)
)
_staged = (
    select(*_columns(stages.c.stage))
    .join_from(_revisions, _consultations)
    .join(stages, stages.c.revision_id == _revisions.c.id)
    .where(stages.c.until.is_(None))
)
_live = _published.join(stages, stages.c.revision_id == _revisions.c.id).where(
    stages.c.stage == "live", stages.c.until.is_(None)
)

_by_id = bulk.ByKeys(PublishedRevision, _published, _revisions.c.id)


def find_live_revision(connection: Connection, slug: str) -> PublishedRevision | None:
    """Returns the live revision of a consultation, open, closed or archived. None if there is only a draft."""
    return _one(connection, _live.where(_consultations.c.slug == slug))


def live_revision_of(connection: Connection, consultation_id: int) -> PublishedRevision | None:
    """Returns the live revision of a consultation by its id, open, closed or archived."""
    return _one(connection, _live.where(_consultations.c.id == consultation_id))


def revision_in_stage(connection: Connection, consultation_id: int, stage: Stage) -> PublishedRevision | None:
    """Returns the revision in this stage; its state is the stage."""
    return _one(connection, _staged.where(_consultations.c.id == consultation_id, stages.c.stage == stage))


def list_unpublished_revisions(connection: Connection) -> list[PublishedRevision]:
    """Returns drafts and test revisions, by slug; their state is the stage. For staff only."""
    query = _staged.where(stages.c.stage.in_(("draft", "test"))).order_by(_consultations.c.slug, stages.c.stage)
    return [PublishedRevision._make(row) for row in connection.execute(query)]


def revisions_by_id(connection: Connection, revision_ids: Sequence[int]) -> dict[int, PublishedRevision]:
    """Returns these revisions, for sessions that began with them."""
    return {row.id: row for row in _by_id(connection, revision_ids)}


def list_live_revisions(
    connection: Connection, states: Sequence[ConsultationState] = ("open",), *, trials: bool = False
) -> list[PublishedRevision]:
    """Returns the live revision of every consultation in one of these states, by slug. The caller checks the dates.

    With ``trials`` includes those in which test revisions are tried out.
    """
    query = _live.where(_consultations.c.state.in_(states)).order_by(_consultations.c.slug)
    query = query if trials else query.where(~IS_TRIAL)
    return [PublishedRevision._make(row) for row in connection.execute(query)]


def list_live_revision_heads(
    connection: Connection, states: Sequence[ConsultationState] = ("open",), *, trials: bool = False
) -> list[RevisionHead]:
    """Returns the result of ``list_live_revisions`` without contents: for callers that read often, or all of them."""
    query = _heads.where(_consultations.c.state.in_(states))
    query = query if trials else query.where(~IS_TRIAL)
    return [RevisionHead._make(row) for row in connection.execute(query)]


def revision_contents(connection: Connection, revision_ids: Sequence[int]) -> Iterator[tuple[int, str]]:
    """Yields the contents of these revisions, by id, loaded in batches."""
    for first in range(0, len(revision_ids), PORTION):
        wanted = revision_ids[first : first + PORTION]
        query = select(_revisions.c.id, _revisions.c.content).where(_revisions.c.id.in_(wanted))
        yield from ((number, content) for number, content in connection.execute(query).all())


def revisions_once_live(connection: Connection, consultation_id: int) -> list[PublishedRevision]:
    """Returns all revisions of a consultation that are or were live, oldest first: those that may have answers."""
    were_live = select(stages.c.revision_id).where(stages.c.stage == "live")
    query = _published.where(_revisions.c.consultation_id == consultation_id, _revisions.c.id.in_(were_live))
    return [PublishedRevision._make(row) for row in connection.execute(query.order_by(_revisions.c.number))]


def revision_by_number(connection: Connection, consultation_id: int, number: int) -> PublishedRevision | None:
    """Returns a revision by its number, whether it was ever live or not."""
    query = _published.where(_revisions.c.consultation_id == consultation_id, _revisions.c.number == number)
    return _one(connection, query)


def find_revision_by_hash(connection: Connection, consultation_id: int, content_hash: str) -> PublishedRevision | None:
    """Returns the revision of a consultation with this content."""
    same = _revisions.c.content_hash == content_hash
    return _one(connection, _published.where(_revisions.c.consultation_id == consultation_id, same))


def revision_ids_by_code(connection: Connection, code: str) -> list[int]:
    """Returns the ids of revisions whose hash begins with this code of their buttons, the newest first."""
    found = select(_revisions.c.id).where(_revisions.c.content_hash.startswith(code, autoescape=True))
    return list(connection.scalars(found.order_by(_revisions.c.id.desc())))


def is_in_any_revision(connection: Connection, words: str) -> bool:
    """Whether any revision, old ones included, contains exactly this text (the name of a recording)."""
    found = select(_revisions.c.id).where(_revisions.c.content.contains(words, autoescape=True)).limit(1)
    return connection.execute(found).first() is not None


def _one(connection: Connection, query: Select[Any]) -> PublishedRevision | None:
    row = connection.execute(query).first()
    return None if row is None else PublishedRevision._make(row)
