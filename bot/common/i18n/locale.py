"""One language as pages and commands use it: phrases, numbers and dates that address nobody."""

from __future__ import annotations

from datetime import date, datetime
from functools import cache
from typing import Final, NamedTuple

from bot.common.i18n import formats
from bot.common.i18n import phrase_catalogues as phrases
from flows.languages import LANGUAGES, Language
from flows.phrases import Phrases

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

    def moment(self, at: datetime) -> str:
        """A date in full with the time, in the zone `at` is given in: "31. März 2027, 14:05"."""
        return formats.moment(at, self.tag)


@cache
def _tongue(tag: str) -> Tongue:
    return Tongue(tag, phrases.load(tag))


@cache
def spoken() -> tuple[str, ...]:
    """Tags of all languages of the house, in the order in which they are offered."""
    return tuple(tag for tag in LANGUAGES if tag in phrases.languages())


def offered() -> list[Language]:
    return [LANGUAGES[tag] for tag in spoken()]
