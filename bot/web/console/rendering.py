"""Pages of the console for visitors without a session, and the cookies of the sign-in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from aiohttp import web

from bot.common.i18n.locale import Locale
from bot.web.console.labels import LABELS
from bot.web.console.provider import provider_name
from bot.web.context import language_links, site_of
from bot.web.request_locale import COOKIE, preferred_language

BASE: Final = "/console"
LANGUAGES: Final = ("de", "en")
"""The languages of the console."""
NOT_STORED: Final = {"Cache-Control": "no-store"}
LONGEST_PATH: Final = 500


def console_locale(request: web.Request) -> Locale:
    """Returns the language of the console: the chosen one, else the browser's, else German."""
    chosen = request.cookies.get(COOKIE, "")
    return Locale.of(chosen if chosen in LANGUAGES else preferred_language(request, LANGUAGES))


class ConsoleMenuEntry(NamedTuple):
    """One place of the menu; `is_around`: the page is one of those below it."""

    path: str
    phrase: str
    is_here: bool
    is_around: bool


def console_response(
    request: web.Request,
    template: str,
    *,
    status: int = 200,
    csrf: str = "",
    menu: Sequence[ConsoleMenuEntry] = (),
    member_name: str = "",
    **values: Any,
) -> web.Response:
    """Renders a page of the console. `menu` and `member_name`: of the signed-in member, for the head of the page."""
    locale = console_locale(request)
    response = site_of(request).page(
        request,
        f"console/{template}",
        locale,
        status=status,
        csrf=csrf,
        menu=menu,
        member_name=member_name,
        languages=language_links(request, locale, LANGUAGES),
        zone=site_of(request).services.settings.zone(),
        provider_name=provider_name(request),
        **{"problem": "", "menu_groups": (), **LABELS, **values},
    )
    response.headers.update(NOT_STORED)
    return response


def set_console_cookie(request: web.Request, response: web.StreamResponse, name: str, value: str, seconds: int) -> None:
    """Sets a cookie that only pages of the console receive."""
    response.set_cookie(
        name,
        value,
        path=BASE,
        max_age=seconds,
        httponly=True,
        samesite="Lax",
        secure=site_of(request).routes.clients.is_secure(request),
    )


def see_other(location: str) -> web.Response:
    """Redirects to another page (303)."""
    return web.Response(status=303, headers={"Location": location, **NOT_STORED})


def safe_path(path: str) -> str:
    """Returns a path of the console to continue at; the home page for anything else."""
    is_inside = path == BASE or path.startswith(f"{BASE}/")
    is_plain = path.isascii() and path.isprintable() and "\\" not in path and "//" not in path
    return path if is_inside and is_plain and len(path) <= LONGEST_PATH else f"{BASE}/"
