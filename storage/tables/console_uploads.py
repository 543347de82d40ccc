"""Uploaded consultation files between the upload and the decision to publish: one per member and consultation."""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, ForeignKey, delete, select, update
from sqlalchemy.orm import Mapped, mapped_column

from storage.core import bulk
from storage.core.base import Base, table_of


class ConsoleUploadRow(Base):
    """One upload with the result of its check. It contains texts of the city only."""

    __tablename__ = "console_uploads"

    staff_id: Mapped[int] = mapped_column(
        ForeignKey("staff.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    consultation_id: Mapped[int] = mapped_column(
        ForeignKey("consultations.id", ondelete="CASCADE"), primary_key=True, autoincrement=False, index=True
    )
    name: Mapped[str]  # of the file
    checked: Mapped[str]  # JSON: definition, issues, lines
    decisions: Mapped[str]  # JSON: the confirmed questions, and the revision that may be replaced
    created_at: Mapped[datetime]


class ConsoleUpload(NamedTuple):
    """A whole row: the input of ``replace_console_upload`` and the result of the queries."""

    staff_id: int
    consultation_id: int
    name: str
    checked: str
    decisions: str
    created_at: datetime


_uploads = table_of(ConsoleUploadRow)
_columns = [_uploads.c[field] for field in ConsoleUpload._fields]
_insert = bulk.insert(_uploads, ConsoleUpload)


def replace_console_upload(connection: Connection, upload: ConsoleUpload) -> None:
    """Stores an upload instead of the former one of this member for this consultation."""
    delete_console_upload(connection, upload.staff_id, upload.consultation_id)
    _insert(connection, [upload])


def console_upload_of(connection: Connection, staff_id: int, consultation_id: int) -> ConsoleUpload | None:
    """Returns the upload of a member for a consultation."""
    row = connection.execute(select(*_columns).where(_mine(staff_id, consultation_id))).first()
    return None if row is None else ConsoleUpload._make(row)


def decide_console_upload(connection: Connection, staff_id: int, consultation_id: int, decisions: str) -> bool:
    """Stores the decisions. Returns False without an upload."""
    changed = update(_uploads).where(_mine(staff_id, consultation_id)).values(decisions=decisions)
    return connection.execute(changed).rowcount > 0


def delete_console_upload(connection: Connection, staff_id: int, consultation_id: int) -> int:
    """Deletes the upload of a member for a consultation; returns the number deleted (0 or 1)."""
    return connection.execute(delete(_uploads).where(_mine(staff_id, consultation_id))).rowcount


def delete_console_uploads_before(connection: Connection, moment: datetime) -> int:
    """Deletes the uploads that were created before a moment; returns their number."""
    return connection.execute(delete(_uploads).where(_uploads.c.created_at < moment)).rowcount


def _mine(staff_id: int, consultation_id: int) -> ColumnElement[bool]:
    return (_uploads.c.staff_id == staff_id) & (_uploads.c.consultation_id == consultation_id)
