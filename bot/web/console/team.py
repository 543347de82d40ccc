"""The team: members with their roles, invitations by link, revocation."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from functools import partial
from typing import Any, Final, NamedTuple, get_args

from aiohttp import web
from sqlalchemy import Connection

from bot.staff.sign_in import LONGEST_NAME
from bot.web.console.registry import console_page
from bot.web.console.rendering import BASE
from bot.web.console.visit import Visit, id_in
from storage.core.errors import Duplicate
from storage.tables.console_sessions import end_console_sessions
from storage.tables.staff import (
    Role,
    StaffMember,
    all_staff,
    lock_owners,
    reinstate_staff_member,
    revoke_staff_member,
    set_assigned_only,
    set_staff_role,
    staff_by_id,
)
from storage.tables.staff_assignments import StaffAssignment, assignments_by_staff

ROLE_ORDER: Final[tuple[Role, ...]] = (
    "facilitator",
    "kernteam",
    "helper",
    "project",
    "relay",
    "observer",
    "auditor",
    "admin",
)
"""The roles in the order of the form: the most frequent first, the owner last."""


class AssignedPlace(NamedTuple):
    """A consultation in which a member acts; `title` is "" for one without a live revision."""

    title: str
    last_day: date | None


@console_page("GET", "/team", "accounts.manage")
async def show_team(visit: Visit) -> web.StreamResponse:
    """Shows the members and the form for an invitation."""
    return await _page(visit)


@console_page("POST", "/team/invite", "accounts.manage")
async def invite_member(visit: Visit) -> web.StreamResponse:
    """Creates an account and shows its link once."""
    name, role = " ".join(visit.field("name").split()), _role(visit.field("role"))
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        return await _page(visit, "name_missing", name=name)
    if role is None:
        return await _page(visit, "role_missing", name=name)

    def work(connection: Connection) -> str:
        accounts = visit.accounts(connection)
        member = accounts.create(name, role)
        visit.note(connection, "staff.add", name, role)
        return accounts.invite(member)

    try:
        token = await visit.write(work)
    except Duplicate:
        return await _page(visit, "name_taken", name=name)
    return await _page(visit, link=_link(visit, token), link_name=name)


@console_page("POST", "/team/link", "accounts.manage")
async def renew_link(visit: Visit) -> web.StreamResponse:
    """Resets an account after a loss: ends its sessions, deletes its credentials, and shows a new link once."""
    member = await _chosen(visit)
    if member is None or member.revoked_at is not None or member.id == visit.member.id:
        return await _page(visit, "unknown_member")

    def work(connection: Connection) -> str:
        visit.note(connection, "staff.reset", member.name)
        return visit.accounts(connection).reset(member)

    return await _page(visit, link=_link(visit, await visit.write(work)), link_name=member.name)


@console_page("POST", "/team/role", "accounts.manage")
async def change_role(visit: Visit) -> web.StreamResponse:
    """Changes the role of another member from the next request on."""
    member, role = await _chosen(visit), _role(visit.field("role"))
    if member is None or role is None or member.id == visit.member.id:
        return await _page(visit, "unknown_member")

    def work(connection: Connection) -> bool:
        if not _is_owner(visit, connection):
            return False
        set_staff_role(connection, member.id, role)
        if role == "admin":
            set_assigned_only(connection, member.id, assigned_only=False)
        visit.note(connection, "staff.role", member.name, role)
        return True

    if not await visit.write(work):
        return await _page(visit, "changed_meanwhile")
    return visit.see("/team", done="role", name=member.name)


@console_page("POST", "/team/revoke", "accounts.manage")
async def revoke_member(visit: Visit) -> web.StreamResponse:
    """Revokes an account: sessions end at once, and no code, key or chat of it is valid any more."""
    member = await _chosen(visit)
    if member is None or member.id == visit.member.id:
        return await _page(visit, "unknown_member")

    def work(connection: Connection) -> bool:
        if not _is_owner(visit, connection):
            return False
        revoke_staff_member(connection, member.name, visit.now)
        end_console_sessions(connection, member.id)
        visit.note(connection, "staff.revoke", member.name)
        return True

    if not await visit.write(work):
        return await _page(visit, "changed_meanwhile")
    return visit.see("/team", done="revoked", name=member.name)


@console_page("POST", "/team/reinstate", "accounts.manage")
async def reinstate_member(visit: Visit) -> web.StreamResponse:
    """Takes a revocation back; the credentials of the account are valid again."""
    member = await _chosen(visit)
    if member is None or member.revoked_at is None:
        return await _page(visit, "unknown_member")

    def work(connection: Connection) -> None:
        reinstate_staff_member(connection, member.id)
        visit.note(connection, "staff.add", member.name, member.role)

    try:
        await visit.write(work)
    except Duplicate:
        return await _page(visit, "name_taken", name=member.name)
    return visit.see("/team", done="reinstated", name=member.name)


def _is_owner(visit: Visit, connection: Connection) -> bool:
    """Whether the member still is an owner: of two owners who revoke each other at once, one stays."""
    return visit.member.id in lock_owners(connection)


async def _page(visit: Visit, problem: str = "", **values: Any) -> web.Response:
    def load(connection: Connection) -> tuple[list[StaffMember], dict[int, list[StaffAssignment]]]:
        return all_staff(connection), assignments_by_staff(connection)

    members, assignments = await visit.read(load)
    await visit.site.consultations.refresh()
    query = visit.request.query
    shown = {
        "name": "",
        "link": "",
        "link_name": "",
        "done": visit.done(),
        "done_name": query.get("name", "")[:LONGEST_NAME],
        **values,
    }
    active = [it for it in members if it.revoked_at is None]
    revoked = [it for it in members if it.revoked_at is not None]
    return visit.page(
        "team.html",
        status=422 if problem else 200,
        active=active,
        revoked=revoked,
        roles=ROLE_ORDER,
        places={it.id: _places(visit, assignments.get(it.id, [])) for it in active if it.assigned_only},
        problem=problem,
        **shown,
    )


def _places(visit: Visit, assignments: Sequence[StaffAssignment]) -> list[AssignedPlace]:
    """Returns the titles of the consultations in which a member acts now, with the last day of each."""
    zone, found = visit.site.services.settings.zone(), list[AssignedPlace]()
    for it in assignments:
        if it.until is not None and it.until <= visit.now:
            continue
        published = visit.site.consultations.by_id(it.consultation_id)
        title = published.text(published.listing.title, visit.locale.tag) if published else ""
        last = (it.until.astimezone(zone) - timedelta(microseconds=1)).date() if it.until else None
        found.append(AssignedPlace(title, last))
    return found


async def _chosen(visit: Visit) -> StaffMember | None:
    chosen = id_in(visit.field("member"))
    return None if chosen is None else await visit.read(partial(staff_by_id, staff_id=chosen))


def _role(text: str) -> Role | None:
    known: tuple[Role, ...] = get_args(Role)
    return next((role for role in known if role == text), None)


def _link(visit: Visit, token: str) -> str:
    return f"{visit.site.origin(visit.request)}{BASE}/invite/{token}"
