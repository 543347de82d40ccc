"""The shared context of page handlers: services, settings, consultations, assets, transports, templates."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

from aiohttp import web
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from multidict import MultiDictProxy

from adapters.web import protocol
from adapters.web.errors import RequestError
from adapters.web.requests import FIELDS, FORM
from adapters.web.routes import WebRoutes
from bot.common.i18n.locale import Locale, offered_languages
from bot.settings import WebSettings
from bot.web.assets import Assets
from bot.web.consultation_cache import ConsultationCache
from bot.web.page_settings import PageSettings
from bot.web.services import Services

Form = MultiDictProxy[str | bytes | bytearray | web.FileField]
TEMPLATES: Final = Path(__file__).parent / "templates"
SIZE_COOKIE: Final = "size"
EMBED: Final = "embed"
FRAMED: Final = web.RequestKey("framed", bool)
"""Marks a request whose page another page of ours may show in a frame."""
FRAMES: Final = web.RequestKey("frames", bool)
"""Marks a request whose page shows another page of ours in a frame."""
YEAR_SECONDS: Final = 365 * 24 * 3600


@dataclass(frozen=True, slots=True)
class Site:
    """Everything a handler needs."""

    services: Services
    page_settings: PageSettings
    consultations: ConsultationCache
    assets: Assets
    routes: WebRoutes
    templates: Environment

    @property
    def options(self) -> WebSettings:
        """The settings of the pages in force now."""
        return self.page_settings.current

    def origin(self, request: web.Request) -> str:
        """Returns the public origin of this installation for links that leave the page."""
        if self.options.public_url:
            return self.options.public_url
        scheme = "https" if self.routes.clients.is_secure(request) else "http"
        return f"{scheme}://{request.host}"

    def page(
        self, request: web.Request, template: str, locale: Locale, *, status: int = 200, **values: Any
    ) -> web.Response:
        """Renders a page in this language."""
        is_large = request.cookies.get(SIZE_COOKIE) == "large"
        head: dict[str, Any] = {
            "t": locale.text,
            "locale": locale,
            "options": self.options,
            "logo": self.page_settings.logo_url,
            "asset": self.assets.url,
            "share_image": f"{self.origin(request)}{self.page_settings.share_image_url}",
            "is_large": is_large,
            "direction": protocol.direction,
            # Browsers report whether the page is loaded into a frame.
            "is_embedded": EMBED in request.query or request.headers.get("Sec-Fetch-Dest") == "iframe",
            "here": request.path,
            "size_link": _with(request, size="normal" if is_large else "large"),
        }
        html = self.templates.get_template(template).render(head | values)
        response = web.Response(text=html, content_type="text/html", status=status)
        response.headers["Content-Language"] = locale.tag
        response.headers["Cache-Control"] = "no-store" if request.path.startswith("/c/") else "private, no-cache"
        if len(html) > 1000 and "gzip" in request.headers.get("Accept-Encoding", ""):
            response.enable_compression(web.ContentCoding.gzip)
        return response


async def form_of(request: web.Request) -> Form:
    """Reads the fields of a form; uploads are not accepted. Raises RequestError (`malformed`, `slow`)."""
    if request.content_type != FORM:
        raise RequestError("malformed")
    try:
        async with asyncio.timeout(site_of(request).routes.limits.body_seconds):
            form = await request.post()
    except TimeoutError as error:
        raise RequestError("slow") from error
    except (web.RequestPayloadError, ValueError, LookupError) as error:
        # LookupError: the request names an encoding that does not exist.
        raise RequestError("malformed") from error
    request[FIELDS] = tuple((name, value) for name, value in form.items() if isinstance(value, str))
    return form


SITE: Final = web.AppKey("site", Site)


def site_of(request: web.Request) -> Site:
    return request.app[SITE]


def set_preference_cookie(request: web.Request, response: web.StreamResponse, name: str, value: str) -> None:
    """Stores a preference (language, text size) in the browser for a year."""
    is_secure = site_of(request).routes.clients.is_secure(request)
    response.set_cookie(name, value, max_age=YEAR_SECONDS, samesite="Lax", httponly=True, secure=is_secure)


@cache
def template_environment() -> Environment:
    """Returns the template environment: escapes everything, refuses undefined names.

    All apps of a process share it, because it keeps the compiled templates.
    """
    return Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
        auto_reload=False,
    )


def language_links(request: web.Request, locale: Locale, among: Iterable[str] | None = None) -> list[dict[str, Any]]:
    """Returns links that switch this page to another language, each with the language's own name."""
    tags = frozenset(site_of(request).page_settings.languages() if among is None else among)
    return [
        {
            "tag": language.tag,
            "name": language.name,
            "direction": "rtl" if language.right_to_left else "ltr",
            "link": _with(request, lang=language.tag),
            "is_current": language.tag == locale.tag,
        }
        for language in offered_languages()
        if language.tag in tags
    ]


def _with(request: web.Request, **wishes: str) -> str:
    """Returns this page with other preferences; for the answer to a form the nearest page that can be requested with
    GET.
    """
    if request.method in {"GET", "HEAD"}:
        query: Mapping[str, str] = {**request.query, **wishes}
        return f"?{urlencode(query)}"
    slug = request.match_info.get("slug", "")
    page = "/form" if request.path.endswith("/form") else ""
    return f"{f'/c/{slug}{page}' if slug else '/'}?{urlencode(wishes)}"
