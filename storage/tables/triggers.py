"""Triggers: the keywords and codes by which a message starts a consultation."""

from collections.abc import Iterable
from typing import NamedTuple

from sqlalchemy import (
    Connection,
    ForeignKey,
    delete,
    select,
)
from sqlalchemy.orm import Mapped, mapped_column

from storage.core import bulk
from storage.core.base import Base, table_of


class TriggerRow(Base):
    """The consultation that a message without session starts. At most one per keyword or code."""

    __tablename__ = "triggers"
    __table_args__ = ({"sqlite_with_rowid": False},)

    kind: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[str] = mapped_column(primary_key=True)
    consultation_id: Mapped[int] = mapped_column(ForeignKey("consultations.id", ondelete="CASCADE"), index=True)


class NewTrigger(NamedTuple):
    kind: str
    value: str
    consultation_id: int


_triggers = table_of(TriggerRow)
_insert_triggers = bulk.insert(_triggers, NewTrigger)


def replace_triggers(connection: Connection, consultation_id: int, triggers: Iterable[tuple[str, str]]) -> None:
    """Sets the (kind, value) pairs that start the consultation. Raises Duplicate if one starts another consultation."""
    connection.execute(delete(_triggers).where(_triggers.c.consultation_id == consultation_id))
    _insert_triggers(connection, [NewTrigger(kind, value, consultation_id) for kind, value in triggers])


def load_triggers(connection: Connection) -> dict[tuple[str, str], int]:
    """Returns which consultation each (kind, value) starts. Few rows: callers cache them until the next publication."""
    query = select(_triggers.c.kind, _triggers.c.value, _triggers.c.consultation_id)
    return {(kind, value): consultation_id for kind, value, consultation_id in connection.execute(query)}
