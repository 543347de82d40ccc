"""The consultations in which a member may act.

A member with `assigned_only` acts only in assigned consultations, each until its end. Console, chat, pages for helpers
and API ask the functions of this module. Permissions for the whole installation (accounts, settings) do not depend on
assignments.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from hashlib import sha256
from typing import NamedTuple, Protocol

from sqlalchemy import Connection

from bot.staff.policy import Action, may
from storage.tables.staff import Role, set_assigned_only, staff_by_id
from storage.tables.staff_assignments import (
    StaffAssignment,
    assignments_of_staff,
    delete_staff_assignments,
    insert_staff_assignments,
)


class AssignedMember(Protocol):
    """A member as the console or the chat knows it."""

    @property
    def id(self) -> int: ...

    @property
    def role(self) -> Role: ...

    @property
    def assigned_only(self) -> bool: ...


def assigned_consultations(connection: Connection, member: AssignedMember, now: datetime) -> frozenset[int] | None:
    """Returns the ids of the consultations assigned to a member; None for members who act in all of them."""
    if not member.assigned_only:
        return None
    found = assignments_of_staff(connection, member.id)
    return frozenset(it.consultation_id for it in found if it.until is None or now < it.until)


def may_in(connection: Connection, member: AssignedMember, action: Action, consultation_id: int, now: datetime) -> bool:
    """Whether a member may do this in this consultation."""
    if not may(member.role, action):
        return False
    assigned = assigned_consultations(connection, member, now)
    return assigned is None or consultation_id in assigned


class AssignmentPlan(NamedTuple):
    """Where a member acts: everywhere, or in these consultations, each until a moment or without an end (None)."""

    assigned_only: bool
    until: Mapping[int, datetime | None]

    @property
    def version(self) -> str:
        """Changes with the content."""
        parts = sorted(f"{number}:{until.timestamp() if until else ''}" for number, until in self.until.items())
        return sha256(f"{self.assigned_only} {parts}".encode()).hexdigest()[:16]


def plan_of(connection: Connection, staff_id: int) -> AssignmentPlan:
    """Returns where a member acts, ended assignments included."""
    member = staff_by_id(connection, staff_id)
    return AssignmentPlan(
        member is not None and member.assigned_only,
        {it.consultation_id: it.until for it in assignments_of_staff(connection, staff_id)},
    )


def apply_plan(connection: Connection, staff_id: int, plan: AssignmentPlan) -> Iterable[int]:
    """Stores where a member acts; returns the ids of the consultations that were added, ended or changed."""
    before = plan_of(connection, staff_id).until
    set_assigned_only(connection, staff_id, plan.assigned_only)
    delete_staff_assignments(connection, staff_id)
    rows = [StaffAssignment(staff_id, number, until) for number, until in sorted(plan.until.items())]
    insert_staff_assignments(connection, rows)
    changed = set(before.items()) ^ set(plan.until.items())
    return sorted({number for number, _ in changed})
