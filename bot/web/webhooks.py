"""The door for messengers that call the house instead of being asked: `/hooks/NAME`, NAME being a channel."""

from __future__ import annotations

from aiohttp import web

from adapters.base import Hooked
from bot.web.context import site_of


def add_webhook_routes(router: web.UrlDispatcher) -> None:
    router.add_post("/hooks/{channel}", _hook)


async def _hook(request: web.Request) -> web.Response:
    """Hands the call to its channel, which knows whom it trusts and answers when the messages are stored."""
    channel = site_of(request).services.channels.get(request.match_info["channel"])
    if not isinstance(channel, Hooked):
        raise web.HTTPNotFound
    return await channel.hook(request)
