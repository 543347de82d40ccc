"""The member's own account: credentials, recovery codes, sessions, and the personal code for chats."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import Any, Final, NamedTuple

from aiohttp import web
from sqlalchemy import Connection

from bot.staff.accounts import NewCredentials, SignInMethods
from bot.web.console.credentials import Problem, new_credentials, setup_page
from bot.web.console.gate import COOKIE, SIGN_IN
from bot.web.console.provider import provider_name
from bot.web.console.registry import console_page
from bot.web.console.rendering import BASE, see_other
from bot.web.console.visit import Visit, id_in
from storage.tables.console_sessions import (
    ConsoleSession,
    console_sessions_of,
    end_console_session,
    end_console_sessions,
)
from storage.tables.staff import BoundChat, bound_chat_of, leave_staff_chat
from storage.tables.staff_credentials import delete_staff_credential

FRESH: Final = timedelta(minutes=15)
"""Credentials can be changed so long after a sign-in; later the member signs in again first."""


class _Account(NamedTuple):
    methods: SignInMethods
    sessions: list[ConsoleSession]
    chat: BoundChat | None


@console_page("GET", "/account", "account.own")
async def show_account(visit: Visit) -> web.StreamResponse:
    """Shows the account."""
    return await _page(visit)


@console_page("POST", "/account/sessions/end", "account.own")
async def end_session(visit: Visit) -> web.StreamResponse:
    """Ends one session, or with `all` every session but this one."""
    own, chosen = visit.signed_in.session.token_hash, visit.field("session")
    if chosen == "all":
        await visit.write(partial(end_console_sessions, staff_id=visit.member.id, besides=own))
    else:
        token_hash = bytes.fromhex(chosen) if _is_hex(chosen) else b""
        await visit.write(partial(end_console_session, staff_id=visit.member.id, token_hash=token_hash))
    return visit.see("/account", done="session")


@console_page("POST", "/sign-out", "account.own")
async def sign_out(visit: Visit) -> web.StreamResponse:
    """Ends this session. The row is deleted, so the cookie is worthless afterwards, also after a restart."""
    token_hash = visit.signed_in.session.token_hash
    await visit.write(partial(end_console_session, staff_id=visit.member.id, token_hash=token_hash))
    response = see_other(SIGN_IN)
    response.del_cookie(COOKIE, path=BASE)
    return response


@console_page("GET", "/account/credentials", "account.own")
async def show_credentials(visit: Visit) -> web.StreamResponse:
    """Shows the form for a new passkey or a new password."""
    return _credentials_page(visit) if is_fresh(visit) else sign_in_again(visit)


@console_page("POST", "/account/credentials", "account.own")
async def add_credentials(visit: Visit) -> web.StreamResponse:
    """Adds a passkey, or replaces password and authenticator app. All other sessions end."""
    if not is_fresh(visit):
        return sign_in_again(visit)
    form = {name: values[0] for name, values in visit.form.items()}
    new = await new_credentials(visit.request, form, visit.member.name, visit.now)
    if not isinstance(new, NewCredentials):
        return _credentials_page(visit, new)

    def work(connection: Connection) -> None:
        visit.accounts(connection).set_up(visit.member, new)
        end_console_sessions(connection, visit.member.id, visit.signed_in.session.token_hash)
        visit.note(connection, "credential.add", visit.member.name)

    await visit.write(work)
    return visit.see("/account", done="credential")


@console_page("POST", "/account/credentials/remove", "account.own")
async def remove_passkey(visit: Visit) -> web.StreamResponse:
    """Removes a passkey or a linked account, unless it is the only way to sign in."""
    if not is_fresh(visit):
        return sign_in_again(visit)
    chosen, has_provider = id_in(visit.field("credential")) or 0, bool(provider_name(visit.request))

    def work(connection: Connection) -> bool:
        methods = visit.accounts(connection).methods_of(visit.member.id)
        left = methods.without(chosen)
        if left == methods or not (left.is_complete or (has_provider and left.identities)):
            return False
        delete_staff_credential(connection, visit.member.id, chosen)
        visit.note(connection, "credential.remove", visit.member.name)
        return True

    return visit.see("/account", done="removed") if await visit.write(work) else await _page(visit, "last_method")


@console_page("POST", "/account/recovery-codes", "account.own")
async def renew_recovery_codes(visit: Visit) -> web.StreamResponse:
    """Replaces the recovery codes and shows the new ones once."""
    if not is_fresh(visit):
        return sign_in_again(visit)

    def work(connection: Connection) -> list[str]:
        visit.note(connection, "credential.add", visit.member.name)
        return visit.accounts(connection).renew_recovery_codes(visit.member)

    return visit.page("recovery_codes.html", codes=await visit.write(work), onward=f"{BASE}/account")


@console_page("POST", "/account/chat-code", "account.own")
async def renew_chat_code(visit: Visit) -> web.StreamResponse:
    """Replaces the personal code for chats and helper pages and shows the new one once."""
    if not is_fresh(visit):
        return sign_in_again(visit)

    def work(connection: Connection) -> str:
        visit.note(connection, "credential.add", visit.member.name)
        return visit.accounts(connection).renew_staff_code(visit.member)

    return await _page(visit, chat_code=await visit.write(work))


@console_page("POST", "/account/chat/remove", "account.own")
async def remove_chat(visit: Visit) -> web.StreamResponse:
    """Unbinds the chat of the member: from the next message on it is an ordinary chat."""

    def work(connection: Connection) -> None:
        if bound_chat_of(connection, visit.member.id) is not None:
            leave_staff_chat(connection, visit.member.id)
            visit.note(connection, "staff.chat", visit.member.name, "left")

    await visit.write(work)
    return visit.see("/account", done="chat")


async def _page(visit: Visit, problem: str = "", **values: Any) -> web.Response:
    def load(connection: Connection) -> _Account:
        number = visit.member.id
        return _Account(
            visit.accounts(connection).methods_of(number),
            console_sessions_of(connection, number),
            bound_chat_of(connection, number),
        )

    account = await visit.read(load)
    shown = {"chat_code": "", "done": visit.done(), **values}
    return visit.page("account.html", status=409 if problem else 200, account=account, problem=problem, **shown)


def _credentials_page(visit: Visit, problem: Problem | None = None) -> web.Response:
    member, status = visit.member, 422 if problem else 200
    values = {"problem": problem or "", **visit.head()}
    return setup_page(visit.request, "credentials.html", member.id.to_bytes(8), member.name, status=status, **values)


def is_fresh(visit: Visit) -> bool:
    """Whether the member proved a short time ago who they are."""
    return visit.now - visit.signed_in.session.created_at <= FRESH


def sign_in_again(visit: Visit) -> web.Response:
    """Asks for a new sign-in before credentials change, and continues at the account."""
    return see_other(f"{SIGN_IN}?again=1&next={BASE}/account/credentials")


def _is_hex(text: str) -> bool:
    return len(text) == 64 and all(letter in "0123456789abcdef" for letter in text)
