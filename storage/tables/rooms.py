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
    code: Mapped[str]  # the code to type for joining
    consultation_id: Mapped[int] = mapped_column(ForeignKey("consultations.id"), index=True)
    at: Mapped[str]  # key of the open question, "" before the first
    shows_results: Mapped[bool]  # whether the screen shows its answers
    created_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class RoomResultRow(Base):
    """The last published results of a room for one question. They stay unchanged until more may be published."""

    __tablename__ = "room_results"

    room_id: Mapped[int] = mapped_column(
        ForeignKey("rooms.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    question_key: Mapped[str] = mapped_column(primary_key=True)
    tried: Mapped[int] = mapped_column(Integer)  # participations at the last check
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
    """A change by the moderator."""

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
    """The number of participations with this answer (JSON text), or without one for this reason."""

    value: str | None
    missing: str | None
    number: int


_rooms = table_of(RoomRow)
_sessions = table_of(SessionRow)
_answers = table_of(AnswerRow)
_results = table_of(RoomResultRow)
_columns = [_rooms.c[field] for field in StoredRoom._fields]

insert_rooms = bulk.insert(_rooms, StoredRoom)
"""Adds rooms. Raises Duplicate for a code that exists."""

update_rooms = bulk.update(_rooms, RoomStep, key=("id",))
"""Stores changes by moderators: next question, results shown, end."""

upsert_room_results = bulk.upsert(_results, StoredRoomResult, key=("room_id", "question_key"))
"""Stores the published results."""


def room_by_code(connection: Connection, code: str) -> StoredRoom | None:
    """Returns the room with this code, ended or not."""
    row = connection.execute(select(*_columns).where(_rooms.c.code == code)).first()
    return None if row is None else StoredRoom._make(row)


def running_rooms(connection: Connection, consultation_ids: Sequence[int]) -> list[StoredRoom]:
    """Returns the rooms of these consultations that have not ended, newest first."""
    query = select(*_columns).where(_rooms.c.ended_at.is_(None), _rooms.c.consultation_id.in_(consultation_ids))
    return [StoredRoom._make(row) for row in connection.execute(query.order_by(_rooms.c.id.desc()))]


def count_people_in_room(connection: Connection, consultation_id: int, place_code: str) -> int:
    """Counts the sessions that began in this room."""
    query = select(func.count()).where(
        _sessions.c.consultation_id == consultation_id, _sessions.c.place_code == place_code
    )
    return int(connection.execute(query).scalar_one())


def room_results(connection: Connection, consultation_id: int) -> list[StoredRoomResult]:
    """Returns the last published results of all rooms of a consultation."""
    of_this = _rooms.c.consultation_id == consultation_id
    query = (
        select(*(_results.c[field] for field in StoredRoomResult._fields)).join_from(_results, _rooms).where(of_this)
    )
    return [StoredRoomResult._make(row) for row in connection.execute(query)]


def erase_room_results(connection: Connection, consultation_id: int) -> None:
    """Deletes the published results of the rooms of a consultation."""
    own = select(_rooms.c.id).where(_rooms.c.consultation_id == consultation_id)
    connection.execute(delete(_results).where(_results.c.room_id.in_(own)))


def lock_rooms(connection: Connection, consultation_id: int) -> None:
    """Locks the published results of the rooms of a consultation until the commit."""
    query = select(_rooms.c.id).where(_rooms.c.consultation_id == consultation_id).order_by(_rooms.c.id)
    connection.execute(query.with_for_update()).all()


def count_room_answers(
    connection: Connection, consultation_id: int, place_code: str | None, key: str, revision_ids: Iterable[int]
) -> list[AnswerCount]:
    """Returns the answers in a room, or with None in all, to one question under these revisions."""
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
