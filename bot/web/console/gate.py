"""Lets signed-in members pass to the pages their role permits; other visitors meet the sign-in page or a refusal."""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from typing import Final
from urllib.parse import urlencode

import structlog
from aiohttp import web

from adapters.web.errors import RequestError
from bot.staff import console_sessions
from bot.staff.policy import may
from bot.web.console.form_upload import MULTIPART, UploadedFile, read_upload
from bot.web.console.registry import ConsolePage
from bot.web.console.rendering import BASE, console_locale, console_response, safe_path, see_other, set_console_cookie
from bot.web.console.visit import Visit, visit_time
from bot.web.context import form_of, site_of
from storage.tables.console_sessions import touch_console_session

log = structlog.get_logger()

COOKIE: Final = "console"
SIGN_IN: Final = f"{BASE}/sign-in"
NOT_REPEATED: Final = frozenset({"csrf", "password", "repeated", "code", "response"})
"""Fields that are typed again: secrets do not stand in a page."""


def gated(page: ConsolePage) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """Returns the handler of a page with its checks: session, permission, origin and CSRF token."""

    async def handle(request: web.Request) -> web.StreamResponse:
        site = site_of(request)
        form: dict[str, list[str]] = {}
        file: UploadedFile | None = None
        if page.method == "POST":  # read in any case: a refusal before the end of a request closes the connection
            form, file = await _read_form(request, page)
        visit = await visit_of(request)
        if visit is None:
            return _again(request, form) if page.method == "POST" else _to_sign_in(request)
        if not may(visit.member.role, page.action):
            log.warning("staff_access_denied", route=page.path)
            return visit.page("refused.html", status=403)
        if page.method == "POST":
            token = "".join(form.pop("csrf", []))
            if not site.routes.is_ours(request):
                raise RequestError("origin")
            if not hmac.compare_digest(token.encode("utf-8", "replace"), visit.csrf.encode()):
                return _again(request, form, visit.csrf)
        try:
            return await page.handler(replace(visit, form=form, file=file))
        except web.HTTPNotFound:
            return visit.page("not_found.html", status=404)

    return handle


async def _read_form(request: web.Request, page: ConsolePage) -> tuple[dict[str, list[str]], UploadedFile | None]:
    """Returns the fields of a form, and the file if the page takes one. Raises RequestError."""
    if page.takes_file and request.content_type == MULTIPART:
        return await read_upload(request)
    data = await form_of(request)
    return {name: [str(value) for value in data.getall(name)] for name in data}, None


async def visit_of(request: web.Request) -> Visit | None:
    """Returns the signed-in member of a request, or None."""
    site, now = site_of(request), visit_time()
    services, token = site.services, request.cookies.get(COOKIE, "")
    if not token:
        return None
    signed_in = await services.store.read(
        partial(console_sessions.session_of_token, keys=services.keys, token=token, now=now)
    )
    if signed_in is None:
        return None
    if console_sessions.is_touch_due(signed_in.session, now):
        await services.store.write(partial(touch_console_session, token_hash=signed_in.session.token_hash, now=now))
    csrf = console_sessions.csrf_token(services.keys, token)
    return Visit(request, site, signed_in, csrf=csrf, locale=console_locale(request), now=now)


def set_session(request: web.Request, response: web.StreamResponse, token: str) -> None:
    """Sets the session cookie."""
    seconds = int(console_sessions.LONGEST.total_seconds())
    set_console_cookie(request, response, COOKIE, token, seconds)


def _to_sign_in(request: web.Request) -> web.Response:
    return see_other(f"{SIGN_IN}?{urlencode({'next': safe_path(request.path_qs)})}")


def _again(request: web.Request, form: dict[str, list[str]], csrf: str = "") -> web.Response:
    """Shows what was sent without a valid session or CSRF token, so that it can be sent again after the sign-in."""
    fields = [(name, value) for name, values in form.items() if name not in NOT_REPEATED for value in values]
    status = 409 if csrf else 401
    path = safe_path(request.path_qs)
    return console_response(request, "again.html", status=status, csrf=csrf, fields=fields, path=path)
