"""What is asked: consultations, their published revisions, and what starts them."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, Final, Literal, NamedTuple, get_args

from sqlalchemy import (
    ColumnElement,
    Connection,
    ForeignKey,
    Integer,
    Select,
    UniqueConstraint,
    case,
    delete,
    func,
    select,
    update,
)
from sqlalchemy.orm import Mapped, mapped_column

from storage.core import bulk
from storage.core.base import Base, one_of, table_of
from storage.tables.stages import Stage, current_stages, enter_stage, stages, trials

ConsultationState = Literal["open", "closed", "archived"]
"""How far a consultation is that has a live revision."""
PORTION: Final = 50
"""So many revisions are read with their words at once."""
ConsultationStateNow = Literal["not_yet", "open", "closed", "archived", "draft", "test"]


class ConsultationRow(Base):
    """What a city asks."""

    __tablename__ = "consultations"
    __table_args__ = (one_of("state", get_args(ConsultationState)), UniqueConstraint("slug"))

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    slug: Mapped[str]
    sample: Mapped[bool]  # invented, to try things out; never part of a report
    state: Mapped[str]
    opens_at: Mapped[datetime | None]
    closes_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]  # when somebody closed it; empty: its end is that of the file
    archived_at: Mapped[datetime | None]


class RevisionRow(Base):
    """A stored wording. Never changes: triggers of the database refuse it, since answers were given to exactly this
    text. Whether it is live, a draft or tried out stands in ``revision_stages``.
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


class TriggerRow(Base):
    """What a message without session starts. At most one consultation per keyword or code."""

    __tablename__ = "triggers"
    __table_args__ = ({"sqlite_with_rowid": False},)

    kind: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[str] = mapped_column(primary_key=True)
    consultation_id: Mapped[int] = mapped_column(ForeignKey("consultations.id", ondelete="CASCADE"), index=True)


class Publication(NamedTuple):
    """What ``store_publication`` needs. The two ids are used only where a row is new."""

    consultation_id: int
    revision_id: int
    slug: str
    content: str
    content_hash: str
    published_at: datetime
    sample: bool = False
    opens_at: datetime | None = None
    closes_at: datetime | None = None
    stage: Stage = "live"
    number: int | None = None
    """Of a new revision; None: the next one."""


class StoredConsultation(NamedTuple):
    """A consultation without its words."""

    id: int
    slug: str
    state: ConsultationState
    opens_at: datetime | None
    closes_at: datetime | None
    """The end that was planned, also where somebody closed it earlier."""
    closed_at: datetime | None
    archived_at: datetime | None
    is_trial: bool


class RevisionHead(NamedTuple):
    """A revision together with its consultation, without its words. `closes_at` is when it ended, or will end."""

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
        """The same with its words."""
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


class NewTrigger(NamedTuple):
    kind: str
    value: str
    consultation_id: int


_consultations = table_of(ConsultationRow)
_revisions = table_of(RevisionRow)
_triggers = table_of(TriggerRow)


def _columns(state: ColumnElement[str]) -> list[ColumnElement[Any]]:
    """The cells of a ``PublishedRevision``."""
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
        _is_trial,
    ]


_is_trial = _consultations.c.id.in_(select(trials.c.consultation_id)).label("is_trial")
_stored = select(
    _consultations.c.id,
    _consultations.c.slug,
    _consultations.c.state,
    _consultations.c.opens_at,
    _consultations.c.closes_at,
    _consultations.c.closed_at,
    _consultations.c.archived_at,
    _is_trial,
)
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
_insert_triggers = bulk.insert(_triggers, NewTrigger)


def store_publication(connection: Connection, publication: Publication) -> PublishedRevision:
    """Store a content as a revision of its consultation, which is created when it is new, and put it into its stage.

    The same content as that of any earlier revision makes no second one: the earlier one takes the stage again. Dates
    and the sample mark of the consultation follow what is published as live. Two processes that publish at once take
    turns.
    """
    consultation_id = _consultation(connection, publication)
    same = _revisions.c.content_hash == publication.content_hash
    known = _one(connection, _published.where(_revisions.c.consultation_id == consultation_id, same))
    revision = known or _add(connection, publication, consultation_id)
    if publication.stage == "live":
        _go_live(connection, publication, revision)
    elif revision_in_stage(connection, consultation_id, publication.stage) != revision._replace(
        state=publication.stage
    ):
        enter_stage(connection, consultation_id, publication.stage, revision.id, publication.published_at)
    return revision if publication.stage == "live" else revision._replace(state=publication.stage)


def _add(connection: Connection, publication: Publication, consultation_id: int) -> PublishedRevision:
    number = func.coalesce(func.max(_revisions.c.number), 0) + 1
    next_number = select(number).where(_revisions.c.consultation_id == consultation_id)
    row = {
        "id": publication.revision_id,
        "consultation_id": consultation_id,
        "number": publication.number or connection.execute(next_number).scalar_one(),
        "content": publication.content,
        "content_hash": publication.content_hash,
        "published_at": publication.published_at,
    }
    connection.execute(_revisions.insert(), row)
    return revisions_by_id(connection, [publication.revision_id])[publication.revision_id]


def _go_live(connection: Connection, publication: Publication, revision: PublishedRevision) -> None:
    """Makes it the live revision, unless it is that already; then only its end may change."""
    live = live_revision_of(connection, revision.consultation_id)
    if live is None or revision.id != live.id:
        make_revision_live(connection, revision, publication.published_at, ends_at=publication.closes_at)
    else:
        change_live_end(connection, revision.consultation_id, publication.published_at, ends_at=publication.closes_at)


def make_revision_live(
    connection: Connection, revision: PublishedRevision, now: datetime, *, ends_at: datetime | None
) -> None:
    """Let a revision be the live one; going back leads to the one that is live before."""
    live = current_stages(connection, revision.consultation_id).get("live")
    before = live.period if live else None
    enter_stage(connection, revision.consultation_id, "live", revision.id, now, ends_at=ends_at, back_to=before)


def change_live_end(connection: Connection, consultation_id: int, now: datetime, *, ends_at: datetime | None) -> None:
    """Let the live revision have another end from now on; nothing where it has that end already."""
    live = current_stages(connection, consultation_id).get("live")
    if live and live.ends_at != ends_at:
        enter_stage(connection, consultation_id, "live", live.revision_id, now, ends_at=ends_at, back_to=live.back_to)


def _consultation(connection: Connection, publication: Publication) -> int:
    """The consultation's id. Its row is locked, so that numbers of revisions are given out one after another."""
    found = find_consultation(connection, publication.slug, lock=True)
    if found is not None:
        if publication.stage == "live":
            set_consultation_dates(connection, publication)
        return found.id
    new = {"id": publication.consultation_id, "slug": publication.slug, "state": "open"}
    row = new | _dates(publication) | {"created_at": publication.published_at}
    connection.execute(_consultations.insert(), row)
    return publication.consultation_id


def set_consultation_dates(connection: Connection, publication: Publication) -> None:
    """Let the consultation have the dates and the sample mark of a publication."""
    found = _consultations.c.slug == publication.slug
    connection.execute(update(_consultations).where(found).values(_dates(publication)))


def _dates(publication: Publication) -> dict[str, object]:
    return {
        "sample": publication.sample,
        "opens_at": publication.opens_at,
        "closes_at": publication.closes_at,
    }


def find_consultation(connection: Connection, slug: str, *, lock: bool = False) -> StoredConsultation | None:
    """A consultation by its name, whatever there is of it. With ``lock`` others who want to change it wait."""
    query = _stored.where(_consultations.c.slug == slug)
    row = connection.execute(query.with_for_update(of=_consultations) if lock else query).first()
    return None if row is None else StoredConsultation._make(row)


def find_live_revision(connection: Connection, slug: str) -> PublishedRevision | None:
    """The live revision of a consultation, open, closed or archived. None where there is no more than a draft."""
    return _one(connection, _live.where(_consultations.c.slug == slug))


def live_revision_of(connection: Connection, consultation_id: int) -> PublishedRevision | None:
    """The live revision of a consultation by its id, open, closed or archived."""
    return _one(connection, _live.where(_consultations.c.id == consultation_id))


def revision_in_stage(connection: Connection, consultation_id: int, stage: Stage) -> PublishedRevision | None:
    """The revision in this stage; its state is the stage."""
    return _one(connection, _staged.where(_consultations.c.id == consultation_id, stages.c.stage == stage))


def list_unpublished_revisions(connection: Connection) -> list[PublishedRevision]:
    """Drafts and test revisions, by slug; their state is the stage. For the staff only."""
    query = _staged.where(stages.c.stage.in_(("draft", "test"))).order_by(_consultations.c.slug, stages.c.stage)
    return [PublishedRevision._make(row) for row in connection.execute(query)]


def revisions_by_id(connection: Connection, revision_ids: Sequence[int]) -> dict[int, PublishedRevision]:
    """These revisions, for sessions that began with them."""
    return {row.id: row for row in _by_id(connection, revision_ids)}


def list_live_revisions(
    connection: Connection, states: Sequence[ConsultationState] = ("open",), *, trials: bool = False
) -> list[PublishedRevision]:
    """The live revision of every consultation in one of these states, by slug. Dates are the caller's to look at.

    With ``trials`` also those in which test revisions are tried out.
    """
    query = _live.where(_consultations.c.state.in_(states)).order_by(_consultations.c.slug)
    query = query if trials else query.where(~_is_trial)
    return [PublishedRevision._make(row) for row in connection.execute(query)]


def list_live_revision_heads(
    connection: Connection, states: Sequence[ConsultationState] = ("open",), *, trials: bool = False
) -> list[RevisionHead]:
    """What ``list_live_revisions`` gives, without the words: for whoever looks often, or at all of them."""
    query = _heads.where(_consultations.c.state.in_(states))
    query = query if trials else query.where(~_is_trial)
    return [RevisionHead._make(row) for row in connection.execute(query)]


def revision_contents(connection: Connection, revision_ids: Sequence[int]) -> Iterator[tuple[int, str]]:
    """The words of these revisions, by id; a portion of them is in memory at a time."""
    for first in range(0, len(revision_ids), PORTION):
        wanted = revision_ids[first : first + PORTION]
        query = select(_revisions.c.id, _revisions.c.content).where(_revisions.c.id.in_(wanted))
        yield from ((number, content) for number, content in connection.execute(query).all())


def consultation_slug(connection: Connection, consultation_id: int) -> str:
    """The name of a consultation."""
    return str(connection.scalar(select(_consultations.c.slug).where(_consultations.c.id == consultation_id)))


def delete_consultation(connection: Connection, consultation_id: int) -> None:
    """Delete a consultation with its revisions and words. What people said there has to be gone already."""
    connection.execute(delete(_revisions).where(_revisions.c.consultation_id == consultation_id))
    connection.execute(delete(_consultations).where(_consultations.c.id == consultation_id))


def all_consultation_ids(connection: Connection) -> list[int]:
    """Every consultation there ever was, by slug."""
    return list(connection.scalars(select(_consultations.c.id).order_by(_consultations.c.slug)))


def revisions_once_live(connection: Connection, consultation_id: int) -> list[PublishedRevision]:
    """All revisions of a consultation that are live or were, oldest first: those to which there may be answers."""
    were_live = select(stages.c.revision_id).where(stages.c.stage == "live")
    query = _published.where(_revisions.c.consultation_id == consultation_id, _revisions.c.id.in_(were_live))
    return [PublishedRevision._make(row) for row in connection.execute(query.order_by(_revisions.c.number))]


def revision_by_number(connection: Connection, consultation_id: int, number: int) -> PublishedRevision | None:
    """A revision by its number, whether it was ever live or not."""
    query = _published.where(_revisions.c.consultation_id == consultation_id, _revisions.c.number == number)
    return _one(connection, query)


def revision_ids_by_code(connection: Connection, code: str) -> list[int]:
    """The ids of revisions whose hash begins like this, the newest first: the code on their buttons."""
    found = select(_revisions.c.id).where(_revisions.c.content_hash.startswith(code, autoescape=True))
    return list(connection.scalars(found.order_by(_revisions.c.id.desc())))


def is_in_any_revision(connection: Connection, words: str) -> bool:
    """Whether any revision, also an old one, holds these very words (the name of a recording)."""
    found = select(_revisions.c.id).where(_revisions.c.content.contains(words, autoescape=True)).limit(1)
    return connection.execute(found).first() is not None


def set_consultation_state(
    connection: Connection, consultation_id: int, state: ConsultationState, **dates: datetime | None
) -> None:
    """Open, close or archive a consultation. ``dates``: of ``closes_at``, ``closed_at`` and ``archived_at`` those that
    change with it.
    """
    changed = update(_consultations).where(_consultations.c.id == consultation_id)
    connection.execute(changed.values(state=state, **dates))


def replace_triggers(connection: Connection, consultation_id: int, triggers: Iterable[tuple[str, str]]) -> None:
    """Let exactly these (kind, value) pairs start the consultation. Raises Duplicate when one starts another
    consultation.
    """
    connection.execute(delete(_triggers).where(_triggers.c.consultation_id == consultation_id))
    _insert_triggers(connection, [NewTrigger(kind, value, consultation_id) for kind, value in triggers])


def load_triggers(connection: Connection) -> dict[tuple[str, str], int]:
    """Which consultation each (kind, value) starts. Few rows: callers keep them and read anew after a publication."""
    query = select(_triggers.c.kind, _triggers.c.value, _triggers.c.consultation_id)
    return {(kind, value): consultation_id for kind, value, consultation_id in connection.execute(query)}


def _one(connection: Connection, query: Select[Any]) -> PublishedRevision | None:
    row = connection.execute(query).first()
    return None if row is None else PublishedRevision._make(row)
