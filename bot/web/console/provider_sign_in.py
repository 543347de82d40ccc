"""Signing in with the account of an identity provider, and linking such an account to a member.

The browser leaves for the provider with a signed ticket in a cookie and comes back with a code. An account is linked by
its member, by an invitation, or by an owner; none is created or found by name or e-mail address.
"""

from __future__ import annotations

import hmac
from datetime import datetime
from typing import Any, Final, Literal

import structlog
from aiohttp import web
from sqlalchemy import Connection

from bot.staff.accounts import Accounts
from bot.staff.console_sessions import LONGEST as LONGEST_SESSION
from bot.staff.id_tokens import Identity
from bot.staff.identity_provider import ProviderAttempt
from bot.staff.provider_documents import ProviderFailed
from bot.web.console.gate import visit_of
from bot.web.console.provider import provider_of
from bot.web.console.rendering import BASE, console_response, safe_path, see_other, set_console_cookie
from bot.web.console.sign_in import TICKET_SECONDS, begin_for, check_attempts, entered, record_failure
from bot.web.console.tickets import Tickets
from bot.web.console.visit import visit_time
from bot.web.context import site_of
from storage.tables.staff import StaffMember

LEFT: Final = "console-provider"
"""Cookie of the ticket while the browser is at the provider."""
PROVED: Final = "console-identity"
"""Cookie of the ticket with an account of the provider that is about to be linked."""
PROVIDER_TICKETS: Final = web.AppKey("console-provider-tickets", Tickets)
IDENTITY_TICKETS: Final = web.AppKey("console-identity-tickets", Tickets)
START: Final = f"{BASE}/sign-in/provider"
RETURN: Final = f"{START}/return"

ProviderProblem = Literal["unreachable", "expired", "cancelled", "refused", "unknown", "taken"]
PROBLEMS: Final[dict[ProviderProblem, str]] = {
    "unreachable": "console.provider.unreachable",
    "expired": "console.provider.expired",
    "cancelled": "console.provider.cancelled",
    "refused": "console.provider.refused",
    "unknown": "console.provider.unknown",
    "taken": "console.provider.taken",
}
log = structlog.get_logger("bot.web")


async def start_sign_in(request: web.Request) -> web.Response:
    """Sends the browser to the provider."""
    return await leave_for_provider(request, {"next": safe_path(request.query.get("next", ""))})


async def leave_for_provider(request: web.Request, values: dict[str, str]) -> web.Response:
    """Sends the browser to the provider. `values`: what it brings back, by which the way goes on."""
    provider = provider_of(request)
    check_attempts(request, "")
    attempt = ProviderAttempt.begin(f"{site_of(request).origin(request)}{RETURN}")
    try:
        url = await provider.sign_in_url(attempt, again="again" in request.query)
    except ProviderFailed as failed:
        return _failed(request, failed)
    ticket = request.app[PROVIDER_TICKETS].issue(visit_time(), **attempt._asdict(), **values)
    response = see_other(url)
    set_console_cookie(request, response, LEFT, ticket, TICKET_SECONDS)
    return response


async def finish_sign_in(request: web.Request) -> web.Response:
    """Takes the answer of the provider: signs in, or asks whether to link the account."""
    provider = provider_of(request)
    check_attempts(request, "")
    now, query, ticket = visit_time(), request.query, request.cookies.get(LEFT, "")
    tickets = request.app[PROVIDER_TICKETS]
    values = tickets.read(ticket, now)
    if values is None or not _is_same(query.get("state", ""), values["state"]):
        return await refuse(request, "expired", "state")
    tickets.spend(ticket)
    if "code" not in query:
        is_cancelled = query.get("error") in {"access_denied", "login_required", "interaction_required"}
        return await refuse(request, "cancelled" if is_cancelled else "refused", "answer")
    attempt = ProviderAttempt(values["state"], values["nonce"], values["redirect_uri"])
    try:
        identity = await provider.identity(attempt, query["code"], query.get("iss"), now)
    except ProviderFailed as failed:
        return _failed(request, failed) if failed.is_unreachable else await refuse(request, "refused", failed.reason)
    return await (_sign_in(request, identity, values["next"]) if "next" in values else _ask(request, identity, values))


async def _sign_in(request: web.Request, identity: Identity, onward: str) -> web.Response:
    """Signs the member in to whom the account is linked."""
    services, now = site_of(request).services, visit_time()

    def use(connection: Connection) -> tuple[StaffMember, str] | None:
        accounts = Accounts(connection, services.keys, services.ids, now)
        member = accounts.use_identity(identity.issuer, identity.subject)
        proved_at = proved_at_of(identity.authenticated_at, now)
        return (member, begin_for(request, connection, member, now, proved_at=proved_at)) if member else None

    found = await services.store.write(use)
    if found is None:
        return await refuse(request, "unknown", "unknown")
    response = entered(request, *found, onward)
    response.del_cookie(LEFT, path=BASE)
    return response


async def _ask(request: web.Request, identity: Identity, values: dict[str, Any]) -> web.Response:
    """Asks whether to link the account: following a foreign link alone links none."""
    now, invitation = visit_time(), str(values.get("invitation", ""))
    visit = None if invitation else await visit_of(request)
    if not invitation and (visit is None or visit.csrf != values.get("csrf")):
        return await refuse(request, "expired", "session")
    head: dict[str, Any] = visit.head() if visit else {}
    response = console_response(request, "provider_link.html", label=identity.label, invitation=invitation, **head)
    proved = identity.authenticated_at.isoformat() if identity.authenticated_at else ""
    bound = {"invitation": invitation, "csrf": visit.csrf if visit else ""}
    ticket = request.app[IDENTITY_TICKETS].issue(
        now, issuer=identity.issuer, subject=identity.subject, label=identity.label, proved=proved, **bound
    )
    set_console_cookie(request, response, PROVED, ticket, TICKET_SECONDS)
    response.del_cookie(LEFT, path=BASE)
    return response


def proved_identity(request: web.Request, **bound: str) -> Identity | None:
    """Returns the account that is about to be linked, once; None unless its ticket contains these values."""
    tickets, ticket = request.app[IDENTITY_TICKETS], request.cookies.get(PROVED, "")
    values = tickets.read(ticket, visit_time())
    if values is None or any(values[name] != value for name, value in bound.items()):
        return None
    tickets.spend(ticket)
    proved = datetime.fromisoformat(values["proved"]) if values["proved"] else None
    return Identity(values["issuer"], values["subject"], values["label"], proved)


async def refuse(request: web.Request, problem: ProviderProblem, reason: str) -> web.Response:
    """Counts and records a failed sign-in and shows the problem."""
    log.warning("provider_sign_in_refused", fault=reason)
    await record_failure(request, "", None)
    return problem_page(request, problem)


def problem_page(request: web.Request, problem: ProviderProblem, status: int = 403) -> web.Response:
    """Shows the problem and the ways on. The ticket stays: a forged answer does not end the attempt of the visitor."""
    return console_response(request, "provider_problem.html", status=status, phrase=PROBLEMS[problem])


def _failed(request: web.Request, failed: ProviderFailed) -> web.Response:
    """Shows that the provider is at fault."""
    log.error("provider_unreachable", fault=failed.reason)
    return problem_page(request, "unreachable", 503)


def proved_at_of(authenticated_at: datetime | None, now: datetime) -> datetime:
    """Returns when the member typed the password; a long time ago if the provider does not say."""
    return authenticated_at or now - LONGEST_SESSION


def _is_same(given: str, expected: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "replace"), expected.encode())
