"""Formats dates, numbers and lists in a language, by the rules of CLDR.

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
from babel.dates import format_date, format_skeleton, format_time, get_day_names
from babel.numbers import format_decimal, format_percent

from bot.common.i18n import phrase_catalogues
from flows.languages import LANGUAGES

# Digits are Latin in every language, even if a country's default differs (ar-EG, ar-SY: ٣١). CLDR uses them for plain
# "ar"; buttons and forms have no others; and the bot numbers its options "1, 2, 3", which residents type back. Typed
# Arabic digits are understood too.
_DIGITS: Final = "latn"
_ISOLATE, _POP = "\u2068", "\u2069"


@cache
def babel_locale(language: str) -> Locale:
    """Returns Babel's locale of a language. It has no variants: `de-simple` writes dates and numbers as German does.

    English is the British one, like the catalogue: European readers misread a month before its day.
    """
    return Locale.parse("en_GB" if language == "en" else language.partition("-")[0])


def date(day: dt.date, language: str) -> str:
    """Formats a day in full: "31. März 2027"."""
    return _with_both_names(format_date(day, "long", locale=babel_locale(language)), day, language)


def weekdays(days: Iterable[int], language: str) -> str:
    """Joins the names of days of the week, Monday is 0.

    >>> weekdays([6, 5], "de")
    'Samstag und Sonntag'
    """
    names = get_day_names("wide", "stand-alone", babel_locale(language))
    return join_words([names[it] for it in sorted(days)], language)


def period(code: str, language: str) -> str:
    """Formats a month or a year, from its ISO code.

    >>> period("2027-03", "de"), period("2027", "de")
    ('März 2027', '2027')
    """
    if "-" not in code:
        return code
    day = dt.date.fromisoformat(f"{code}-01")
    return _with_both_names(format_skeleton("yMMMM", day, locale=babel_locale(language)), day, language)


def _with_both_names(text: str, day: dt.date, language: str) -> str:
    if language == "ar":
        # Syria, Lebanon and Iraq call March آذار, Egypt and the Maghreb مارس; like the United Nations, dates contain
        # both.
        levant, west = (Locale.parse(tag).months["format"]["wide"][day.month] for tag in ("ar_SY", "ar"))
        text = text.replace(west, f"{levant}/{west}")
    return text


def date_and_time(at: dt.datetime, language: str) -> str:
    """Formats a day in full with the time: "31. März 2027, 14:05"."""
    return f"{date(at.date(), language)}, {format_time(at.time(), 'HH:mm', locale=babel_locale(language))}"


def number(value: int | float | Decimal, language: str) -> str:
    """Formats a number with up to three decimals: "12.345,5"."""
    return format_decimal(value, locale=babel_locale(language), numbering_system=_DIGITS)


def percent(share: float | Decimal, language: str) -> str:
    """Formats a share of one in whole per cent: 0.125 is "13 %" (rounded to the nearest, halves to even)."""
    return format_percent(share, locale=babel_locale(language), numbering_system=_DIGITS)


def join_words(words: Iterable[str], language: str) -> str:
    """Joins words in one line: "A, B und C"; "" for none."""
    *first, last = [*words] or [""]
    if not first:
        return last
    said = phrase_catalogues.load_phrases(language)
    return said.text("list.and", "sie", first=said.text("list.comma", "sie").join(first), last=last)


def join_languages(tags: Iterable[str], language: str) -> str:
    """Joins languages in one line, each in its own language: "Deutsch, English und Türkçe".

    Names with the other text direction are isolated by invisible characters, so that the order of the list stays.
    """
    direction = LANGUAGES[language].right_to_left
    names = [LANGUAGES[tag] for tag in tags]
    return join_words(
        (it.name if it.right_to_left == direction else f"{_ISOLATE}{it.name}{_POP}" for it in names), language
    )
