"""Consultations: what a city asks, with dates and state. Their wording stands in ``storage.tables.revisions``."""

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
"""How far a consultation is that has a live revision."""
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
    """A consultation by its name, whatever there is of it. With ``lock`` others who want to change it wait."""
    query = _stored.where(_consultations.c.slug == slug)
    row = connection.execute(query.with_for_update(of=_consultations) if lock else query).first()
    return None if row is None else StoredConsultation._make(row)


def consultation_slug(connection: Connection, consultation_id: int) -> str:
    """The name of a consultation."""
    return str(connection.scalar(select(_consultations.c.slug).where(_consultations.c.id == consultation_id)))


def all_consultation_ids(connection: Connection) -> list[int]:
    """Every consultation there ever was, by slug."""
    return list(connection.scalars(select(_consultations.c.id).order_by(_consultations.c.slug)))


def set_consultation_state(
    connection: Connection, consultation_id: int, state: ConsultationState, **dates: datetime | None
) -> None:
    """Open, close or archive a consultation. ``dates``: of ``closes_at``, ``closed_at`` and ``archived_at`` those that
    change with it.
    """
    changed = update(_consultations).where(_consultations.c.id == consultation_id)
    connection.execute(changed.values(state=state, **dates))
