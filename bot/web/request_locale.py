"""In which language a page speaks: what the person chose, else what the browser asks for."""

from __future__ import annotations

from typing import Final

from aiohttp import web

from bot.common.i18n.locale import Tongue, spoken
from flows.languages import best_guess

COOKIE: Final = "lang"


def tongue_of(request: web.Request) -> Tongue:
    """What the person chose, else what the browser asks for, else the language of the house."""
    chosen = request.cookies.get(COOKIE, "")
    return Tongue.of(chosen if chosen in spoken() else wished(request, spoken()))


def wished(request: web.Request, among: tuple[str, ...]) -> str:
    """The first language of the browser that is among these, else the first of these."""
    for entry in request.headers.get("Accept-Language", "")[:500].split(","):
        tag = entry.partition(";")[0].strip()
        guess = best_guess(tag, among)
        if guess.partition("-")[0] == tag.partition("-")[0].casefold():
            return guess
    return among[0]
