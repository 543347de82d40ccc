"""Calendar days: in consultation files, in stored answers (ISO 8601, `2027-03-31`) and in conditions."""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated, Final

from pydantic import AfterValidator, BeforeValidator

_ISO: Final = re.compile(r"\d{4}-\d\d-\d\d")


def _written_out(day: object) -> object:
    # By default pydantic reads the number 20270331 as seconds since 1970.
    if isinstance(day, int | float):
        raise ValueError("a date has the form year-month-day, e.g. 2027-03-31")
    return day


Day = Annotated[date, BeforeValidator(_written_out)]
"""A day as a field of a definition."""


def parse_day(value: object) -> date | None:
    """Returns the day of a stored value, None for anything else.

    >>> parse_day("2027-03-31"), parse_day("2027-02-30"), parse_day("20270331")
    (datetime.date(2027, 3, 31), None, None)
    """
    if not isinstance(value, str) or not _ISO.fullmatch(value):
        return None
    try:
        return date.fromisoformat(value)
    except ValueError:
        return None


def _is_day(text: str) -> str:
    if parse_day(text) is None:
        raise ValueError("less and greater compare with a number, or with a day, e.g. 2027-03-31")
    return text


DayText = Annotated[str, AfterValidator(_is_day)]
"""A day as text, as stored answers contain it; such texts have the order of the days."""
