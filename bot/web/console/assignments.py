"""Where a member acts: in all consultations, or only in assigned ones, each until a day."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any, Final, NamedTuple

from aiohttp import web
from sqlalchemy import Connection

from bot.staff.assignments import AssignmentPlan, apply_plan, plan_of
from bot.web.console.consultation_titles import ConsultationTitle, consultation_titles
from bot.web.console.registry import console_page
from bot.web.console.visit import Visit, id_in
from storage.tables.staff import StaffMember, staff_by_id
from storage.tables.staff_credentials import StaffCredential

MOST_UNDONE: Final = 40
"""Assignments that an address can hold; the form of a member with more offers no undo."""


class AssignmentRow(NamedTuple):
    """One consultation of the form."""

    about: ConsultationTitle
    is_assigned: bool
    until: str
    """The last day as ISO date; "" without an end."""
    is_over: bool


class _Seen(NamedTuple):
    member: StaffMember
    plan: AssignmentPlan
    titles: list[ConsultationTitle]
    identities: Sequence[StaffCredential]
    """The linked accounts at the identity provider."""


@console_page("GET", "/team/{member}", "accounts.manage")
async def show_assignments(visit: Visit) -> web.StreamResponse:
    """Shows where a member acts."""
    return _page(visit, await _seen(visit))


@console_page("POST", "/team/{member}", "accounts.manage")
async def change_assignments(visit: Visit) -> web.StreamResponse:
    """Stores where a member acts, if no other member changed it meanwhile; the page then offers to take it back."""
    seen = await _seen(visit)
    try:
        plan = _plan_of_form(visit, seen)
    except ValueError:
        return _page(visit, seen, "date")
    if seen.member.role == "admin" and plan.assigned_only:
        return _page(visit, seen, "owner_everywhere")

    def work(connection: Connection) -> AssignmentPlan | None:
        before = plan_of(connection, seen.member.id)
        if before.version != visit.field("version"):
            return None
        changed = apply_plan(connection, seen.member.id, plan)
        if before.assigned_only != plan.assigned_only:
            visit.note(connection, "staff.assign", seen.member.name, "assigned" if plan.assigned_only else "all")
        for number in changed:
            _note(visit, connection, seen, plan, number)
        return before

    before = await visit.write(work)
    if before is None:
        return _page(visit, await _seen(visit), "changed_meanwhile")
    undo = _as_text(visit, before)
    query = {"done": "assigned", **({"undo": undo} if len(before.until) <= MOST_UNDONE else {})}
    return visit.see(f"/team/{seen.member.id}", **query)


def _note(visit: Visit, connection: Connection, seen: _Seen, plan: AssignmentPlan, number: int) -> None:
    """Records one changed assignment under its consultation."""
    slug = next((it.slug for it in seen.titles if it.consultation_id == number), "?")
    purpose = "ended"
    if number in plan.until:
        purpose = f"until {_last_day(visit, plan.until[number])}" if plan.until[number] else "without an end"
    visit.note(connection, "staff.assign", f"{slug}/{seen.member.name}", purpose)


async def _seen(visit: Visit) -> _Seen:
    """Returns the member of the path with the present plan. Raises HTTPNotFound."""
    number = id_in(visit.part("member"))
    member = None if number is None else await visit.read(partial(staff_by_id, staff_id=number))
    if member is None or member.revoked_at is not None:
        raise web.HTTPNotFound

    def load(connection: Connection) -> tuple[AssignmentPlan, list[ConsultationTitle], Sequence[StaffCredential]]:
        titles = consultation_titles(connection, visit.locale.tag, visit.now)
        return plan_of(connection, member.id), titles, visit.accounts(connection).methods_of(member.id).identities

    return _Seen(member, *await visit.read(load))


def _plan_of_form(visit: Visit, seen: _Seen) -> AssignmentPlan:
    """Returns the plan of the form; unknown consultations are left out. Raises ValueError for a wrong day."""
    ticked = {found for text in visit.form.get("consultation", []) if (found := id_in(text)) is not None}
    known = [it.consultation_id for it in seen.titles if it.consultation_id in ticked]
    until = {number: _end_of(visit, visit.field(f"until-{number}")) for number in known}
    return AssignmentPlan(visit.field("where") == "assigned", until)


def _end_of(visit: Visit, text: str) -> datetime | None:
    """Returns the end of a day in the city's time zone; None for "". Raises ValueError."""
    if not text:
        return None
    day = date.fromisoformat(text)
    if not 2000 <= day.year <= 2999:
        raise ValueError(text)
    after = day + timedelta(days=1)
    zone = visit.site.services.settings.zone()
    return datetime(after.year, after.month, after.day, tzinfo=zone).astimezone(UTC)


def _last_day(visit: Visit, until: datetime | None) -> str:
    """Returns the last day of an assignment as ISO date, "" without an end."""
    zone = visit.site.services.settings.zone()
    return (until.astimezone(zone) - timedelta(microseconds=1)).date().isoformat() if until else ""


def _as_text(visit: Visit, plan: AssignmentPlan) -> str:
    """Returns a plan for an address: `1,4711:2026-12-31,4712:`."""
    parts = [f"{number}:{_last_day(visit, until)}" for number, until in plan.until.items()]
    return ",".join(["1" if plan.assigned_only else "0", *parts])


def _earlier(visit: Visit, titles: Sequence[ConsultationTitle]) -> dict[str, Any]:
    """Returns the fields of the form that takes a change back, from the address; {} if it has none."""
    first, *parts = visit.request.query.get("undo", "")[:4_000].split(",")
    if first not in ("0", "1"):
        return {}
    known = {str(it.consultation_id) for it in titles}
    pairs = [(number, day) for number, _, day in (part.partition(":") for part in parts) if number in known]
    return {"where": "assigned" if first == "1" else "all", "until": pairs}


def _rows(visit: Visit, seen: _Seen, until: Mapping[int, datetime | None], *, typed: bool) -> list[AssignmentRow]:
    """Returns the consultations of the form, archived ones only if assigned; with `typed` as the form was sent."""
    ticked = {id_in(text) for text in visit.form.get("consultation", [])} if typed else until.keys()
    found: list[AssignmentRow] = []
    for it in seen.titles:
        number = it.consultation_id
        end = until.get(number)
        if it.state == "archived" and number not in ticked and number not in until:
            continue
        day = visit.field(f"until-{number}")[:20] if typed else _last_day(visit, end)
        found.append(AssignmentRow(it, number in ticked, day, bool(end and end <= visit.now)))
    return found


def _page(visit: Visit, seen: _Seen, problem: str = "") -> web.Response:
    typed = problem in ("date", "owner_everywhere")
    return visit.page(
        "assignments.html",
        status=409 if problem == "changed_meanwhile" else 422 if problem else 200,
        member=seen.member,
        identities=seen.identities,
        rows=_rows(visit, seen, seen.plan.until, typed=typed),
        assigned_only=visit.field("where") == "assigned" if typed else seen.plan.assigned_only,
        version=seen.plan.version,
        problem=problem,
        done=visit.done(),
        earlier={} if problem else _earlier(visit, seen.titles),
    )
