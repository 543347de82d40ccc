"""Parses amounts for options in one reply: "Park 3, Bäume 2", "1: 3", "3 für den Park", "+1 Park"."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import groupby
from typing import NamedTuple

from flows.understanding.matching import Matcher
from flows.understanding.text import fold, plain_digits

_SEPARATORS = re.compile(r"[,;/&|\n،؛、]| و ")
_GROUPED = re.compile(r"(?<![\d.])\d{1,3}(?:[.\u00a0\u202f'’]\d{3})+(?![\d.])")
_SIGNED = re.compile(r"(?:^|\s)([+\-−–])(?=\d)")
_LONGEST = 9


class AmountChange(NamedTuple):
    """A change of one option: to an amount (`sign` ""), by an amount ("+", "-"), or by a step if `amount` is None."""

    value: str
    amount: int | None
    sign: str = ""


class AmountParser:
    """Parses amounts for options, named by name or by number (position in `names`, from 1)."""

    __slots__ = ("_ands", "_harmless", "_names", "_numerals", "_values")

    def __init__(
        self,
        names: Iterable[tuple[str, Iterable[str]]],
        numerals: tuple[tuple[str, ...], ...],
        harmless: frozenset[str],
        ands: frozenset[str] = frozenset(),
    ) -> None:
        offered = [(value, tuple(words)) for value, words in names]
        self._values = [value for value, _ in offered]
        self._names = Matcher(offered, numbered=False)
        self._numerals = {words[0]: number for number, words in enumerate(numerals) if words}
        self._harmless = harmless
        """Words to ignore: "for", the unit."""
        self._ands = ands
        """Words that separate options."""

    def find(self, text: str) -> tuple[list[AmountChange], list[str]]:
        """Returns all changes in order, and the words that match nothing.

        >>> amounts = AmountParser([("park", ["Park"]), ("trees", ["Bäume"])], (), frozenset({"fur"}))
        >>> amounts.find("Park 3, 2: 4")[0]
        [AmountChange(value='park', amount=3, sign=''), AmountChange(value='trees', amount=4, sign='')]
        >>> amounts.find("3 für Park, -1 Bäume"), amounts.find("2")
        (([AmountChange(value='park', amount=3, sign=''), AmountChange(value='trees', amount=1, sign='-')], []), \
([AmountChange(value='trees', amount=None, sign='')], []))
        """
        changes: list[AmountChange] = []
        unknown: list[str] = []
        plain = _GROUPED.sub(lambda number: re.sub(r"\D", "", number[0]), plain_digits(text))
        for piece in _SEPARATORS.split(plain):
            found, rest = self._read(piece)
            if not found and not self._ands.isdisjoint(rest):
                parts = groupby(fold(piece).split(), self._ands.__contains__)
                read = [self._read(" ".join(words)) for is_and, words in parts if not is_and]
                found, rest = [one for some, _ in read for one in some], [word for _, some in read for word in some]
            changes += found
            unknown += rest
        return changes, unknown

    def _read(self, piece: str) -> tuple[list[AmountChange], list[str]]:
        folded = fold(piece)
        signs = {"+": "+"}.get(found[1], "-") if (found := _SIGNED.search(piece)) else ""
        values, rest = self._names.split(folded)
        numbers: list[int] = []
        others: list[str] = []
        for word in rest:
            number = self._number(word)
            if number is not None:
                numbers.append(number)
            elif word not in self._harmless and word not in self._ands:
                others.append(word)
        if not values and others:
            words = " ".join(word for word in rest if self._number(word) is None)
            if near := self._names.find_folded(words) or self._names.find_folded(" ".join(others)):
                values, others = [near.value], []
        if not values and numbers and not signs and 1 <= numbers[0] <= len(self._values):
            values, numbers = [self._values[numbers[0] - 1]], numbers[1:]
        if len(values) != 1 or len(numbers) > 1:
            return [], folded.split()
        return [AmountChange(values[0], numbers[0] if numbers else None, signs if numbers else "")], others

    def _number(self, word: str) -> int | None:
        if word.isdecimal():
            return int(word[:_LONGEST])
        return self._numerals.get(word)
