"""Webhooks of messengers: `/hooks/NAME`, NAME being a channel."""

from __future__ import annotations

from aiohttp import web

from adapters.base import Hooked
from bot.web.context import site_of


def add_webhook_routes(router: web.UrlDispatcher) -> None:
    router.add_post("/hooks/{channel}", _hook)
    router.add_get("/hooks/{channel}", _hook, allow_head=False)


async def _hook(request: web.Request) -> web.Response:
    """Passes the request to its channel, which authenticates it and answers after the messages are stored."""
    channel = site_of(request).services.channels.get(request.match_info["channel"])
    if not isinstance(channel, Hooked):
        raise web.HTTPNotFound
    return await channel.hook(request)
