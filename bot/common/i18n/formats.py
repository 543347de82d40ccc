"""Dates, numbers and lists as people of a language write them, by the rules of CLDR.

>>> date(dt.date(2027, 3, 31), "de-simple"), number(12345.5, "en"), join_languages(["de", "tr"], "en")
('31. März 2027', '12,345.5', 'Deutsch and Türkçe')
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from decimal import Decimal
from functools import cache
from typing import Final

from babel.core import Locale
from babel.dates import format_date, format_time
from babel.numbers import format_decimal, format_percent

from bot.common.i18n import phrase_catalogues
from flows.languages import LANGUAGES

# Digits are Latin in every language, also where a country's own would be others (ar-EG, ar-SY: ٣١). CLDR's choice for
# plain "ar" is the same; signs, keys and forms here have no others; and the bot counts its answers "1, 2, 3", which
# people type back. Typed Arabic digits are understood all the same.
_DIGITS: Final = "latn"
_ISOLATE, _POP = "\u2068", "\u2069"


@cache
def babel_locale(language: str) -> Locale:
    """What Babel knows of a language. It has no variants: `de-simple` writes dates and numbers as German does.

    English is the British one, like the words of the catalogue: a month before its day puzzles Europe.
    """
    return Locale.parse("en_GB" if language == "en" else language.partition("-")[0])


def date(day: dt.date, language: str) -> str:
    """A day in full: "31. März 2027"."""
    text = format_date(day, "long", locale=babel_locale(language))
    if language == "ar":
        # Syria, Lebanon and Iraq call March آذار, Egypt and the Maghreb مارس; as the United Nations do, we say both.
        levant, west = (Locale.parse(tag).months["format"]["wide"][day.month] for tag in ("ar_SY", "ar"))
        text = text.replace(west, f"{levant}/{west}")
    return text


def date_and_time(at: dt.datetime, language: str) -> str:
    """A day in full with the time: "31. März 2027, 14:05"."""
    return f"{date(at.date(), language)}, {format_time(at.time(), 'HH:mm', locale=babel_locale(language))}"


def number(value: int | float | Decimal, language: str) -> str:
    """A number with up to three decimals: "12.345,5"."""
    return format_decimal(value, locale=babel_locale(language), numbering_system=_DIGITS)


def percent(share: float | Decimal, language: str) -> str:
    """A share of one in whole per cent: 0.125 is "13 %" (what is cut off goes to the nearer side, halves to even)."""
    return format_percent(share, locale=babel_locale(language), numbering_system=_DIGITS)


def join_words(words: Iterable[str], language: str) -> str:
    """Words in one line, joined as the bot joins answers: "A, B und C"; nothing for none."""
    *first, last = [*words] or [""]
    if not first:
        return last
    said = phrase_catalogues.load_phrases(language)
    return said.text("list.and", "sie", first=said.text("list.comma", "sie").join(first), last=last)


def join_languages(tags: Iterable[str], language: str) -> str:
    """Languages in one line, each in its own words: "Deutsch, English und Türkçe".

    A name that is read in the other direction is set apart by invisible signs, so that the order of the list stays.
    """
    direction = LANGUAGES[language].right_to_left
    names = [LANGUAGES[tag] for tag in tags]
    return join_words(
        (it.name if it.right_to_left == direction else f"{_ISOLATE}{it.name}{_POP}" for it in names), language
    )
