"""Assignments: the consultations of members who do not act in all of them."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, ForeignKey, delete, select
from sqlalchemy.orm import Mapped, mapped_column

from storage.core import bulk
from storage.core.base import Base, table_of


class StaffAssignmentRow(Base):
    """One member in one consultation."""

    __tablename__ = "staff_assignments"

    staff_id: Mapped[int] = mapped_column(
        ForeignKey("staff.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    consultation_id: Mapped[int] = mapped_column(
        ForeignKey("consultations.id", ondelete="CASCADE"), primary_key=True, autoincrement=False, index=True
    )
    until: Mapped[datetime | None]  # NULL: without an end


class StaffAssignment(NamedTuple):
    """A whole row: the input of ``insert_staff_assignments`` and the result of the queries."""

    staff_id: int
    consultation_id: int
    until: datetime | None = None


_assignments = table_of(StaffAssignmentRow)
_columns = [_assignments.c[field] for field in StaffAssignment._fields]
_insert = bulk.insert(_assignments, StaffAssignment)


def insert_staff_assignments(connection: Connection, assignments: Sequence[StaffAssignment]) -> int:
    """Adds assignments. Raises Duplicate for a member who has this consultation."""
    return _insert(connection, assignments)


def assignments_of_staff(connection: Connection, staff_id: int) -> list[StaffAssignment]:
    """Returns the assignments of a member, ended ones included."""
    query = select(*_columns).where(_assignments.c.staff_id == staff_id).order_by(_assignments.c.consultation_id)
    return [StaffAssignment._make(row) for row in connection.execute(query)]


def assignments_by_staff(connection: Connection) -> dict[int, list[StaffAssignment]]:
    """Returns the assignments of all members, ended ones included."""
    found: dict[int, list[StaffAssignment]] = {}
    for row in connection.execute(select(*_columns).order_by(_assignments.c.consultation_id)):
        found.setdefault(row.staff_id, []).append(StaffAssignment._make(row))
    return found


def delete_staff_assignments(connection: Connection, staff_id: int) -> int:
    """Deletes all assignments of a member; returns their number."""
    return connection.execute(delete(_assignments).where(_assignments.c.staff_id == staff_id)).rowcount
