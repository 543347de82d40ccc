"""Places at which a consultation is made known: a poster, a partner, a tablet. Each has an entry code."""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, ForeignKey, case, func, select, update
from sqlalchemy.orm import Mapped, mapped_column

from storage.core import bulk
from storage.core.base import Base, table_of
from storage.tables.sessions import SessionRow


class EntryPlaceRow(Base):
    """One place. Removed rows stay, so that no other place gets the code of a poster that may still hang."""

    __tablename__ = "entry_places"

    consultation_id: Mapped[int] = mapped_column(
        ForeignKey("consultations.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    code: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    added_at: Mapped[datetime]
    removed_at: Mapped[datetime | None]


class EntryPlace(NamedTuple):
    """A whole row: the input of ``insert_entry_places`` and the result of the queries."""

    consultation_id: int
    code: str
    name: str
    added_at: datetime
    removed_at: datetime | None = None


class EntryCount(NamedTuple):
    """Participations that began with one entry code, in all modes."""

    code: str
    begun: int
    finished: int


_places = table_of(EntryPlaceRow)
_sessions = table_of(SessionRow)
_columns = [_places.c[field] for field in EntryPlace._fields]
_insert = bulk.insert(_places, EntryPlace)


def insert_entry_place(connection: Connection, place: EntryPlace) -> None:
    """Adds a place. Raises Duplicate for a code that the consultation had before."""
    _insert(connection, [place])


def entry_places(connection: Connection, consultation_id: int) -> list[EntryPlace]:
    """Returns the places of a consultation in the order in which they were added, removed ones included."""
    query = select(*_columns).where(_places.c.consultation_id == consultation_id)
    return [EntryPlace._make(row) for row in connection.execute(query.order_by(_places.c.added_at, _places.c.code))]


def set_entry_place_removed(connection: Connection, consultation_id: int, code: str, at: datetime | None) -> bool:
    """Removes a place (None: takes the removal back). Returns False for an unknown one."""
    one = (_places.c.consultation_id == consultation_id) & (_places.c.code == code)
    return connection.execute(update(_places).where(one).values(removed_at=at)).rowcount > 0


def count_entries(connection: Connection, consultation_id: int) -> list[EntryCount]:
    """Returns the participations by entry code, without those that began without one."""
    finished = func.sum(case((_sessions.c.status == "completed", 1), else_=0))
    query = (
        select(_sessions.c.place_code, func.count(), finished)
        .where(_sessions.c.consultation_id == consultation_id, _sessions.c.place_code.is_not(None))
        .group_by(_sessions.c.place_code)
    )
    return [EntryCount(code, int(begun), int(done)) for code, begun, done in connection.execute(query)]
