"""Security headers, access log without personal data, and error pages."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

import structlog
from aiohttp import web
from yarl import URL

from adapters.web.errors import RequestError
from adapters.web.requests import FIELDS, NOT_SENT, has_left
from adapters.web.routes import HELD_SECONDS
from bot.common.i18n.locale import Locale, available_languages
from bot.common.logs import error_place
from bot.settings import WebSettings
from bot.web.assisted.device_sessions import KIOSK, device_profile_of, device_session_of, entry_code_from
from bot.web.context import FRAMED, FRAMES, SIZE_COOKIE, YEAR_SECONDS, Site, set_preference_cookie, site_of
from bot.web.request_locale import COOKIE, locale_of
from flows.phrase_families import WEB_ERROR_TEXTS, WEB_ERRORS
from storage.core.errors import StorageError

log = structlog.get_logger()

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; media-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors "
)
_HEADERS: Final = {
    "Server": "Mitsprache",  # hides the versions of the server
    "X-Content-Type-Options": "nosniff",
    # Not no-referrer: then browsers send no Origin with our own forms either.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), payment=(), usb=()",
}
# Error codes → the phrase for pages, and the status.
_PAGES: Final = {
    "unknown": "not_found",
    "withdrawn": "withdrawn",
    "closed": "closed",
    "too_many": "too_many",
    "too_many_lines": "too_many",
    "too_long": "too_long",
    "too_large": "too_long",
    "making": "making",
    "busy": "trouble",
    "held": "held",
    "form": "expired",
    "session": "session",
    "origin": "expired",
}

_FOR_GOOD: Final = frozenset({"not_found", "withdrawn", "closed", "not_yet"})
"""Errors that a retry does not solve."""


@web.middleware
async def security_headers(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Adds security headers to every response and logs the route, not the path."""
    site = site_of(request)
    try:
        response = _remembered(request) or await _answered(site, request, handler)
    except web.HTTPException as redirect:
        # Not the exception itself: aiohttp accepts it as a response, but has deprecated that.
        response = web.Response(status=redirect.status, headers={"Location": redirect.headers.get("Location", "/")})
    if not response.prepared:
        add_security_headers(site, request, response)
    route = request.match_info.route.resource
    log.debug("request", method=request.method, route=route.canonical if route else "?", status=response.status)
    return response


async def _prepare(site: Site, request: web.Request) -> None:
    """Checks the name of the host, and refreshes the settings, and the consultations for the pages that show them."""
    if not request.host.isascii():
        # It is used in links and QR codes; browsers send every host name in ASCII.
        raise RequestError("malformed")
    await site.page_settings.refresh()
    if request.path == "/" or request.path.startswith("/c/"):
        await site.consultations.refresh()


async def _answered(site: Site, request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        await _prepare(site, request)
        return await handler(request)
    except RequestError as error:
        return request_error_page(site, request, error)
    except web.HTTPRequestEntityTooLarge:
        return error_page(site, request, "too_long", 413)
    except web.HTTPNotFound:
        return error_page(site, request, "not_found", 404)
    except web.HTTPException as error:
        if error.status < 400:
            raise
        return error_page(site, request, "trouble", error.status)
    except StorageError as error:
        log.error("page_request_failed", **error_place(error))
        return request_error_page(site, request, RequestError("held", HELD_SECONDS))
    except Exception as error:  # noqa: BLE001 - a response must not contain a stack trace
        if has_left(request, error):
            return web.Response(status=NOT_SENT)
        log.error("page_request_failed", **error_place(error))
        return error_page(site, request, "trouble", 500)


def request_error_page(
    site: Site, request: web.Request, error: RequestError, locale: Locale | None = None
) -> web.Response:
    """Returns the error page for an error of the transports."""
    what = _PAGES.get(error.code, "trouble")
    if what == "held" and not request.get(FIELDS):
        what = "trouble"  # no submitted fields to report on
    response = error_page(site, request, what, error.kind.status, locale)
    if error.seconds:
        response.headers["Retry-After"] = str(int(error.seconds) + 1)
    return response


async def transport_error_page(request: web.Request, error: RequestError, sentence: str) -> web.StreamResponse:
    """Returns the error page for a refused request, as the transports call it."""
    return request_error_page(site_of(request), request, error)


def error_page(
    site: Site,
    request: web.Request,
    what: str,
    status: int,
    locale: Locale | None = None,
    results: str = "",
    **values: object,
) -> web.Response:
    """Returns a page with the problem and its remedy in plain words. `results` links to the results."""
    locale = locale or _page_locale(site, request)
    title, text = locale.text(WEB_ERRORS[what]), locale.text(WEB_ERROR_TEXTS[what], **values)
    # On a shared device the page has no links: another page would stay on the screen for the next person.
    template = "desk_error.html" if device_profile_of(request) else "error.html"
    fields = request.get(FIELDS, ()) if what == "held" and site.routes.is_ours(request) else ()
    onward = {"again": _again(request, what), "results": results, "fields": fields}
    response = site.page(request, template, locale, status=status, title=title, text=text, **onward)
    if device_profile_of(request):
        response.headers["Cache-Control"] = "no-store"
    return response


def _page_locale(site: Site, request: web.Request) -> Locale:
    """Returns the language of the page on which the error occurred."""
    session = (
        device_session_of(request, KIOSK, request.match_info.get("slug", ""))
        if device_profile_of(request) is KIOSK
        else None
    )
    language = site.routes.hub.language(session.conversation.address) if session else ""
    return Locale.of(language) if language else locale_of(request)


def _again(request: web.Request, what: str) -> str:
    """Returns the address for a retry, or "" where a retry does not help."""
    if what in _FOR_GOOD:
        return ""
    slug = request.match_info.get("slug")
    if profile := device_profile_of(request):
        return profile.path(slug, "ask", entry_code_from(request)) if slug else ""
    if not slug:
        return request.path if request.method == "GET" else ""
    return f"/c/{slug}/form" if request.path.endswith("/form") else f"/c/{slug}"


def add_security_headers(site: Site, request: web.Request, response: web.StreamResponse) -> None:
    """Sets the security headers of a response."""
    frames = " ".join(("'self'", *site.options.embed_origins)) if _may_be_framed(site, request) else "'none'"
    if request.get(FRAMED):
        frames = "'self'"
    shown = "frame-src 'self'; " if request.get(FRAMES) else ""
    response.headers.update(_HEADERS)
    response.headers["Content-Security-Policy"] = shown + _POLICY + frames
    if site.options.public_url.startswith("https:"):
        response.headers["Strict-Transport-Security"] = f"max-age={YEAR_SECONDS}"


def plain_error_headers(options: WebSettings) -> dict[str, str]:
    """Returns the security headers of an answer to a request that has no page."""
    headers = {**_HEADERS, "Content-Security-Policy": f"{_POLICY}'none'", "Cache-Control": "no-store"}
    if options.public_url.startswith("https:"):
        headers["Strict-Transport-Security"] = f"max-age={YEAR_SECONDS}"
    return headers


def _may_be_framed(site: Site, request: web.Request) -> bool:
    return bool(site.options.embed_origins) and request.path.startswith("/c/")


def _remembered(request: web.Request) -> web.Response | None:
    """Stores a language or text size of the query in a cookie and redirects to the page without it."""
    wishes = {COOKIE: request.query.get(COOKIE), SIZE_COOKIE: request.query.get(SIZE_COOKIE)}
    wanted = {name: value for name, value in wishes.items() if value is not None}
    if request.method != "GET" or not wanted or request.path.startswith("/api/"):
        return None
    rest = {name: value for name, value in request.query.items() if name not in wanted}
    # Relative to this host: a path of two slashes would lead to another one.
    there = URL.build(path="/" + request.path.lstrip("/"), query=rest)
    response = web.Response(status=303, headers={"Location": str(there)})
    allowed = {COOKIE: available_languages(), SIZE_COOKIE: ("normal", "large")}
    for name, value in wanted.items():
        if value in allowed[name]:
            set_preference_cookie(request, response, name, value)
    return response
