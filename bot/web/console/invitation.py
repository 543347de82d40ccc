"""The page behind a link: the owner of a new installation, or an invited member, sets up the account."""

from __future__ import annotations

from functools import partial
from typing import Final

from aiohttp import web
from sqlalchemy import Connection

from adapters.web.errors import RequestError
from bot.common.audit import Actor, record_entry
from bot.staff import console_sessions
from bot.staff.accounts import Accounts, NewCredentials
from bot.staff.invitations import valid_invitation
from bot.staff.sign_in import LONGEST_NAME
from bot.web.console.credentials import new_credentials, setup_page
from bot.web.console.gate import set_session
from bot.web.console.rendering import console_response
from bot.web.console.sign_in import ATTEMPTS
from bot.web.console.visit import visit_time
from bot.web.context import form_of, site_of
from storage.core.errors import Duplicate
from storage.tables.invitations import Invitation
from storage.tables.staff import StaffMember, record_staff_sign_in, staff_by_id

KINDS: Final = ("first", "invite")
"""Parts of the paths of links: the owner link, and all others."""


async def show_invitation(request: web.Request) -> web.Response:
    """Shows the setup form, or that the link is not valid."""
    found = await invitation_of(request, request.match_info["kind"])
    return _gone(request) if found is None else _form_page(request, *found)


async def accept_invitation(request: web.Request) -> web.Response:
    """Sets the account up, signs its owner in, and shows the recovery codes once."""
    data = await form_of(request)
    if not site_of(request).routes.is_ours(request, has_token=False):
        raise RequestError("origin")
    found = await invitation_of(request, request.match_info["kind"])
    if found is None:
        return _gone(request)
    invitation, member = found
    form = {key: str(value) for key, value in data.items()}
    name = member.name if member else " ".join(form.get("name", "").split())
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        return _form_page(request, invitation, member, "name_missing", name)
    new = await new_credentials(request, form, name, visit_time())
    if not isinstance(new, NewCredentials):
        return _form_page(request, invitation, member, new, name)
    try:
        entered = await _accept(request, invitation, name, new)
    except Duplicate:
        return _form_page(request, invitation, member, "name_taken", name)
    if entered is None:
        return _gone(request)
    codes, token = entered
    response = console_response(request, "recovery_codes.html", codes=codes, onward="/console/")
    set_session(request, response, token)
    return response


async def _accept(
    request: web.Request, invitation: Invitation, name: str, new: NewCredentials
) -> tuple[list[str], str] | None:
    """Returns the recovery codes and the token of the new session; None if the link was used meanwhile."""
    services, now = site_of(request).services, visit_time()
    browser = console_sessions.browser_name(request.headers.get("User-Agent", "")[:500])

    def work(connection: Connection) -> tuple[list[str], str] | None:
        accounts = Accounts(connection, services.keys, services.ids, now)
        member = accounts.accept(invitation, name)
        if member is None:
            return None
        accounts.set_up(member, new)
        codes = accounts.renew_recovery_codes(member)
        token = console_sessions.begin_session(connection, services.keys, member.id, browser, now)
        record_staff_sign_in(connection, member.id, now)
        actor = Actor(member.name, member.role, "page")
        if invitation.staff_id is None:
            record_entry(connection, services.keys, actor.did("staff.add", member.name, member.role, at=now))
        record_entry(connection, services.keys, actor.did("credential.add", member.name, at=now))
        return codes, token

    return await services.store.write(work)


async def invitation_of(request: web.Request, kind: str) -> tuple[Invitation, StaffMember | None] | None:
    """Returns the valid invitation of the path with its account. Counts wrong links as failed sign-ins."""
    site, now = site_of(request), visit_time()
    services, attempts = site.services, request.app[ATTEMPTS]
    address = site.routes.clients.address(request)
    if wait := attempts.wait(address, "", ""):
        raise RequestError("too_many", wait)
    found = await services.store.read(
        partial(valid_invitation, keys=services.keys, token=request.match_info["token"], now=now)
    )
    is_owner_link = kind == "first"
    if found is None or (found.staff_id is None) != is_owner_link:
        attempts.count_failure(address, "", "")
        return None
    if found.staff_id is None:
        return found, None
    member = await services.store.read(partial(staff_by_id, staff_id=found.staff_id))
    return (found, member) if member and member.revoked_at is None else None


def _form_page(
    request: web.Request, invitation: Invitation, member: StaffMember | None, problem: str = "", name: str = ""
) -> web.Response:
    name = member.name if member else name
    user, status = invitation.token_hash[:16], 422 if problem else 200
    values = {"member": member, "problem": problem, "name": name}
    return setup_page(request, "invitation.html", user, name or "Mitsprache", status=status, **values)


def _gone(request: web.Request) -> web.Response:
    return console_response(request, "link_gone.html", status=410)
