"""Begins a conversation, after a wait where many begin on one network; without JavaScript."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final, NamedTuple
from urllib.parse import urlencode

from aiohttp import web

from adapters.web.errors import RequestError, TurnLater
from bot.consultations.entry_codes import parse_entry_code
from bot.web.consultation_cache import PublishedConsultation
from bot.web.context import EMBED, form_of, set_preference_cookie, site_of
from bot.web.public.chat import (
    SLUG,
    answer_language_question,
    new_message_id,
    redirect_after_start,
    redirect_to_conversation,
    requested_consultation,
)
from bot.web.request_locale import COOKIE

LONGEST_REFRESH: Final = 20
"""Seconds after which a waiting page shows the rest of the wait again."""


class StartWish(NamedTuple):
    """What a visitor chose on the landing page; the waiting page carries it along in its address."""

    language: str
    place: str
    view: str

    @classmethod
    def of(cls, published: PublishedConsultation, fields: Mapping[str, object]) -> StartWish:
        """Reads the fields of a form or of a query."""
        place = parse_entry_code(str(fields.get("at", "")))
        # Not `lang`: a query with that name changes the language of all pages.
        tag = str(fields.get("lang") or fields.get("in") or "")
        return cls(published.best(tag), place, "form" if fields.get("view") == "form" else "chat")

    def waiting_address(self, request: web.Request, slug: str, turn: str) -> str:
        query = {"turn": turn, "in": self.language, "at": self.place, "view": self.view}
        query |= {EMBED: "1"} if EMBED in request.query else {}
        return f"/c/{slug}/wait?{urlencode(query)}"


def add_beginning_routes(router: web.UrlDispatcher) -> None:
    router.add_post(f"/c/{SLUG}/start", _begin)
    router.add_get(f"/c/{SLUG}/wait", _wait)


async def _begin(request: web.Request) -> web.StreamResponse:
    """Starts a conversation in the chosen language, or gives the visitor a turn."""
    site, published = site_of(request), requested_consultation(request, trials=True)
    if not site.routes.is_ours(request):
        raise RequestError("origin")
    wish, turn = StartWish.of(published, await form_of(request)), new_message_id()
    try:
        return await _begun(request, published, wish, turn)
    except TurnLater:
        return web.Response(status=303, headers={"Location": wish.waiting_address(request, published.slug, turn)})


async def _wait(request: web.Request) -> web.StreamResponse:
    """Shows how long a visitor waits for the start; starts the conversation when the turn has come."""
    published = requested_consultation(request, trials=True)
    wish, turn = StartWish.of(published, request.query), request.query.get("turn", "")
    routes = site_of(request).routes
    if not routes.conversation_of(request, published.slug).is_new:
        return redirect_to_conversation(request, published.slug, form=wish.view == "form")
    # Only a turn that a form of ours was given: another page cannot start a conversation with a link.
    if request.method != "GET" or not routes.has_turn(request, turn):
        place = {"at": wish.place} if wish.place else {}
        return web.Response(status=303, headers={"Location": f"/c/{published.slug}?{urlencode(place)}"})
    try:
        return await _begun(request, published, wish, turn)
    except TurnLater as later:
        return _waiting_page(request, published, wish, turn, math.ceil(later.seconds))


async def _begun(
    request: web.Request, published: PublishedConsultation, wish: StartWish, turn: str
) -> web.StreamResponse:
    """Starts the conversation. Raises RequestError, TurnLater."""
    routes = site_of(request).routes
    conversation = routes.conversation_of(request, published.slug)
    await routes.begin(request, conversation, language_hint=wish.language, entry_code=wish.place, turn=turn)
    await answer_language_question(request, conversation, wish.language)
    response = redirect_after_start(request, published.slug, form=wish.view == "form")
    routes.set_cookie(request, response, conversation)
    set_preference_cookie(request, response, COOKIE, wish.language)
    return response


def _waiting_page(
    request: web.Request, published: PublishedConsultation, wish: StartWish, turn: str, seconds: int
) -> web.Response:
    locale = published.locale(wish.language)
    response = site_of(request).page(
        request,
        "public/wait.html",
        locale,
        seconds=seconds,
        refresh=min(seconds, LONGEST_REFRESH),
        onward=wish.waiting_address(request, published.slug, turn),
        title=published.text(published.listing.title, locale.tag),
    )
    response.headers["Retry-After"] = str(seconds)
    return response
