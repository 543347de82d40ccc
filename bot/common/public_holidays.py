"""Public holidays of a country or state, from the package `holidays` (ISO 3166-1 and -2: `DE-BE` is Berlin)."""

from __future__ import annotations

from datetime import date
from functools import cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from holidays import HolidayBase

_LANGUAGES: Final = {"en": "en_US"}
"""Names of the package for languages of ours; others are named as they are."""


def public_holiday(place: str, day: date, language: str = "") -> str:
    """Returns the name of the public holiday on this day, in this language if the package has it; "" if it is none or
    `place` is "". Raises ValueError for an unknown place.

    >>> public_holiday("DE-BE", date(2026, 12, 25), "en")
    'Christmas Day'
    """
    return _calendar(place, language).get(day) or "" if place else ""


def known_place(place: str) -> str:
    """Returns a place in capitals. Raises ValueError if the package does not know it."""
    found = place.strip().upper()
    if found:
        _calendar(found, "")
    return found


@cache
def _calendar(place: str, language: str) -> HolidayBase:
    from holidays import country_holidays  # slow to import, and most installations do not need it

    country, _, state = place.partition("-")
    try:
        return country_holidays(country, subdiv=state or None, language=_LANGUAGES.get(language, language) or None)
    except NotImplementedError:
        raise ValueError(f"unknown country or state {place[:20]}") from None
