"""The interface of the web channel for pages: conversations of browsers, within their limits."""

from __future__ import annotations

import hashlib
import secrets
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Literal, Protocol

import structlog
from aiohttp import web

from adapters.base import NotStored
from adapters.web import requests
from adapters.web.begins import Begins
from adapters.web.errors import RequestError, TurnLater
from adapters.web.hub import NotRunning, TooMany, WebHub
from adapters.web.limits import Buckets, Origins, Rate, WebLimits
from adapters.web.protocol import check_words
from adapters.web.scripts import without_comments
from adapters.web.sessions import COOKIE_SECONDS, SLUG, WebConversation, WebSessions, set_cookie
from flows.messages import Mode

log = structlog.get_logger()

Door = Literal["open", "closed", "unknown"]
STATIC: Final = Path(__file__).parent / "static"
BUSY_SECONDS: Final = 5.0
HELD_SECONDS: Final = 3.0
"""Seconds after which a page repeats a message that could not be stored."""


class Say(Protocol):
    """Returns a sentence of the catalogue in this language (a BCP 47 tag, "" for none), with fallback languages."""

    def __call__(self, language: str, phrase: str, /, **values: object) -> str: ...


class WebRoutes:
    """The conversations of browsers: identifies them by request, applies limits, words errors.

    >>> routes = WebRoutes(hub, secret=key, known=known, say=say, door=door)                 # doctest: +SKIP
    >>> Transports(routes).add_to(application)                                               # doctest: +SKIP
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
        is_framed: bool = False,
        begins_at_door: bool = False,
        begun: Callable[[str, str], None] = lambda slug, network: None,
    ) -> None:
        """`known`: whether the bot knows an address. `door`: whether a consultation exists and is open.

        `origins`: the origins of our pages, e.g. `https://mitsprache.example`; besides the host of the request.
        `is_framed`: whether pages of other sites may show ours in a frame. `begins_at_door`: the cookie is set when a
        conversation has begun, so a conversation that the bot does not know was deleted since. `begun`: called with
        the consultation and the network of each new conversation, if visitors can be told apart.
        """
        self.hub = hub
        self.limits = limits or WebLimits()
        self.clients = Origins(
            self.limits.proxies,
            trusted=self.limits.trusted_networks,
            is_public_secure=self.limits.is_public_secure,
        )
        self._known = known
        self._say = say
        self._door = door
        self._origins = frozenset(origins)
        self._is_framed = is_framed
        self._begins_at_door = begins_at_door
        self._begun = begun
        self._doors = WebSessions(secret)
        self._messages = Buckets(self.limits.conversation)
        self._messages_address = Buckets(self.limits.address)
        self._begins = Begins(self.limits.begins)
        self._new_network = Buckets(self.limits.new_network)
        self._codes = Buckets(self.limits.codes)
        self._lines: Counter[str] = Counter()
        script = without_comments((STATIC / "chat.js").read_bytes())
        self.script = f"/c/-/chat.{hashlib.sha256(script).hexdigest()[:12]}.js"
        """Path of the widget; it changes with the content, so that browsers may cache it for good."""

    def conversation_of(self, request: web.Request, slug: str) -> WebConversation:
        """Returns the browser's conversation in this consultation; a new one (`is_new`) if its cookie is missing or
        forged."""
        return self._doors.from_cookie(request, slug) or self._doors.new(slug)

    def present(self, request: web.Request, slug: str) -> WebConversation:
        """Returns the browser's conversation, which must exist. Raises RequestError (`unknown`, `session`)."""
        if not SLUG.fullmatch(slug):
            raise RequestError("unknown")
        conversation = self._doors.from_cookie(request, slug)
        if conversation is None:
            raise RequestError("unknown" if self._door(slug) == "unknown" else "session")
        return conversation

    def set_cookie(
        self,
        request: web.Request,
        response: web.StreamResponse,
        conversation: WebConversation,
        max_age: int | None = COOKIE_SECONDS,
    ) -> None:
        """Sets the cookie of the conversation; `max_age` None: until the browser is closed (kiosk)."""
        self._write_cookie(request, response, conversation, self._doors.cookie(conversation), max_age)

    def leave(self, request: web.Request, response: web.StreamResponse, conversation: WebConversation) -> None:
        """Wipes a conversation from this browser and from memory; stored answers stay."""
        self.hub.wipe(conversation.address)
        self._write_cookie(request, response, conversation, "", 0)

    def _write_cookie(
        self,
        request: web.Request,
        response: web.StreamResponse,
        conversation: WebConversation,
        value: str,
        max_age: int | None,
    ) -> None:
        is_secure = self.clients.is_secure(request)
        set_cookie(response, conversation.slug, value, is_secure=is_secure, is_framed=self._is_framed, max_age=max_age)

    def another(self, conversation: WebConversation) -> WebConversation:
        """Returns a conversation of the same consultation with a new id; call `set_cookie` then."""
        return self._doors.new(conversation.slug)

    async def open_by_code(self, request: web.Request, code: str, slugs: Iterable[str]) -> WebConversation:
        """Returns the conversation of a resume code in one of these consultations; call `set_cookie` then. Raises
        RequestError (`code`, `too_many`).
        """
        if wait := self._codes.take(self.clients.address(request)):
            raise RequestError("too_many", wait)
        for slug in slugs:
            conversation = self._doors.from_code(code, slug)
            if conversation is not None and await self._known(conversation.address):
                return conversation
        raise RequestError("code")

    async def begin(
        self,
        request: web.Request,
        conversation: WebConversation,
        *,
        language_hint: str = "",
        mode: Mode = "self",
        entry_code: str = "",
        turn: str = "",
        is_expected: bool = False,
    ) -> None:
        """Requests the current step from the bot, unless the log shows it already. Returns when it is in the log.

        `language_hint` "" means the browser's language. `turn` names the visitor while a new conversation has to wait,
        "": the conversation does. `is_expected`: one of many at one place, such as a room of a live meeting or a device
        of staff. Raises TurnLater, and RequestError: `unknown`, `closed` (for new visitors), `too_many`, `busy`,
        `held`; `session` if the browser's conversation was deleted: opening the page must not create a contact again.
        """
        if self.hub.is_known(conversation.address):
            return
        hint = language_hint or requests.language_of(request)

        async def ask() -> None:
            is_burst = False
            is_known = not conversation.is_new and await self._known(conversation.address)
            if not is_known:
                if self._begins_at_door and not conversation.is_new:
                    raise RequestError("session")
                is_burst = self._check_new(
                    request, conversation.slug, turn or conversation.address, is_expected=is_expected
                )
            text = "repeat" if is_known else f"/start {conversation.slug}"
            # A new id every time: the same request after the next restart is not a repeat of this one.
            await self.hub.say(
                conversation.address,
                f"begin-{secrets.token_hex(8)}",
                text=text,
                language_hint=hint,
                mode=mode,
                entry_code=entry_code,
                is_burst=is_burst,
                until_answered=True,
            )

        with _in_trouble():
            await self.hub.open(conversation.address, ask)

    def has_turn(self, request: web.Request, turn: str) -> bool:
        """Whether a visitor of this network waits under this name."""
        return self._begins.has_turn(self.clients.begin_network(request), turn)

    def _check_new(self, request: web.Request, slug: str, visitor: str, *, is_expected: bool) -> bool:
        """Returns whether the new conversation belongs to a burst. Raises RequestError, TurnLater."""
        state = self._door(slug)
        if state != "open":
            raise RequestError(state)
        network = self.clients.begin_network(request)
        if not self._begins.has_turn(network, visitor) and (
            wait := self._new_network.take(self.clients.network(request))
        ):
            raise RequestError("too_many", wait)
        if not network:
            return False
        is_wide = is_expected or self.clients.is_trusted(request)
        begin = self._begins.take(network, visitor, slug, is_wide=is_wide)
        if begin.is_first_wait:
            log.warning("network_begins_wait")
        if begin.is_refused:
            raise RequestError("too_many", begin.wait)
        if begin.wait:
            raise TurnLater(begin.wait)
        self._begun(slug, network)
        return begin.is_burst

    async def take(
        self,
        request: web.Request,
        conversation: WebConversation,
        client_id: str,
        *,
        text: str = "",
        choice: str = "",
        shown: str = "",
        mode: Mode = "self",
        until_answered: bool = False,
    ) -> None:
        """Hands over one message within all limits; returns when it is stored, or when the replies to it are in the log
        as well (`until_answered`, for pages that cannot wait). The same `client_id` again is harmless.

        `shown` is its text in the log; "": a text as it is, a choice by its label. Raises RequestError:
        `malformed`, `empty`, `too_long`, `too_many`, `busy`, `held`, and what `begin` raises.
        """
        words = check_words({"id": client_id, "text": text, "choice": choice, "shown": shown})
        try:
            if len(words.text) > self.limits.text:
                raise RequestError("too_long")
            wait = self._messages.take(conversation.address)
            wait = wait or self._messages_address.take(self.clients.address(request))
            if wait:
                raise RequestError("too_many", wait)
            await self.begin(request, conversation, mode=mode)
            label = self.hub.label(conversation.address, words.choice) or words.shown or words.choice
            # The box on a button shows the state before the tap.
            label = label.removeprefix("☐ ").removeprefix("☑ ")
            with _in_trouble():
                await self.hub.say(
                    conversation.address,
                    words.id,
                    text=words.text,
                    choice=words.choice,
                    shown=words.shown or words.text or label,
                    mode=mode,
                    until_answered=until_answered,
                )
        except RequestError as trouble:
            trouble.id = words.id
            raise

    def is_form(self, conversation: WebConversation, token: object) -> bool:
        """Whether a form's hidden `csrf` belongs to this conversation."""
        return self._doors.is_csrf(conversation, str(token or ""))

    def is_ours(self, request: web.BaseRequest, *, has_token: bool = True) -> bool:
        """Whether a request that changes something is from one of our own pages (Origin, Sec-Fetch-Site)."""
        return requests.is_ours(request, self._origins, has_token=has_token)

    def sentence(
        self, request: web.BaseRequest, trouble: RequestError, conversation: WebConversation | None = None
    ) -> str:
        """Returns the sentence for an error in the visitor's language."""
        language = self.hub.language(conversation.address) if conversation else ""
        language = language or requests.language_of(request)
        sentences = [self._say(language, phrase) for phrase in trouble.phrases]
        return " ".join(sentence if sentence[-1:] in set(".!?؟…") else f"{sentence}." for sentence in sentences)

    def open_line(self, request: web.BaseRequest, conversation: WebConversation) -> tuple[str, str]:
        """Counts an open connection; pass the result to `close_line`. Raises RequestError (`too_many_lines`)."""
        keys = (conversation.address, f"from {self.clients.address(request)}")
        for key, most in zip(keys, (self.limits.lines, self.limits.lines_address), strict=True):
            if most and self._lines[key] >= most:
                raise RequestError("too_many_lines", BUSY_SECONDS)
        self._lines.update(keys)
        return keys

    def close_line(self, keys: tuple[str, str]) -> None:
        """Records that a connection is closed."""
        for key in keys:
            self._lines[key] -= 1
            if not self._lines[key]:
                del self._lines[key]


@contextmanager
def _in_trouble() -> Iterator[None]:
    """Translates the refusals of the hub into RequestError."""
    try:
        yield
    except TooMany as error:
        raise RequestError("too_many", 1) from error
    except NotRunning as error:
        raise RequestError("busy", BUSY_SECONDS) from error
    except NotStored as error:
        raise RequestError("held", HELD_SECONDS) from error


FRAMES: Final = Rate(60, 10)
"""Rate of frames of any kind on one connection: a higher rate is not human."""
