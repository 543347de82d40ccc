"""The language of a page or command: its phrases, dates and numbers."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from functools import cache
from typing import Final, NamedTuple

from bot.common.i18n import formats, phrase_catalogues
from flows.languages import LANGUAGES, Language
from flows.phrases import Phrases

DEFAULT_LANGUAGE: Final = "de"
"""The language used if there are no phrases in the requested one."""


class Locale(NamedTuple):
    """A language with its phrases.

    >>> Locale.of("en").text("web.card.minutes", n=3)
    'About 3 minutes'
    """

    tag: str
    phrases: Phrases

    @staticmethod
    def of(tag: str) -> Locale:
        """Returns the language of this tag, or the default language if no phrases exist in it."""
        return _locale(tag if tag in available_languages() else DEFAULT_LANGUAGE)

    @property
    def direction(self) -> str:
        return "rtl" if LANGUAGES[self.tag].right_to_left else "ltr"

    @property
    def name(self) -> str:
        return LANGUAGES[self.tag].name

    @property
    def is_unreviewed(self) -> bool:
        """Whether some phrases still wait for a review by a speaker of the language."""
        return bool(phrase_catalogues.unreviewed_phrases(self.tag))

    def text(self, phrase: str, /, **values: object) -> str:
        """Returns a phrase. Phrases of pages avoid forms of address, so the form does not matter."""
        return self.phrases.text(phrase, "sie", **values)

    def lines(self, phrase: str) -> list[str]:
        """Returns the entries of a phrase that holds one entry per line."""
        return self.text(phrase).splitlines()

    def day(self, day: date) -> str:
        """Returns a date in full: "31. März 2027"."""
        return formats.date(day, self.tag)

    def weekdays(self, days: Iterable[int]) -> str:
        """Returns days of the week in one line: "Samstag und Sonntag"; Monday is 0."""
        return formats.weekdays(days, self.tag)

    def period(self, code: str) -> str:
        """Returns the month or the year of an ISO code: "März 2027" for "2027-03"."""
        return formats.period(code, self.tag)

    def number(self, value: float) -> str:
        """Returns a number with one decimal: "4,5"."""
        return formats.number(round(value, 1), self.tag)

    def moment(self, at: datetime) -> str:
        """Returns a date and time in full, in the zone of `at`: "31. März 2027, 14:05"."""
        return formats.date_and_time(at, self.tag)


@cache
def _locale(tag: str) -> Locale:
    return Locale(tag, phrase_catalogues.load_phrases(tag))


@cache
def available_languages() -> tuple[str, ...]:
    """Returns the tags of all languages with phrases, in the order in which pages offer them."""
    return tuple(tag for tag in LANGUAGES if tag in phrase_catalogues.catalogue_languages())


def offered_languages() -> list[Language]:
    return [LANGUAGES[tag] for tag in available_languages()]
