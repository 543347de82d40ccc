"""Dates, numbers and lists in every language of the app."""

import datetime as dt
import re

import pytest

from bot.common.i18n import formats, phrase_catalogues
from flows.languages import LANGUAGES

LAST_DAY = dt.date(2027, 3, 31)
DATES = {
    "de": "31. März 2027",
    "de-simple": "31. März 2027",
    "en": "31 March 2027",
    "tr": "31 Mart 2027",
    "ar": "31 آذار/مارس 2027",
    "ru": "31 марта 2027\u202fг.",
    "uk": "31 березня 2027\u202fр.",
    "pl": "31 marca 2027",
}


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_day_in_full(language: str):
    assert formats.date(LAST_DAY, language) == DATES[language]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_month_has_a_name(language: str):
    days = {formats.date(LAST_DAY.replace(month=month, day=1), language) for month in range(1, 13)}
    assert len(days) == 12
    assert all(re.search(r"\b1\b.*2027|2027.*\b1\b", day) for day in days)
    assert all(("/" in day) == (language == "ar") for day in days)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_decimal_sign_is_the_one_of_the_catalogue(language: str):
    sign = phrase_catalogues.load_phrases(language).text("number.decimal", "sie")
    assert formats.number(0.5, language) == f"0{sign}5"


@pytest.mark.parametrize("language", LANGUAGES)
def test_digits_can_be_typed_on_any_keyboard(language: str):
    written = formats.date(LAST_DAY, language) + formats.number(1234567890, language) + formats.percent(0.5, language)
    assert {char for char in written if char.isdecimal()} <= set("0123456789")


def test_numbers_as_people_write_them():
    assert formats.number(12345.5, "de-simple") == "12.345,5"
    assert formats.number(12345.5, "en") == "12,345.5"
    assert formats.number(12345, "ru") == formats.number(12345, "uk") == formats.number(12345, "pl") == "12\xa0345"
    assert formats.number(-3, "de") == "-3"


def test_shares_of_one():
    assert formats.percent(0.126, "de") == "13\xa0%"
    assert formats.percent(0.126, "en") == formats.percent(0.126, "uk") == "13%"
    assert formats.percent(0.126, "tr") == "%13"
    assert formats.percent(1, "ru") == "100\xa0%"


def test_lists():
    assert formats.join_words([], "de") == ""
    assert formats.join_words(["A"], "pl") == "A"
    assert formats.join_words(["A", "B"], "ru") == "A и B"
    assert formats.join_words(iter("ABC"), "uk") == "A, B і C"


def test_languages_in_their_own_words():
    assert formats.join_languages(["de", "de-simple", "tr"], "de") == "Deutsch, Deutsch (Einfache Sprache) und Türkçe"
    assert formats.join_languages(["ar"], "ar") == "العربية"
    # Among Arabic words the parentheses and the order of Latin names would be turned round.
    assert formats.join_languages(["ar", "de-simple"], "ar") == "العربية و\u2068Deutsch (Einfache Sprache)\u2069"
