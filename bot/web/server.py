"""The HTTP server: listens on a port and routes requests to pages, API and webhooks."""

from __future__ import annotations

import asyncio
import errno
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final

from aiohttp import web

from adapters.web.accepting import Gate, GatedSite, PlainRequestHandler, room_for_connections
from adapters.web.errors import RequestError
from adapters.web.hub import WebHub
from adapters.web.limits import Buckets, WebLimits
from adapters.web.routes import HELD_SECONDS, WebRoutes
from adapters.web.transports import Transports
from bot.common.errors import CommandError
from bot.common.i18n.locale import Locale
from bot.common.remedies import remedy
from bot.settings import WebSettings
from bot.web import code_guess_limit, middleware, room_views, webhooks
from bot.web.api import routes as api
from bot.web.assets import Assets
from bot.web.assisted import helper, meeting_pages
from bot.web.console.routes import add_console_routes
from bot.web.consultation_cache import ConsultationCache
from bot.web.context import SITE, Site, site_of, template_environment
from bot.web.page_settings import PageSettings
from bot.web.public import (
    beginning,
    calendar_entry,
    chat,
    contribution,
    forms,
    imprint,
    media,
    opendata,
    pages,
    read_aloud,
    results,
    resume,
    spread_pages,
)
from bot.web.request_locale import PAGE_SETTINGS
from bot.web.services import Services
from storage.core.errors import StorageError
from storage.tables.contacts import find_addresses

PORTS_TRIED: Final = 20
BODY_BYTES: Final = 128 * 1024
"""The maximum size of a form: a long answer with every character written as %XX."""

KNOWN_SECONDS: Final = 2.5
"""A database without an answer for this time counts as unavailable."""
KEPT_SECONDS: Final = 75
"""Seconds after which an idle connection is closed: slightly longer than the timeout of proxies, so that no proxy sends
a request into a connection that is being closed.
"""


class WebServer:
    """Listens on one port. `start` returns the port in use."""

    def __init__(self, services: Services, limits: WebLimits | None = None) -> None:
        # aiohttp's own access log would record addresses and whole paths, which contain codes.
        # Compressed bodies are not decompressed: no page sends any, and a kilobyte can expand to a gigabyte.
        self._application = build_application(services, limits)
        self._connection: dict[str, Any] = {
            "access_log": None,
            "keepalive_timeout": KEPT_SECONDS,
            "auto_decompress": False,
        }
        self._runner = web.AppRunner(self._application, shutdown_timeout=2, **self._connection)

    async def start(self, host: str, port: int) -> int:
        """Listens on this port, or on the next free one. Raises CommandError."""
        await self._runner.setup()
        routes = self._application[SITE].routes
        gate = Gate(room_for_connections(), routes.limits.connections, routes.clients)
        for candidate in range(port, min(port + PORTS_TRIED, 65536)):
            site = GatedSite(self._runner, gate, host, candidate, self._protocol)
            try:
                await site.start()
            except OSError as error:
                if error.errno != errno.EADDRINUSE:
                    raise CommandError(_in_words(error, host, candidate)) from error
            else:
                return site.port
        raise CommandError(f"ports {port} to {candidate} on {host} are all taken; name a free one with --port")

    def _protocol(self, server: web.Server) -> PlainRequestHandler:
        headers = middleware.plain_error_headers(self._application[SITE].options)
        return PlainRequestHandler(server, headers, loop=asyncio.get_running_loop(), **self._connection)

    async def stop(self) -> None:
        await self._runner.cleanup()


def build_application(services: Services, limits: WebLimits | None = None) -> web.Application:
    """Builds the application with all routes, for the server and for tests."""
    options = services.settings.web
    consultations = ConsultationCache(services.store)
    assets = Assets(options.accent)
    page_settings = PageSettings(services.store, options, assets)
    routes = _routes(services, consultations, options, limits)
    application = web.Application(middlewares=[middleware.security_headers], client_max_size=BODY_BYTES)
    application[SITE] = Site(
        services=services,
        page_settings=page_settings,
        consultations=consultations,
        assets=assets,
        routes=routes,
        templates=template_environment(),
    )
    application[PAGE_SETTINGS] = page_settings
    application[code_guess_limit.BUCKETS] = Buckets(code_guess_limit.WRONG_CODES)
    application[code_guess_limit.NETWORKS] = Buckets(code_guess_limit.WRONG_CODES_NETWORK)
    application[room_views.ROOM_VIEWS] = room_views.RoomViewCache()
    router = application.router
    router.add_get("/healthz", _health)
    router.add_get("/readyz", _readiness)
    router.add_get("/static/{name}", application[SITE].assets.send)
    router.add_get("/favicon.ico", application[SITE].assets.icon)
    pages.add_page_routes(router)
    imprint.add_imprint_routes(router)
    contribution.add_contribution_routes(router)
    resume.add_resume_routes(router)
    chat.add_chat_routes(router)
    beginning.add_beginning_routes(router)
    forms.add_form_routes(router)
    calendar_entry.add_calendar_routes(router)
    webhooks.add_webhook_routes(router)
    meeting_pages.add_meeting_routes(router)
    results.add_results_routes(application, services.store, services.editor)
    opendata.add_opendata_routes(application, services.store, services.settings.data, services.settings.zone())
    spread_pages.add_spread_routes(application)
    helper.add_assisted_routes(application)
    add_console_routes(application)
    api.add_api_routes(router)
    media.add_media_routes(application)
    read_aloud.add_read_aloud_routes(application)
    Transports(routes, middleware.transport_error_page).add_to(application)
    return application


def _routes(
    services: Services, consultations: ConsultationCache, options: WebSettings, limits: WebLimits | None
) -> WebRoutes:
    hub = next((channel for channel in services.channels.values() if isinstance(channel, WebHub)), None)
    if hub is None:
        hub = WebHub()

    async def known(address: str) -> bool:
        lookup = services.keys.lookup(hub.name, address)
        try:
            async with asyncio.timeout(KNOWN_SECONDS):
                found = await services.store.read(partial(find_addresses, lookups=[lookup]))
        except (StorageError, TimeoutError) as error:
            raise RequestError("held", HELD_SECONDS) from error
        return any(owner.contact_id is not None for owner in found.values())

    def begun(slug: str, network: str) -> None:
        found = consultations.find_any(slug)
        if found is not None and not found.revision.is_trial:
            services.begin_counter.note(found.revision.consultation_id, network, datetime.now(UTC))

    def say(language: str, phrase: str, /, **values: object) -> str:
        return Locale.of(language).text(phrase, **values)

    return WebRoutes(
        hub,
        secret=services.keys.web,
        known=known,
        say=say,
        door=consultations.access,
        origins=(options.public_url,) if options.public_url else (),
        limits=(limits or WebLimits())._replace(
            proxies=options.trusted_proxies,
            trusted_networks=options.trusted_networks,
            is_public_secure=options.public_url.startswith("https:"),
        ),
        is_framed=bool(options.embed_origins),
        begins_at_door=True,
        begun=begun,
    )


def _in_words(error: OSError, host: str, port: int) -> str:
    if error.errno in {errno.EACCES, errno.EPERM}:
        return f"port {port} is reserved for the administrator; choose one above 1023 with --port"
    return f"the address {host!r} is not one of this machine; check --host (127.0.0.1: only from here, 0.0.0.0: all)"


async def _health(request: web.Request) -> web.Response:
    """Answers while the process runs."""
    return web.Response(text="ok\n")


async def _readiness(request: web.Request) -> web.Response:
    """Answers whether the database accepts writes. The endpoint is public, so it names the problem but no details."""
    error = await site_of(request).services.look()
    if error is None:
        return web.Response(text="ready\n")
    return web.Response(status=503, text=f"{error.summary} What to do: {remedy(error)}.\n")
