"""The identity provider of this installation, if the settings name one."""

from __future__ import annotations

from typing import Final

from aiohttp import web

from bot.staff.identity_provider import IdentityProvider

PROVIDER: Final = web.AppKey("console-provider", IdentityProvider)


def provider_name(request: web.Request) -> str:
    """Returns the name of the provider on buttons; "" without one."""
    provider = request.app.get(PROVIDER)
    return provider.label if provider else ""


def provider_of(request: web.Request) -> IdentityProvider:
    """Returns the provider. Raises HTTPNotFound without one."""
    provider = request.app.get(PROVIDER)
    if provider is None:
        raise web.HTTPNotFound
    return provider
