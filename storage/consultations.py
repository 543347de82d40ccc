"""What is asked: consultations, their published revisions, and what starts them."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Literal, NamedTuple, get_args

from sqlalchemy import Connection, ForeignKey, Integer, Select, UniqueConstraint, delete, func, select, update
from sqlalchemy.orm import Mapped, mapped_column

from storage import bulk
from storage.base import Base, one_of, table_of

State = Literal["open", "closed", "archived"]
StateNow = Literal["not_yet", "open", "closed", "archived"]


class Consultation(Base):
    """What a city asks."""

    __tablename__ = "consultations"
    __table_args__ = (one_of("state", get_args(State)), UniqueConstraint("slug"))

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    slug: Mapped[str]
    sample: Mapped[bool]  # invented, to try things out; never part of a report
    state: Mapped[str]
    opens_at: Mapped[datetime | None]
    closes_at: Mapped[datetime | None]
    created_at: Mapped[datetime]


class Revision(Base):
    """A published wording. Never changes: triggers of the database refuse it, since answers were given to exactly this
    text.
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


class Trigger(Base):
    """What a message without session starts. At most one consultation per keyword or code."""

    __tablename__ = "triggers"
    __table_args__ = ({"sqlite_with_rowid": False},)

    kind: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[str] = mapped_column(primary_key=True)
    consultation_id: Mapped[int] = mapped_column(ForeignKey("consultations.id", ondelete="CASCADE"), index=True)


class Publication(NamedTuple):
    """What ``publish`` needs. The two ids are used only where a row is new."""

    consultation_id: int
    revision_id: int
    slug: str
    content: str
    content_hash: str
    published_at: datetime
    sample: bool = False
    opens_at: datetime | None = None
    closes_at: datetime | None = None


class PublishedRevision(NamedTuple):
    """A revision together with its consultation."""

    id: int
    consultation_id: int
    slug: str
    sample: bool
    state: State
    opens_at: datetime | None
    closes_at: datetime | None
    number: int
    content: str
    content_hash: str
    published_at: datetime

    def state_at(self, now: datetime) -> StateNow:
        """What it is at this moment: one that is open by its state may be too early, or over by its dates."""
        if self.state != "open":
            return self.state
        if self.opens_at is not None and now < self.opens_at:
            return "not_yet"
        return "closed" if self.closes_at is not None and now >= self.closes_at else "open"


class NewTrigger(NamedTuple):
    kind: str
    value: str
    consultation_id: int


_consultations = table_of(Consultation)
_revisions = table_of(Revision)
_triggers = table_of(Trigger)

_published = select(
    _revisions.c.id,
    _revisions.c.consultation_id,
    _consultations.c.slug,
    _consultations.c.sample,
    _consultations.c.state,
    _consultations.c.opens_at,
    _consultations.c.closes_at,
    _revisions.c.number,
    _revisions.c.content,
    _revisions.c.content_hash,
    _revisions.c.published_at,
).join_from(_revisions, _consultations)

_by_id = bulk.ByKeys(PublishedRevision, _published, _revisions.c.id)
_insert_triggers = bulk.insert(_triggers, NewTrigger)


def publish(connection: Connection, publication: Publication) -> PublishedRevision:
    """Make a content the newest revision of its consultation, which is created and opened when it is new.

    The same content as that of any earlier revision makes no second one: the earlier one is given. Dates and the sample
    mark of the consultation follow the publication either way. Two processes that publish at once take turns.
    """
    consultation_id = _consultation(connection, publication)
    same = _revisions.c.content_hash == publication.content_hash
    known = _one(connection, _published.where(_revisions.c.consultation_id == consultation_id, same))
    if known is not None:
        return known
    number = func.coalesce(func.max(_revisions.c.number), 0) + 1
    next_number = select(number).where(_revisions.c.consultation_id == consultation_id)
    row = {
        "id": publication.revision_id,
        "consultation_id": consultation_id,
        "number": connection.execute(next_number).scalar_one(),
        "content": publication.content,
        "content_hash": publication.content_hash,
        "published_at": publication.published_at,
    }
    connection.execute(_revisions.insert(), row)
    revision = by_revision(connection, [publication.revision_id])
    return revision[publication.revision_id]


def _consultation(connection: Connection, publication: Publication) -> int:
    """The consultation's id. Its row is locked, so that numbers of revisions are given out one after another."""
    found = connection.execute(
        select(_consultations.c.id).where(_consultations.c.slug == publication.slug).with_for_update()
    ).scalar()
    values = {
        "sample": publication.sample,
        "opens_at": publication.opens_at,
        "closes_at": publication.closes_at,
    }
    if found is not None:
        connection.execute(update(_consultations).where(_consultations.c.id == found).values(values))
        return int(found)
    new = {"id": publication.consultation_id, "slug": publication.slug, "state": "open"}
    connection.execute(_consultations.insert(), new | values | {"created_at": publication.published_at})
    return publication.consultation_id


def latest(connection: Connection, slug: str) -> PublishedRevision | None:
    """The newest revision of a consultation, in whatever state it is."""
    return _one(connection, _newest().where(_consultations.c.slug == slug))


def newest_of(connection: Connection, consultation_id: int) -> PublishedRevision | None:
    """The newest revision of a consultation by its id, in whatever state it is."""
    return _one(connection, _newest().where(_consultations.c.id == consultation_id))


def by_revision(connection: Connection, revision_ids: Sequence[int]) -> dict[int, PublishedRevision]:
    """These revisions, for sessions that began with them."""
    return {row.id: row for row in _by_id(connection, revision_ids)}


def list_latest(connection: Connection, states: Sequence[State] = ("open",)) -> list[PublishedRevision]:
    """The newest revision of every consultation in one of these states, by slug. Dates are the caller's to look at."""
    query = _newest().where(_consultations.c.state.in_(states)).order_by(_consultations.c.slug)
    return [PublishedRevision._make(row) for row in connection.execute(query)]


def ids(connection: Connection) -> list[int]:
    """Every consultation there ever was, by slug."""
    return list(connection.scalars(select(_consultations.c.id).order_by(_consultations.c.slug)))


def revisions(connection: Connection, consultation_id: int) -> list[PublishedRevision]:
    """All revisions of a consultation, oldest first."""
    query = _published.where(_revisions.c.consultation_id == consultation_id).order_by(_revisions.c.number)
    return [PublishedRevision._make(row) for row in connection.execute(query)]


def mentions(connection: Connection, words: str) -> bool:
    """Whether any revision, also an old one, holds these very words (the name of a recording)."""
    found = select(_revisions.c.id).where(_revisions.c.content.contains(words, autoescape=True)).limit(1)
    return connection.execute(found).first() is not None


def set_state(connection: Connection, consultation_id: int, state: State) -> None:
    """Open, close or archive a consultation."""
    connection.execute(update(_consultations).where(_consultations.c.id == consultation_id).values(state=state))


def replace_triggers(connection: Connection, consultation_id: int, triggers: Iterable[tuple[str, str]]) -> None:
    """Let exactly these (kind, value) pairs start the consultation. Raises Duplicate when one starts another
    consultation.
    """
    connection.execute(delete(_triggers).where(_triggers.c.consultation_id == consultation_id))
    _insert_triggers(connection, [NewTrigger(kind, value, consultation_id) for kind, value in triggers])


def triggers(connection: Connection) -> dict[tuple[str, str], int]:
    """Which consultation each (kind, value) starts. Few rows: callers keep them and read anew after a publication."""
    query = select(_triggers.c.kind, _triggers.c.value, _triggers.c.consultation_id)
    return {(kind, value): consultation_id for kind, value, consultation_id in connection.execute(query)}


def _newest() -> Select[tuple[object, ...]]:
    other = _revisions.alias()
    newest = select(func.max(other.c.number)).where(other.c.consultation_id == _revisions.c.consultation_id)
    return _published.where(_revisions.c.number == newest.scalar_subquery())


def _one(connection: Connection, query: Select[tuple[object, ...]]) -> PublishedRevision | None:
    row = connection.execute(query).first()
    return None if row is None else PublishedRevision._make(row)
