"""Signing in to the console: by passkey, or by name, password and one-time password.

Between the two steps of the second way the browser keeps a signed ticket that names the account; no session exists.
"""

from __future__ import annotations

import base64
import secrets
from datetime import datetime
from functools import partial
from typing import Any, Final

import structlog
from aiohttp import web
from sqlalchemy import Connection

from adapters.web.errors import RequestError
from bot.common.audit import Act, Actor, record_entry
from bot.staff import console_sessions, passkeys
from bot.staff.accounts import Accounts
from bot.staff.passkeys import PasskeyRefused, RelyingParty, relying_party
from bot.staff.passwords import verify_password
from bot.web.console.attempts import Attempts
from bot.web.console.gate import COOKIE, set_session, visit_of
from bot.web.console.rendering import BASE, console_response, safe_path, see_other, set_console_cookie
from bot.web.console.tickets import Tickets
from bot.web.console.visit import visit_time
from bot.web.context import Form, form_of, site_of
from storage.tables.console_sessions import end_console_session
from storage.tables.staff import StaffMember, record_staff_sign_in, staff_by_id
from storage.tables.staff_credentials import credential_by_handle

log = structlog.get_logger()

PENDING: Final = "console-pending"
"""Cookie of the ticket after a right password."""
CHALLENGE: Final = "console-challenge"
"""Cookie of the ticket with the challenge for a passkey."""
DEVICE: Final = "console-device"
DEVICE_SECONDS: Final = 365 * 24 * 3600
TICKET_SECONDS: Final = 600
LONGEST_NAME: Final = 100

ATTEMPTS: Final = web.AppKey("console-attempts", Attempts)
PENDING_TICKETS: Final = web.AppKey("console-pending", Tickets)
CHALLENGES: Final = web.AppKey("console-challenges", Tickets)


def party_of(request: web.Request) -> RelyingParty | None:
    """Returns this installation as a relying party of passkeys, None where browsers offer none."""
    return relying_party(site_of(request).origin(request))


async def show_sign_in(request: web.Request) -> web.Response:
    """Shows the sign-in page; redirects members who are signed in."""
    if "again" not in request.query and await visit_of(request):
        return see_other(safe_path(request.query.get("next", "")))
    return _sign_in_page(request, safe_path(request.query.get("next", "")))


async def check_password(request: web.Request) -> web.Response:
    """First step of the second way: name and password."""
    data = await own_form(request)
    name, password = str(data.get("name", ""))[:LONGEST_NAME], str(data.get("password", ""))
    onward = safe_path(str(data.get("next", "")))
    check_attempts(request, name)
    services, now = site_of(request).services, visit_time()

    def look_up(connection: Connection) -> tuple[StaffMember, bytes] | None:
        return Accounts(connection, services.keys, services.ids, now).password_hash_of(name)

    found = await services.store.read(look_up)
    if not await verify_password(found[1] if found else None, password) or found is None:
        await record_failure(request, name, found[0] if found else None)
        return _sign_in_page(request, onward, "wrong", name)
    response = see_other(f"{BASE}/sign-in/code")
    ticket = request.app[PENDING_TICKETS].issue(now, id=found[0].id, next=onward)
    set_console_cookie(request, response, PENDING, ticket, TICKET_SECONDS)
    return response


async def show_code(request: web.Request) -> web.Response:
    """Shows the second step."""
    if _pending(request, visit_time()) is None:
        return see_other(f"{BASE}/sign-in")
    return console_response(request, "code.html", problem="")


async def check_code(request: web.Request) -> web.Response:
    """Second step of the second way: a one-time password, or a recovery code."""
    data = await own_form(request)
    services, now = site_of(request).services, visit_time()
    pending = _pending(request, now)
    member = await services.store.read(partial(staff_by_id, staff_id=pending["id"])) if pending else None
    if pending is None or member is None:
        return see_other(f"{BASE}/sign-in")
    check_attempts(request, member.name)
    typed = str(data.get("code", ""))[:LONGEST_NAME]

    def use(connection: Connection) -> str | None:
        if Accounts(connection, services.keys, services.ids, now).use_second_factor(member, typed) is None:
            return None
        return begin_for(request, connection, member, now)

    token = await services.store.write(use) if member.revoked_at is None else None
    if token is None:
        await record_failure(request, member.name, member)
        return console_response(request, "code.html", status=403, problem="wrong_code")
    request.app[PENDING_TICKETS].spend(request.cookies.get(PENDING, ""))
    return entered(request, member, token, pending["next"])


async def check_passkey(request: web.Request) -> web.Response:
    """The first way: the response of a passkey to the challenge of the sign-in page."""
    data = await own_form(request)
    onward, response = safe_path(str(data.get("next", ""))), str(data.get("response", ""))
    services, now, party = site_of(request).services, visit_time(), party_of(request)
    ticket = request.cookies.get(CHALLENGE, "")
    challenge = request.app[CHALLENGES].read(ticket, now)
    if party is None or challenge is None:
        return _sign_in_page(request, onward, "passkey")
    check_attempts(request, "")
    request.app[CHALLENGES].spend(ticket)
    try:
        handle = passkeys.handle_of(response)
        credential = await services.store.read(partial(credential_by_handle, handle=handle))
        if credential is None:
            raise PasskeyRefused
        counter = passkeys.verify_authentication(
            party, response, base64.b64decode(challenge["value"]), credential.secret, credential.counter
        )
    except PasskeyRefused:
        await record_failure(request, "", None)
        return _sign_in_page(request, onward, "passkey")

    def use(connection: Connection) -> tuple[StaffMember, str] | None:
        member = Accounts(connection, services.keys, services.ids, now).use_passkey(credential, counter)
        return (member, begin_for(request, connection, member, now)) if member else None

    found = await services.store.write(use)
    if found is None:
        await record_failure(request, "", None)
        return _sign_in_page(request, onward, "passkey")
    return entered(request, *found, onward)


def begin_for(
    request: web.Request,
    connection: Connection,
    member: StaffMember,
    now: datetime,
    *,
    proved_at: datetime | None = None,
) -> str:
    """Begins a session within the transaction that used the credentials; returns its token. `proved_at`: when the
    member proved who they are, if that was earlier.
    """
    keys = site_of(request).services.keys
    browser = console_sessions.browser_name(request.headers.get("User-Agent", "")[:500])
    # The former session of this browser ends: tokens change with each sign-in.
    former = console_sessions.token_hash(keys, request.cookies.get(COOKIE, ""))
    end_console_session(connection, member.id, former)
    token = console_sessions.begin_session(connection, keys, member.id, browser, now, proved_at=proved_at)
    record_staff_sign_in(connection, member.id, now)
    record_entry(connection, keys, Actor(member.name, member.role, "page").did("sign_in", browser, at=now))
    return token


def entered(request: web.Request, member: StaffMember, token: str, onward: str) -> web.Response:
    """Gives the browser its session and continues."""
    response = see_other(onward)
    set_session(request, response, token)
    device = request.app[ATTEMPTS].new_device(member.name)
    set_console_cookie(request, response, DEVICE, device, DEVICE_SECONDS)
    for name in (PENDING, CHALLENGE):
        response.del_cookie(name, path=BASE)
    return response


def check_attempts(request: web.Request, account: str) -> None:
    """Raises RequestError (`too_many`) after too many failures."""
    address = site_of(request).routes.clients.address(request)
    if wait := request.app[ATTEMPTS].wait(address, account, request.cookies.get(DEVICE, "")):
        raise RequestError("too_many", wait)


async def record_failure(request: web.Request, account: str, member: StaffMember | None) -> None:
    """Counts a failed sign-in and records it; of unknown accounts the audit log has no name."""
    site = site_of(request)
    address = site.routes.clients.address(request)
    request.app[ATTEMPTS].count_failure(address, account, request.cookies.get(DEVICE, ""))
    log.warning("staff_sign_in_failed", route=BASE)
    act: Act = "sign_in.failed"
    entry = Actor("", "", "page").did(act, member.name if member else "unknown", at=visit_time())
    await site.services.store.write(lambda connection: record_entry(connection, site.services.keys, entry))


def _pending(request: web.Request, now: datetime) -> dict[str, Any] | None:
    return request.app[PENDING_TICKETS].read(request.cookies.get(PENDING, ""), now)


async def own_form(request: web.Request) -> Form:
    """Returns the form of a page that has no session yet. Raises RequestError (`origin`)."""
    data = await form_of(request)
    if not site_of(request).routes.is_ours(request, has_token=False):
        raise RequestError("origin")
    return data


def _sign_in_page(request: web.Request, onward: str, problem: str = "", name: str = "") -> web.Response:
    party, challenge = party_of(request), secrets.token_bytes(32)
    options = passkeys.authentication_options(party, challenge) if party else ""
    status = 403 if problem else 200
    values: dict[str, Any] = {"problem": problem, "name": name, "onward": onward, "again": "again" in request.query}
    response = console_response(request, "sign_in.html", status=status, passkey_options=options, **values)
    if party:
        ticket = request.app[CHALLENGES].issue(visit_time(), value=base64.b64encode(challenge).decode())
        set_console_cookie(request, response, CHALLENGE, ticket, TICKET_SECONDS)
    return response
