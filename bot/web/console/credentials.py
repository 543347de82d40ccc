"""The part of a page with which members set up credentials: a passkey, or a password with an authenticator app."""

from __future__ import annotations

import base64
import secrets
from datetime import datetime
from typing import Any, Final, Literal

from aiohttp import web

from bot.staff import one_time_passwords, passkeys
from bot.staff.accounts import NewCredentials
from bot.staff.passkeys import PasskeyRefused
from bot.staff.passwords import Weakness, hash_password, weakness_of
from bot.web.console.rendering import console_response, set_console_cookie
from bot.web.console.sign_in import TICKET_SECONDS, party_of
from bot.web.console.tickets import Tickets
from bot.web.console.visit import visit_time

SETUP: Final = "console-setup"
"""Cookie of the ticket with the secret and the challenge of this page."""
SETUP_TICKETS: Final = web.AppKey("console-setup", Tickets)
LONGEST_DEVICE: Final = 60

Problem = Literal["expired", "wrong_code", "differs", "passkey"] | Weakness


def setup_page(
    request: web.Request, template: str, user: bytes, account: str, *, status: int = 200, **values: Any
) -> web.Response:
    """Renders a page with a setup form. `user` and `account` name the account to authenticators.

    A secret that the browser already has stays the same, so that a mistyped code needs no second scan.
    """
    now, tickets, party = visit_time(), request.app[SETUP_TICKETS], party_of(request)
    known = tickets.read(request.cookies.get(SETUP, ""), now) or {}
    secret, challenge = known.get("secret") or one_time_passwords.new_totp_secret(), secrets.token_bytes(32)
    options = passkeys.registration_options(party, user, account, challenge) if party else ""
    response = console_response(
        request,
        template,
        status=status,
        passkey_options=options,
        totp_image=one_time_passwords.provisioning_image(secret, account),
        totp_secret=" ".join(secret[start : start + 4] for start in range(0, len(secret), 4)),
        **values,
    )
    ticket = tickets.issue(now, secret=secret, challenge=base64.b64encode(challenge).decode())
    set_console_cookie(request, response, SETUP, ticket, TICKET_SECONDS)
    return response


async def new_credentials(
    request: web.Request, form: dict[str, str], name: str, now: datetime
) -> NewCredentials | Problem:
    """Returns the credentials of a submitted setup form, or the problem with them. The form can be used once."""
    ticket = request.cookies.get(SETUP, "")
    values = request.app[SETUP_TICKETS].read(ticket, now)
    if values is None:
        return "expired"
    found = (
        _passkey(request, form, base64.b64decode(values["challenge"]))
        if form.get("response")
        else await _password(form, values["secret"], name, now)
    )
    if isinstance(found, NewCredentials):
        request.app[SETUP_TICKETS].spend(ticket)
    return found


def _passkey(request: web.Request, form: dict[str, str], challenge: bytes) -> NewCredentials | Problem:
    party = party_of(request)
    if party is None:
        return "passkey"
    try:
        key = passkeys.verify_registration(party, form["response"], challenge)
    except PasskeyRefused:
        return "passkey"
    device = " ".join(form.get("device", "").split())[:LONGEST_DEVICE]
    return NewCredentials(passkey=key, device=device)


async def _password(form: dict[str, str], secret: str, name: str, now: datetime) -> NewCredentials | Problem:
    password = form.get("password", "")
    if weakness := weakness_of(password, name):
        return weakness
    if password != form.get("repeated", ""):
        return "differs"
    step = one_time_passwords.matching_step(secret, form.get("code", ""), 0, now)
    if step is None:
        return "wrong_code"
    return NewCredentials(password_hash=await hash_password(password), totp_secret=secret, totp_step=step)
