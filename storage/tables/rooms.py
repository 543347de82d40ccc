"""Rooms: live meetings that go through a consultation together. Nothing here names a person.

A participation from a room is an ordinary session whose ``place_code`` is that of the room.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, ForeignKey, Integer, UniqueConstraint, delete, func, select, true
from sqlalchemy.orm import Mapped, mapped_column

from storage.core import bulk
from storage.core.base import Base, table_of
from storage.tables.answers import AnswerRow
from storage.tables.sessions import SessionRow


class RoomRow(Base):
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


class RoomResultRow(Base):
    """What was shown last of the answers of a room to one question. It stays as it is until more may be shown."""

    __tablename__ = "room_results"

    room_id: Mapped[int] = mapped_column(
        ForeignKey("rooms.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    question_key: Mapped[str] = mapped_column(primary_key=True)
    tried: Mapped[int] = mapped_column(Integer)  # how many had come to it when it was last looked at
    number: Mapped[int] = mapped_column(Integer)  # 1, 2, … : rises when what is shown changes; 0: nothing yet
    shown: Mapped[str]  # JSON: [how many answered, {answer: how many gave it}]; "" for nothing yet


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


class StoredRoomResult(NamedTuple):
    room_id: int
    question_key: str
    tried: int
    number: int
    shown: str


class AnswerCount(NamedTuple):
    """How many gave this answer (JSON text), or none for this reason."""

    value: str | None
    missing: str | None
    number: int


_rooms = table_of(RoomRow)
_sessions = table_of(SessionRow)
_answers = table_of(AnswerRow)
_results = table_of(RoomResultRow)
_columns = [_rooms.c[field] for field in StoredRoom._fields]

insert_rooms = bulk.insert(_rooms, StoredRoom)
"""Open rooms. Raises Duplicate for a code that exists."""

update_rooms = bulk.update(_rooms, RoomStep, key=("id",))
"""Go on, show results, end."""

upsert_room_results = bulk.upsert(_results, StoredRoomResult, key=("room_id", "question_key"))
"""Note what is shown from now on."""


def room_by_code(connection: Connection, code: str) -> StoredRoom | None:
    """The room with this code, ended or not."""
    row = connection.execute(select(*_columns).where(_rooms.c.code == code)).first()
    return None if row is None else StoredRoom._make(row)


def running_rooms(connection: Connection, consultation_ids: Sequence[int]) -> list[StoredRoom]:
    """The rooms of these consultations that have not ended, newest first."""
    query = select(*_columns).where(_rooms.c.ended_at.is_(None), _rooms.c.consultation_id.in_(consultation_ids))
    return [StoredRoom._make(row) for row in connection.execute(query.order_by(_rooms.c.id.desc()))]


def count_people_in_room(connection: Connection, consultation_id: int, place_code: str) -> int:
    """How many sessions began in this room."""
    query = select(func.count()).where(
        _sessions.c.consultation_id == consultation_id, _sessions.c.place_code == place_code
    )
    return int(connection.execute(query).scalar_one())


def room_results(connection: Connection, consultation_id: int) -> list[StoredRoomResult]:
    """What all rooms of a consultation have shown last."""
    of_this = _rooms.c.consultation_id == consultation_id
    query = (
        select(*(_results.c[field] for field in StoredRoomResult._fields)).join_from(_results, _rooms).where(of_this)
    )
    return [StoredRoomResult._make(row) for row in connection.execute(query)]


def erase_room_results(connection: Connection, consultation_id: int) -> None:
    """Delete what the rooms of a consultation have shown."""
    own = select(_rooms.c.id).where(_rooms.c.consultation_id == consultation_id)
    connection.execute(delete(_results).where(_results.c.room_id.in_(own)))


def lock_rooms(connection: Connection, consultation_id: int) -> None:
    """Keep others from changing what the rooms of a consultation show, until the commit."""
    query = select(_rooms.c.id).where(_rooms.c.consultation_id == consultation_id).order_by(_rooms.c.id)
    connection.execute(query.with_for_update()).all()


def count_room_answers(
    connection: Connection, consultation_id: int, place_code: str | None, key: str, revision_ids: Iterable[int]
) -> list[AnswerCount]:
    """What the people of a room, or with None all people, answered to one question as these revisions ask it."""
    query = (
        select(_answers.c.value, _answers.c.missing, func.count())
        .join_from(_answers, _sessions)
        .where(
            _sessions.c.consultation_id == consultation_id,
            true() if place_code is None else _sessions.c.place_code == place_code,
            _answers.c.question_key == key,
            _answers.c.revision_id.in_(list(revision_ids)),
        )
        .group_by(_answers.c.value, _answers.c.missing)
    )
    return [AnswerCount._make(row) for row in connection.execute(query)]
