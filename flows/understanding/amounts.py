"""Parses amounts for options in one reply: "Park 3, Bäume 2", "1: 3", "3 für den Park", "+1 Park"."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import groupby
from typing import NamedTuple

from flows.understanding.matching import Match, Matcher
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

    __slots__ = ("_ands", "_ignored", "_names", "_numerals", "_values")

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
        self._ands = ands
        """Words that separate options."""
        self._ignored = harmless | ands
        """`harmless` are words without a meaning: "for", the unit."""

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
        values, rest = self._names.split(folded)
        numbers, words = self._numbers_and_words(rest)
        sign = _sign_of(piece, numbers)
        others = [word for word in words if word not in self._ignored]
        if not values and (near := self._near(words, others)):
            values, others = [near.value], []
        if not values and not sign and self._is_position(numbers):
            values, numbers = [self._values[numbers[0] - 1]], numbers[1:]
        if len(values) != 1 or len(numbers) > 1:
            return [], folded.split()
        return [AmountChange(values[0], next(iter(numbers), None), sign)], others

    def _numbers_and_words(self, rest: list[str]) -> tuple[list[int], list[str]]:
        read = [(word, self._number(word)) for word in rest]
        return [it for _, it in read if it is not None], [word for word, it in read if it is None]

    def _near(self, words: list[str], others: list[str]) -> Match[str] | None:
        """Returns the option that all words, or those with a meaning, nearly name."""
        if not others:
            return None
        return self._names.find_folded(" ".join(words)) or self._names.find_folded(" ".join(others))

    def _is_position(self, numbers: list[int]) -> bool:
        """Whether the first number is the position of an option."""
        return bool(numbers) and 1 <= numbers[0] <= len(self._values)

    def _number(self, word: str) -> int | None:
        if word.isdecimal():
            return int(word[:_LONGEST])
        return self._numerals.get(word)


def _sign_of(piece: str, numbers: list[int]) -> str:
    """Returns the sign before the number; "" if there is none, or no number."""
    found = _SIGNED.search(piece)
    if found is None or not numbers:
        return ""
    return "+" if found[1] == "+" else "-"
