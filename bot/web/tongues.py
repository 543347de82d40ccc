"""In which language a page speaks, and how it says numbers and dates."""

from __future__ import annotations

from datetime import date
from functools import cache
from typing import Final, NamedTuple

from aiohttp import web

from bot import formats, phrases
from flows.languages import LANGUAGES, Language, best_guess
from flows.phrases import Phrases

COOKIE: Final = "lang"
FIRST: Final = "de"


class Tongue(NamedTuple):
    """One language as pages use it.

    >>> Tongue.of("en").say("web.card.minutes", n=3)
    'About 3 minutes'
    """

    tag: str
    phrases: Phrases

    @staticmethod
    def of(tag: str) -> Tongue:
        """The language of this tag; that of the house where there is no such language."""
        return _tongue(tag if tag in spoken() else FIRST)

    @property
    def direction(self) -> str:
        return "rtl" if LANGUAGES[self.tag].right_to_left else "ltr"

    @property
    def name(self) -> str:
        return LANGUAGES[self.tag].name

    @property
    def is_unreviewed(self) -> bool:
        """Whether no speaker of the language has read the phrases of the house yet."""
        return bool(phrases.unreviewed(self.tag))

    def say(self, phrase: str, /, **values: object) -> str:
        """A phrase of the pages. None of them addresses anybody as du or Sie."""
        return self.phrases.say(phrase, "sie", **values)

    def lines(self, phrase: str) -> list[str]:
        """A phrase that is a list, one entry a line."""
        return self.say(phrase).splitlines()

    def day(self, day: date) -> str:
        """A date in full: "31. März 2027"."""
        return formats.date(day, self.tag)


@cache
def _tongue(tag: str) -> Tongue:
    return Tongue(tag, phrases.load(tag))


@cache
def spoken() -> tuple[str, ...]:
    """Tags of all languages of the house, in the order in which they are offered."""
    return tuple(tag for tag in LANGUAGES if tag in phrases.languages())


def offered() -> list[Language]:
    return [LANGUAGES[tag] for tag in spoken()]


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
