"""Reads a date as people write it: "31.3.2027", "31. März 27", "March 31, 2027", "2027-03-31"."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from flows.understanding.text import fold

_ORDINAL: Final = re.compile(r"(\d{1,2})(?:st|nd|rd|th)")
_YEAR_DIGITS: Final = 4
_MONTHS: Final = 12
_STRANGE_WORDS: Final = 4


class WrittenDate(NamedTuple):
    """A date as written. The numbers need not be those of a day of the calendar."""

    day: int
    month: int
    year: int | None
    """Of four or two digits; None if there is none."""
    is_sure: bool
    """Whether only this reading is possible and nothing else was said."""

    @property
    def is_year_whole(self) -> bool:
        """Whether the year has four digits."""
        return self.year is not None and self.year >= 1000


class DateReader:
    """Finds the date in a reply, in one language. In all languages here the day is written before the month, and a
    month before its day is recognised where no other reading is possible.

    `months` are the names of each month, January first.
    """

    __slots__ = ("_harmless", "_months", "_negations")

    def __init__(self, months: Iterable[Iterable[str]], harmless: Collection[str], negations: Collection[str]) -> None:
        self._months = {fold(name): number for number, names in enumerate(months, start=1) for name in names}
        self._harmless = frozenset(harmless)
        self._negations = frozenset(negations)

    def find(self, folded: str) -> WrittenDate | None:
        """Returns the only date of a reply; None if there is none, or more than a date.

        >>> reader = DateReader([["Januar"], ["Februar"], ["März", "Mrz"]], ["am"], ["nicht"])
        >>> reader.find(fold("Am 31. März 2027"))
        WrittenDate(day=31, month=3, year=2027, is_sure=True)
        >>> reader.find(fold("3/31/27")), reader.find(fold("31 Äpfel")), reader.find(fold("nicht am 31.3.2027"))
        (WrittenDate(day=31, month=3, year=27, is_sure=False), None, None)
        """
        months, numbers, others = self._sorted_words(folded)
        if len({*months}) > 1 or len(others) > _STRANGE_WORDS or not self._negations.isdisjoint(others):
            return None
        found = _with_name(numbers, months[0]) if months else _in_digits(numbers)
        return found and found._replace(is_sure=found.is_sure and not others)

    def _sorted_words(self, folded: str) -> tuple[list[int], list[str], list[str]]:
        """Returns the months, the numbers, and the other words that have a meaning."""
        months: list[int] = []
        numbers: list[str] = []
        others: list[str] = []
        for word in self._words(folded.split()):
            if word in self._months:
                months.append(self._months[word])
            elif word.isdecimal():
                numbers.append(word)
            elif word not in self._harmless:
                others.append(word)
        return months, numbers, others

    def _words(self, words: Sequence[str]) -> Iterator[str]:
        """Yields the words, names of months of two words as one."""
        at = 0
        while at < len(words):
            pair = " ".join(words[at : at + 2])
            word = pair if pair in self._months else _ORDINAL.sub(r"\1", words[at])
            yield word
            at += 1 + word.count(" ")


def _with_name(numbers: Sequence[str], month: int) -> WrittenDate | None:
    years = [number for number in numbers if len(number) == _YEAR_DIGITS]
    days = [number for number in numbers if len(number) < 3]
    if len(years) + len(days) != len(numbers):
        return None
    match years, days:
        case [year], [day]:
            return WrittenDate(int(day), month, int(year), is_sure=True)
        case [], [day, year]:
            return WrittenDate(int(day), month, int(year), is_sure=False)
        case [], [day]:
            return WrittenDate(int(day), month, None, is_sure=False)
    return None


def _in_digits(numbers: Sequence[str]) -> WrittenDate | None:
    if any(len(number) > _YEAR_DIGITS or len(number) == 3 for number in numbers):
        return None
    match [(int(number), len(number) == _YEAR_DIGITS) for number in numbers]:
        case [(year, True), (month, False), (day, False)]:
            return WrittenDate(day, month, year, is_sure=True)
        case [(day, False), (month, False), (year, is_whole)]:
            return _in_order(WrittenDate(day, month, year, is_sure=is_whole))
        case [(day, False), (month, False)]:
            return _in_order(WrittenDate(day, month, None, is_sure=False))
    return None


def _in_order(written: WrittenDate) -> WrittenDate:
    """Exchanges day and month if there is no such month."""
    if written.month > _MONTHS >= written.day:
        return written._replace(day=written.month, month=written.day, is_sure=False)
    return written
