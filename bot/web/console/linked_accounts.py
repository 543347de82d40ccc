"""Links accounts of the identity provider to members: by the member, by an invitation, or by an owner."""

from __future__ import annotations

from functools import partial

from aiohttp import web
from sqlalchemy import Connection

from bot.common.audit import Actor, record_entry
from bot.staff.accounts import Accounts
from bot.staff.id_tokens import LONGEST_SUBJECT, Identity
from bot.staff.invitations import valid_invitation
from bot.web.console.account import is_fresh, sign_in_again
from bot.web.console.invitation import invitation_of
from bot.web.console.provider import provider_of
from bot.web.console.provider_sign_in import PROVED, leave_for_provider, problem_page, proved_at_of, proved_identity
from bot.web.console.registry import console_page
from bot.web.console.rendering import BASE, console_response
from bot.web.console.sign_in import begin_for, entered, own_form
from bot.web.console.visit import Visit, id_in, visit_time
from bot.web.context import site_of
from storage.core.errors import Duplicate
from storage.tables.console_sessions import end_console_sessions
from storage.tables.staff import StaffMember, staff_by_id
from storage.tables.staff_credentials import delete_staff_credential


@console_page("GET", "/account/provider", "account.own")
async def start_link(visit: Visit) -> web.StreamResponse:
    """Sends the member to the provider, to link an account there."""
    provider_of(visit.request)
    return await leave_for_provider(visit.request, {"csrf": visit.csrf}) if is_fresh(visit) else sign_in_again(visit)


@console_page("POST", "/account/provider", "account.own")
async def link_account(visit: Visit) -> web.StreamResponse:
    """Links the account with which the member came back. All other sessions end."""
    provider_of(visit.request)
    if not is_fresh(visit):
        return sign_in_again(visit)
    identity = proved_identity(visit.request, csrf=visit.csrf, invitation="")
    if identity is None:
        return problem_page(visit.request, "expired")

    def work(connection: Connection) -> None:
        _link(visit.accounts(connection), visit.member, identity)
        end_console_sessions(connection, visit.member.id, visit.signed_in.session.token_hash)
        visit.note(connection, "credential.add", visit.member.name)

    try:
        await visit.write(work)
    except Duplicate:
        return problem_page(visit.request, "taken")
    return visit.see("/account", done="linked")


@console_page("POST", "/team/{member}/provider", "accounts.manage")
async def link_member(visit: Visit) -> web.StreamResponse:
    """Links an account to another member by its identifier at the provider (`sub`)."""
    provider, number = provider_of(visit.request), id_in(visit.part("member"))
    member = None if number is None else await visit.read(partial(staff_by_id, staff_id=number))
    if member is None or member.revoked_at is not None:
        raise web.HTTPNotFound
    subject = visit.field("subject")
    if not 0 < len(subject) <= LONGEST_SUBJECT or not subject.isprintable():
        return visit.see(f"/team/{member.id}")
    identity = Identity(provider.options.issuer, subject, "", None)

    def work(connection: Connection) -> None:
        _link(visit.accounts(connection), member, identity)
        visit.note(connection, "credential.add", member.name)

    try:
        await visit.write(work)
    except Duplicate:
        return problem_page(visit.request, "taken", 409)
    return visit.see(f"/team/{member.id}", done="linked")


@console_page("POST", "/team/{member}/provider/remove", "accounts.manage")
async def unlink_member(visit: Visit) -> web.StreamResponse:
    """Removes a linked account of another member and ends the sessions of the member. Also possible when the settings
    name no provider any more.
    """
    number, chosen = id_in(visit.part("member")) or 0, id_in(visit.field("credential")) or 0
    member = await visit.read(partial(staff_by_id, staff_id=number))
    if member is None or member.revoked_at is not None or member.id == visit.member.id:
        raise web.HTTPNotFound

    def work(connection: Connection) -> None:
        linked = {it.id for it in visit.accounts(connection).methods_of(member.id).identities}
        if chosen in linked:
            delete_staff_credential(connection, member.id, chosen)
            end_console_sessions(connection, member.id)
            visit.note(connection, "credential.remove", member.name)

    await visit.write(work)
    return visit.see(f"/team/{member.id}", done="unlinked")


async def start_invitation(request: web.Request) -> web.Response:
    """Sends an invited member to the provider."""
    provider_of(request)
    found = await invitation_of(request, "invite")
    if found is None:
        return console_response(request, "link_gone.html", status=410)
    return await leave_for_provider(request, {"invitation": request.match_info["token"]})


async def accept_with_account(request: web.Request) -> web.Response:
    """Sets an invited member up with an account of the provider only, and signs the member in."""
    provider_of(request)
    await own_form(request)
    found = await invitation_of(request, "invite")
    identity = proved_identity(request, invitation=request.match_info["token"], csrf="")
    if found is None or identity is None:
        return problem_page(request, "expired")
    services, now = site_of(request).services, visit_time()

    def work(connection: Connection) -> tuple[StaffMember, str] | None:
        accounts = Accounts(connection, services.keys, services.ids, now)
        invitation = valid_invitation(connection, services.keys, request.match_info["token"], now)
        member = accounts.accept(invitation, "") if invitation and invitation.staff_id is not None else None
        if member is None:
            return None
        _link(accounts, member, identity)
        actor = Actor(member.name, member.role, "page")
        record_entry(connection, services.keys, actor.did("credential.add", member.name, at=now))
        proved_at = proved_at_of(identity.authenticated_at, now)
        return member, begin_for(request, connection, member, now, proved_at=proved_at)

    try:
        made = await services.store.write(work)
    except Duplicate:
        return problem_page(request, "taken", 409)
    if made is None:
        return problem_page(request, "expired")
    response = entered(request, *made, f"{BASE}/")
    response.del_cookie(PROVED, path=BASE)
    return response


def _link(accounts: Accounts, member: StaffMember, identity: Identity) -> None:
    accounts.link_identity(member, identity.issuer, identity.subject, identity.label)
