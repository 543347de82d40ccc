"""Understanding a short reply: by number, label, synonym, small typo or emoji digit."""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable
from typing import Generic, NamedTuple, TypeVar

from flows.text import fold

V = TypeVar("V", bound=Hashable)

_LEADING_NUMBER = re.compile(r"(?:\w{1,10} )?0*(\d{1,3})(?: .*)?")
_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue"})


class Match(NamedTuple, Generic[V]):
    """What a reply was taken for; `sure` is false where a typo was forgiven."""

    value: V
    sure: bool


class Matcher(Generic[V]):
    """Finds the one value a reply names.

    `names` gives every value with all that people may call it; position in `names` is the number they may type, where
    `numbered`.

    >>> yes_no = Matcher([("yes", ["Ja", "klar"]), ("no", ["Nein"])])
    >>> yes_no.find("JA!"), yes_no.find("2."), yes_no.find("neim"), yes_no.find("vielleicht")
    (Match(value='yes', sure=True), Match(value='no', sure=True), Match(value='no', sure=False), None)
    """

    __slots__ = ("_by_name", "_by_number")

    def __init__(self, names: Iterable[tuple[V, Iterable[str]]], *, numbered: bool = True) -> None:
        self._by_name: dict[str, V] = {}
        self._by_number: dict[str, V] = {}
        for number, (value, words) in enumerate(names, start=1):
            if numbered:
                self._by_number[str(number)] = value
            for word in words:
                for spelling in (word, word.translate(_UMLAUTS)):
                    # The first to claim a name keeps it; `flows.definition.check` reports the clash.
                    self._by_name.setdefault(fold(spelling), value)
        self._by_name.pop("", None)

    def knows(self, folded: str) -> bool:
        """Whether the folded reply names a value exactly, by name or number."""
        return folded in self._by_name or folded in self._by_number

    def find(self, reply: str) -> Match[V] | None:
        return self.find_folded(fold(reply))

    def find_folded(self, folded: str) -> Match[V] | None:
        """The value named by an already folded reply, or None where nothing or more than one thing fits."""
        if folded in self._by_name:
            return Match(self._by_name[folded], True)
        if folded in self._by_number:
            return Match(self._by_number[folded], True)
        if self._by_number and (numbered := _LEADING_NUMBER.fullmatch(folded)):
            value = self._by_number.get(numbered[1])
            return None if value is None else Match(value, True)
        near = {value for name, value in self._by_name.items() if is_typo(folded, name)}
        return Match(near.pop(), False) if len(near) == 1 else None


def is_typo(written: str, meant: str) -> bool:
    """Whether `written` is `meant` with a slip of the finger: one edit from 4 letters on, two from 8 on.

    An edit is a missing, extra, wrong or swapped letter (optimal string alignment, Damerau 1964). Digits are never
    forgiven: 12 is not a mistyped 13.
    """
    allowed = 0 if len(meant) < 4 else 1 if len(meant) < 8 else 2
    if not allowed or abs(len(written) - len(meant)) > allowed or not meant.replace(" ", "").isalpha():
        return False
    return _distance(written, meant) <= allowed


def _distance(a: str, b: str) -> int:
    before: list[int] = []
    row = list(range(len(b) + 1))
    for i, char in enumerate(a, start=1):
        before_that, before, row = before, row, [i]
        for j, other in enumerate(b, start=1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (char != other))
            if i > 1 and j > 1 and char == b[j - 2] and a[i - 2] == other:
                cost = min(cost, before_that[j - 2] + 1)
            row.append(cost)
    return row[-1]
