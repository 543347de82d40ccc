"""Reads messages aloud by speech synthesis, where there is no recording."""

from __future__ import annotations

import unicodedata
from typing import Final

from aiohttp import web

from adapters.web.errors import RequestError
from adapters.web.limits import Buckets, Rate
from adapters.web.log import ChatEntry
from bot.common.i18n.locale import Locale
from bot.web.context import SITE, Site, site_of
from bot.web.middleware import request_error_page
from bot.web.public.chat import SLUG
from bot.web.public.espeak import VOICES, Espeak
from flows.messages import MsgOut, message_as_text

CONVERSATION: Final = Rate(20, 0.2)
"""The maximum number of synthesised messages per conversation; repeating one is free."""
ADDRESS: Final = Rate(60, 2)
_SIGNS: Final = frozenset("→←[]{}<>|\\_*#^~`")
"""Brackets too: the program would read a text in them as phonemes."""
_SPOKEN: Final = frozenset("°№")


class ReadAloud:
    """The handlers with their state."""

    def __init__(self, site: Site) -> None:
        self._espeak = Espeak.found()
        self._conversation = Buckets(CONVERSATION)
        self._address = Buckets(ADDRESS)
        if self._espeak:
            site.routes.hub.voices = frozenset(VOICES)

    async def speak(self, request: web.Request) -> web.StreamResponse:
        """`GET /c/SLUG/speak/SEQ`: a message of the visitor's own conversation as sound."""
        routes = site_of(request).routes
        conversation = routes.present(request, request.match_info["slug"])
        try:
            msg = self._message(request, conversation.address)
            said = spoken_text(msg)
            sound = self._espeak and self._espeak.remembered(said, msg.language)
            if not sound:
                sound = await self._read(request, conversation.address, said, msg.language)
        except RequestError as error:
            language = routes.hub.language(conversation.address)
            locale = Locale.of(language) if language else None
            return request_error_page(site_of(request), request, error, locale)
        return _part(request, sound)

    def _message(self, request: web.Request, address: str) -> MsgOut:
        """Returns the message of the path, if the bot sent it to this visitor. Raises RequestError."""
        hub, seq = site_of(request).routes.hub, int(request.match_info["seq"])
        if hub.is_known(address):
            for entry in hub.chat(address).entries:
                if entry.seq == seq and entry.msg is not None and entry.speak:
                    return entry.msg
        raise RequestError("unknown")

    async def _read(self, request: web.Request, address: str, text: str, language: str) -> bytes:
        if self._espeak is None:
            raise RequestError("unknown")
        client = site_of(request).routes.clients.address(request)
        if wait := self._conversation.take(address) or self._address.take(client):
            raise RequestError("too_many", wait)
        return await self._espeak.read(text, language)


def add_read_aloud_routes(application: web.Application) -> None:
    """Adds the route and tells the hub the available speech languages."""
    aloud = ReadAloud(application[SITE])
    application.router.add_get(rf"/c/{SLUG}/speak/{{seq:[0-9]{{1,15}}}}", aloud.speak)


def sound_source(entry: ChatEntry | None) -> str:
    """Returns the address of a message's sound: its recording, else synthesis, else ""."""
    return (entry.recording or entry.speak) if entry else ""


def spoken_text(msg: MsgOut) -> str:
    """Returns a message as it is read aloud: text and options, without boxes, arrows and emoji.

    >>> from flows.messages import QuickReply
    >>> spoken_text(MsgOut("🌳 Was fehlt?", (QuickReply("a", "☐ Bänke", 1), QuickReply("b", "Überspringen"))))
    'Was fehlt?\\n1: Bänke.\\nÜberspringen.'
    """
    lines = [_plain(line) for line in message_as_text(msg).split("\n")]
    lines += [_plain(reply.read_aloud) for reply in msg.quick_replies]
    return "\n".join(line if line[-1] in ".!?:;…؟" else f"{line}." for line in lines if line)


def _plain(line: str) -> str:
    return " ".join("".join(map(_sayable, line)).split())


def _sayable(char: str) -> str:
    """Returns the character, or a space for one that speech synthesis stumbles over."""
    if char in _SIGNS:
        return " "
    category = unicodedata.category(char)
    if category in {"Me", "Cf", "Cc"} or char == "\N{VARIATION SELECTOR-16}":
        return " " if char.isspace() else ""  # enclose a digit, join emoji or allow a hyphen within a word
    return " " if category in {"So", "Sk", "Cs", "Co", "Cn"} and char not in _SPOKEN else char


def _part(request: web.Request, sound: bytes) -> web.Response:
    """Returns the sound or the requested range; some browsers play only sounds with range support."""
    headers = {"Accept-Ranges": "bytes", "Cache-Control": "no-store"}
    try:
        first, stop, _ = request.http_range.indices(len(sound))
    except ValueError:
        first, stop = 0, len(sound)
    if first >= stop:
        return web.Response(status=416, headers=headers | {"Content-Range": f"bytes */{len(sound)}"})
    status = 200
    if stop - first < len(sound) or "Range" in request.headers:
        status = 206
        headers["Content-Range"] = f"bytes {first}-{stop - 1}/{len(sound)}"
    return web.Response(status=status, body=sound[first:stop], headers=headers, content_type="audio/wav")
