"""Consultations: slug, dates and state. Their wording is stored in ``storage.tables.revisions``."""

from datetime import datetime
from typing import Literal, NamedTuple, get_args

from sqlalchemy import (
    Connection,
    UniqueConstraint,
    select,
    update,
)
from sqlalchemy.orm import Mapped, mapped_column

from storage.core.base import Base, one_of, table_of
from storage.tables.stages import trials

ConsultationState = Literal["open", "closed", "archived"]
"""The states of a consultation with a live revision."""
ConsultationStateNow = Literal["not_yet", "open", "closed", "archived", "draft", "test"]


class ConsultationRow(Base):
    """A consultation of a city."""

    __tablename__ = "consultations"
    __table_args__ = (one_of("state", get_args(ConsultationState)), UniqueConstraint("slug"))

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    slug: Mapped[str]
    sample: Mapped[bool]  # invented, for trying out the bot; never part of a report
    state: Mapped[str]
    opens_at: Mapped[datetime | None]
    closes_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]  # when staff closed it; NULL: its end is that of the file
    archived_at: Mapped[datetime | None]


class StoredConsultation(NamedTuple):
    """A consultation without its wording."""

    id: int
    slug: str
    state: ConsultationState
    opens_at: datetime | None
    closes_at: datetime | None
    """The planned end, also if staff closed it earlier."""
    closed_at: datetime | None
    archived_at: datetime | None
    is_trial: bool


_consultations = table_of(ConsultationRow)


IS_TRIAL = _consultations.c.id.in_(select(trials.c.consultation_id)).label("is_trial")
_stored = select(
    _consultations.c.id,
    _consultations.c.slug,
    _consultations.c.state,
    _consultations.c.opens_at,
    _consultations.c.closes_at,
    _consultations.c.closed_at,
    _consultations.c.archived_at,
    IS_TRIAL,
)


def find_consultation(connection: Connection, slug: str, *, lock: bool = False) -> StoredConsultation | None:
    """Returns a consultation by its slug, in any state. With ``lock`` other transactions that change it wait."""
    query = _stored.where(_consultations.c.slug == slug)
    row = connection.execute(query.with_for_update(of=_consultations) if lock else query).first()
    return None if row is None else StoredConsultation._make(row)


def consultation_slug(connection: Connection, consultation_id: int) -> str:
    """Returns the slug of a consultation."""
    return str(connection.scalar(select(_consultations.c.slug).where(_consultations.c.id == consultation_id)))


def all_consultation_ids(connection: Connection) -> list[int]:
    """Returns the ids of all consultations, in order of slugs."""
    return list(connection.scalars(select(_consultations.c.id).order_by(_consultations.c.slug)))


def set_consultation_state(
    connection: Connection, consultation_id: int, state: ConsultationState, **dates: datetime | None
) -> None:
    """Opens, closes or archives a consultation. ``dates``: those of ``closes_at``, ``closed_at`` and ``archived_at``
    that change with it.
    """
    changed = update(_consultations).where(_consultations.c.id == consultation_id)
    connection.execute(changed.values(state=state, **dates))
