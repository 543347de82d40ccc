"""Sign-in of helpers with a personal code: a separate cookie holds a ticket valid for one working day."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from functools import partial
from typing import Final

import structlog
from aiohttp import web

from adapters.web.errors import RequestError
from adapters.web.limits import Buckets, Rate
from bot.staff import sign_in as staff
from bot.staff.assignments import may_in
from bot.staff.policy import Action, may
from bot.web.assisted.device_sessions import ASSIST
from bot.web.consultation_cache import PublishedConsultation
from bot.web.context import form_of, site_of
from storage.tables.staff import StaffMember, sign_out_staff_member

log = structlog.get_logger()

COOKIE: Final = "help"
TRIES: Final = Rate(burst=10, per_second=1 / 30)
"""Wrong codes from one address. A town hall is one address, and ten wrong codes in a morning are unusual."""
WRONG_SECONDS: Final = 1.0
"""Every wrong code is answered after this delay."""
BUCKETS: Final = web.AppKey("assist-tries", Buckets)


async def signed_in_helper(request: web.Request) -> StaffMember | None:
    """Returns the signed-in helper, or None without a ticket or with an expired or revoked one."""
    services = site_of(request).services
    value = request.cookies.get(COOKIE, "")
    if not value:
        return None
    return await staff.staff_of_ticket(services.store, services.keys, value, datetime.now(UTC))


async def require_helper(request: web.Request) -> StaffMember:
    """Returns the signed-in helper. Raises HTTPSeeOther to the sign-in page."""
    helper = await signed_in_helper(request)
    if helper is None:
        raise web.HTTPSeeOther(ASSIST.base)
    return helper


async def may_help(
    request: web.Request, member: StaffMember, published: PublishedConsultation, action: Action = "assist"
) -> bool:
    """Whether a member may do this in this consultation."""
    number, now = published.revision.consultation_id, datetime.now(UTC)
    return await site_of(request).services.store.read(
        partial(may_in, member=member, action=action, consultation_id=number, now=now)
    )


def csrf_of(request: web.Request) -> str:
    """Returns the CSRF token of this ticket."""
    return staff.form_token(site_of(request).services.keys, request.cookies.get(COOKIE, ""))


async def checked_form(request: web.Request) -> tuple[StaffMember, dict[str, list[str]]]:
    """Returns the helper and the fields of a form from a page of this ticket. Raises RequestError, HTTPSeeOther."""
    site, data = site_of(request), await form_of(request)
    helper = await require_helper(request)
    value = request.cookies.get(COOKIE, "")
    if not site.routes.is_ours(request) or not staff.is_valid_form_token(site.services.keys, value, data.get("csrf")):
        raise RequestError("form")
    return helper, {name: [str(value) for value in data.getall(name)] for name in data}


async def sign_in_helper(request: web.Request) -> web.Response | None:
    """Checks the code of the form: redirects with a ticket, or returns None for a wrong code. Raises RequestError."""
    site = site_of(request)
    # Read in any case: a refusal before the end of a request closes the line.
    data = await form_of(request)
    if not site.routes.is_ours(request, has_token=False):
        raise RequestError("origin")
    wrong, address = request.app[BUCKETS], site.routes.clients.address(request)
    if wait := wrong.wait(address):
        raise RequestError("too_many", wait)
    services, began = site.services, asyncio.get_running_loop().time()
    member = await staff.authenticate_staff(services.store, services.keys, str(data.get("code", "")))
    if member is None or not may(member.role, "assist"):
        wrong.take(address)
        log.warning("staff_sign_in_failed", route=ASSIST.base)
        await asyncio.sleep(max(0.0, WRONG_SECONDS - (asyncio.get_running_loop().time() - began)))
        return None
    response = web.Response(status=303, headers={"Location": ASSIST.base})
    set_ticket(request, response, staff.issue_ticket(services.keys, member, datetime.now(UTC)))
    return response


def set_ticket(request: web.Request, response: web.StreamResponse, ticket: str) -> None:
    """Sets the ticket cookie."""
    response.set_cookie(
        COOKIE,
        ticket,
        path=ASSIST.base,
        max_age=staff.HOURS * 3600,
        httponly=True,
        samesite="Strict",
        secure=site_of(request).routes.clients.is_secure(request),
    )


async def sign_out_helper(request: web.Request, helper: StaffMember, response: web.StreamResponse) -> None:
    """Deletes the ticket cookie and makes all tickets of the helper invalid, copies and other devices included."""
    work = partial(sign_out_staff_member, staff_id=helper.id, now=datetime.now(UTC))
    await site_of(request).services.store.write(work)
    response.del_cookie(COOKIE, path=ASSIST.base)
