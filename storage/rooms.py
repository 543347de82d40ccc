"""Rooms: a live meeting that walks through a consultation together. Nothing here names anybody.

Who takes part in a room is an ordinary session whose ``place_code`` is the room's.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, ForeignKey, UniqueConstraint, func, select
from sqlalchemy.orm import Mapped, mapped_column

from storage import bulk
from storage.answers import Answer
from storage.base import Base, table_of
from storage.sessions import Session


class Room(Base):
    """One meeting."""

    __tablename__ = "rooms"
    __table_args__ = (UniqueConstraint("code"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    code: Mapped[str]  # what people type to join
    consultation_id: Mapped[int] = mapped_column(ForeignKey("consultations.id"), index=True)
    at: Mapped[str]  # key of the question that is open, "" before the first
    shows_results: Mapped[bool]  # whether the screen shows what was answered to it
    created_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class StoredRoom(NamedTuple):
    id: int
    code: str
    consultation_id: int
    at: str
    shows_results: bool
    created_at: datetime
    ended_at: datetime | None = None


class RoomStep(NamedTuple):
    """What the moderator changed."""

    id: int
    at: str
    shows_results: bool
    ended_at: datetime | None


class AnswerCount(NamedTuple):
    """How many gave this answer (JSON text), or none for this reason."""

    value: str | None
    missing: str | None
    number: int


_rooms = table_of(Room)
_sessions = table_of(Session)
_answers = table_of(Answer)
_columns = [_rooms.c[field] for field in StoredRoom._fields]

insert = bulk.insert(_rooms, StoredRoom)
"""Open rooms. Raises Duplicate for a code that exists."""

step = bulk.change(_rooms, RoomStep, key=("id",))
"""Go on, show results, end."""


def by_code(connection: Connection, code: str) -> StoredRoom | None:
    """The room with this code, ended or not."""
    row = connection.execute(select(*_columns).where(_rooms.c.code == code)).first()
    return None if row is None else StoredRoom._make(row)


def running(connection: Connection, consultation_ids: Sequence[int]) -> list[StoredRoom]:
    """The rooms of these consultations that have not ended, newest first."""
    query = select(*_columns).where(_rooms.c.ended_at.is_(None), _rooms.c.consultation_id.in_(consultation_ids))
    return [StoredRoom._make(row) for row in connection.execute(query.order_by(_rooms.c.id.desc()))]


def people_in(connection: Connection, consultation_id: int, place_code: str) -> int:
    """How many sessions began in this room."""
    query = select(func.count()).where(
        _sessions.c.consultation_id == consultation_id, _sessions.c.place_code == place_code
    )
    return int(connection.execute(query).scalar_one())


def count_answers(connection: Connection, consultation_id: int, place_code: str, key: str) -> list[AnswerCount]:
    """What the people of a room answered to one question."""
    query = (
        select(_answers.c.value, _answers.c.missing, func.count())
        .join_from(_answers, _sessions)
        .where(
            _sessions.c.consultation_id == consultation_id,
            _sessions.c.place_code == place_code,
            _answers.c.question_key == key,
        )
        .group_by(_answers.c.value, _answers.c.missing)
    )
    return [AnswerCount._make(row) for row in connection.execute(query)]
