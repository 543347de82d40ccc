"""The web channel's routes under `/c/SLUG`, and what the pages need from them."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Collection
from pathlib import Path
from typing import Final, Literal, Protocol

from aiohttp import web

from adapters.web.doors import COOKIE_SECONDS, Conversation, Doors, set_cookie
from adapters.web.hub import WebHub
from adapters.web.limits import Buckets, Origins, WebLimits
from adapters.web.trouble import Trouble
from flows.messages import Mode

Door = Literal["open", "closed", "unknown"]
STATIC: Final = Path(__file__).parent / "static"


class Say(Protocol):
    """A sentence of the catalogue in this language (a BCP 47 tag, "" for none); falls back by itself."""

    def __call__(self, language: str, phrase: str, /, **values: object) -> str: ...


class WebRoutes:
    """The transports of the web channel, and the conversations of browsers.

    >>> routes = WebRoutes(hub, secret=key, known=known, say=say, door=door)                 # doctest: +SKIP
    >>> routes.add_to(application.router)                                                    # doctest: +SKIP
    >>> conversation = routes.conversation_of(request, slug)         # in a page's handler   # doctest: +SKIP
    >>> await routes.begin(request, conversation)                    # the log is not empty  # doctest: +SKIP
    >>> routes.set_cookie(request, response, conversation)                                   # doctest: +SKIP
    """

    def __init__(
        self,
        hub: WebHub,
        *,
        secret: bytes,
        known: Callable[[str], Awaitable[bool]],
        say: Say,
        door: Callable[[str], Door],
        origins: Collection[str] = (),
        limits: WebLimits | None = None,
    ) -> None:
        """`known`: whether the bot knows an address. `door`: whether a consultation is there and open.

        `origins`: where our pages may be, e.g. `https://mitsprache.example`; besides the host a request names.
        """
        self.hub = hub
        self.limits = limits or WebLimits()
        self.say = say
        self.door = door
        self.clients = Origins(self.limits.proxies)
        self._known = known
        self._origins = frozenset(origins)
        self._doors = Doors(secret)
        self._new = Buckets(self.limits.new)
        self._new_network = Buckets(self.limits.new_network)
        self._codes = Buckets(self.limits.codes)
        script = (STATIC / "chat.js").read_bytes()
        self.script = f"/c/-/chat.{hashlib.sha256(script).hexdigest()[:12]}.js"
        """Path of the widget; another one whenever it changes, so that browsers may keep it for good."""

    def add_to(self, router: web.UrlDispatcher) -> None:
        """Adds `/c/SLUG/ws`, `events`, `poll`, `say` and the widget. `/c/SLUG` itself is a page, and not ours."""

    def conversation_of(self, request: web.Request, slug: str) -> Conversation:
        """The browser's conversation at this door; a new one (`is_new`) where its cookie is missing or forged."""
        return self._doors.from_cookie(request, slug) or self._doors.new(slug)

    def set_cookie(
        self,
        request: web.Request,
        response: web.StreamResponse,
        conversation: Conversation,
        max_age: int | None = COOKIE_SECONDS,
    ) -> None:
        """Lets the browser keep the conversation; `max_age` None: until it is closed (kiosk)."""
        value = self._doors.cookie(conversation)
        set_cookie(response, conversation.slug, value, is_secure=self.clients.is_secure(request), max_age=max_age)

    def leave(self, request: web.Request, response: web.StreamResponse, conversation: Conversation) -> None:
        """Wipes a conversation from this browser and from memory; what was answered stays answered."""
        self.hub.forget(conversation.address)
        set_cookie(response, conversation.slug, "", is_secure=self.clients.is_secure(request), max_age=0)

    async def open_by_code(self, request: web.Request, code: str, slug: str) -> Conversation:
        """The conversation of a resume code; call `set_cookie` then. Raises Trouble (`code`, `too_many`)."""
        if wait := self._codes.take(self.clients.address(request)):
            raise Trouble("too_many", wait)
        conversation = self._doors.from_code(code, slug)
        if conversation is None or not await self._known(conversation.address):
            raise Trouble("code")
        return conversation

    async def begin(
        self,
        request: web.Request,
        conversation: Conversation,
        *,
        language_hint: str = "",
        mode: Mode = "self",
        place_code: str = "",
    ) -> None:
        """Lets the bot say where one stands, unless the conversation is in memory. Returns when it said it.

        Raises Trouble: `unknown`, `closed` (for new conversations), `too_many`, `busy`.
        """
        raise NotImplementedError

    async def take(
        self,
        request: web.Request,
        conversation: Conversation,
        client_id: str,
        *,
        text: str = "",
        choice: str = "",
        shown: str = "",
        mode: Mode = "self",
    ) -> None:
        """Hands over one message within all limits; returns when it is stored. Raises Trouble."""
        raise NotImplementedError

    async def settled(self, conversation: Conversation, after: int, seconds: float = 3.0) -> None:
        """Waits until the bot has said what it has to say to the message after entry `after` (for pages)."""
        raise NotImplementedError

    def is_form(self, conversation: Conversation, token: object) -> bool:
        """Whether a form's hidden `csrf` belongs to this conversation."""
        return self._doors.is_csrf(conversation, str(token or ""))

    def is_ours(self, request: web.BaseRequest) -> bool:
        """Whether a request that changes something comes from one of our own pages (Origin, Sec-Fetch-Site)."""
        raise NotImplementedError

    def sentence(self, request: web.Request, conversation: Conversation | None, trouble: Trouble) -> str:
        """What a trouble is called in the language of this person."""
        raise NotImplementedError
