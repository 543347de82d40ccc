"""The language of a page: the visitor's choice, else the browser's preference."""

from __future__ import annotations

from typing import Final

from aiohttp import web

from bot.common.i18n.locale import Locale, available_languages
from bot.web.page_settings import PageSettings
from flows.languages import best_guess

COOKIE: Final = "lang"
PAGE_SETTINGS: Final = web.AppKey("page-settings", PageSettings)


def locale_of(request: web.Request) -> Locale:
    """Returns the chosen language, else the browser's, else the default language."""
    chosen, offered = request.cookies.get(COOKIE, ""), request.app[PAGE_SETTINGS].languages()
    # A consultation may have languages that other pages do not offer.
    return Locale.of(chosen if chosen in available_languages() else preferred_language(request, offered))


def preferred_language(request: web.Request, among: tuple[str, ...]) -> str:
    """Returns the browser's first language among these, else the first of these."""
    for entry in request.headers.get("Accept-Language", "")[:500].split(","):
        tag = entry.partition(";")[0].strip()
        guess = best_guess(tag, among)
        if guess.partition("-")[0] == tag.partition("-")[0].casefold():
            return guess
    return among[0]
