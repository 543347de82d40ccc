"""Recorded runs of consultations, which every version must pass before it goes live."""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, ForeignKey, delete, select
from sqlalchemy.orm import Mapped, mapped_column

from storage.core import bulk
from storage.core.base import Base, table_of


class DialogueTestRow(Base):
    """One run that a member recorded while clicking through. It contains no data of residents."""

    __tablename__ = "dialogue_tests"

    consultation_id: Mapped[int] = mapped_column(
        ForeignKey("consultations.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    name: Mapped[str] = mapped_column(primary_key=True)  # given by the member
    content: Mapped[str]  # JSON: language, channel, and for each message what is open after it
    changed_by: Mapped[str]  # name of the member, as in the audit log
    changed_at: Mapped[datetime]


class StoredDialogue(NamedTuple):
    """A whole row: the input of ``replace_dialogue_test`` and the result of the queries."""

    consultation_id: int
    name: str
    content: str
    changed_by: str
    changed_at: datetime


_dialogues = table_of(DialogueTestRow)
_columns = [_dialogues.c[field] for field in StoredDialogue._fields]
_insert = bulk.insert(_dialogues, StoredDialogue)


def replace_dialogue_test(connection: Connection, dialogue: StoredDialogue) -> None:
    """Stores a run instead of the former one of this name."""
    delete_dialogue_test(connection, dialogue.consultation_id, dialogue.name)
    _insert(connection, [dialogue])


def dialogue_tests_of(connection: Connection, consultation_id: int) -> list[StoredDialogue]:
    """Returns the runs of a consultation, by name."""
    query = select(*_columns).where(_dialogues.c.consultation_id == consultation_id).order_by(_dialogues.c.name)
    return [StoredDialogue._make(row) for row in connection.execute(query)]


def delete_dialogue_test(connection: Connection, consultation_id: int, name: str) -> int:
    """Deletes a run; returns the number deleted (0 or 1)."""
    is_it = (_dialogues.c.consultation_id == consultation_id) & (_dialogues.c.name == name)
    return connection.execute(delete(_dialogues).where(is_it)).rowcount
