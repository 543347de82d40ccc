"""Parses several options in one reply: "1, 3 und 5", "Bäume und Bänke", "2-4 fertig"."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import groupby
from typing import NamedTuple

from flows.questions.choice_matching import ChoiceMatcher
from flows.questions.outcomes import Interpreted, Reply
from flows.renderer import Renderer
from flows.tokens import DONE
from flows.understanding.text import fold
from flows.values import Missing

_SEPARATORS = re.compile(r"[,;/+&|>\n،؛、]| و ")
_RANGE = re.compile(r"(\d{1,2}) ?[-–] ?(\d{1,2})")


class NamedOptions(NamedTuple):
    """The options in a reply: values in order, words that match none, and whether it contains "done"."""

    values: list[str]
    unknown: list[str]
    done: bool


class OptionListParser:
    """Finds all options that a reply names, in one language."""

    __slots__ = ("_joining", "_matcher", "done_words")

    def __init__(self, matcher: ChoiceMatcher, renderer: Renderer) -> None:
        self._matcher = matcher
        self.done_words = renderer.done_words()
        self._joining = frozenset(map(fold, renderer.words("words.and"))) | renderer.function_words().fillers

    def says_done(self, reply: Reply) -> bool:
        """Whether the reply is only "done"."""
        return reply.choice == DONE or reply.folded in self.done_words

    def find(self, reply: Reply) -> NamedOptions:
        """Returns all named options, by number and by word."""
        values: list[str | Missing] = []
        unknown: list[str] = []
        done = False
        for piece in self._pieces(reply.text):
            found, rest = self._split(piece)
            values += found
            for word in rest:
                if word in self.done_words:
                    done = True
                elif more := self._in_word(word):
                    values += more
                elif word not in self._joining:
                    unknown.append(word)
        return NamedOptions([value for value in values if not isinstance(value, Missing)], unknown, done)

    def _split(self, piece: str) -> tuple[list[str | Missing], list[str]]:
        """Returns the options in a part of a reply, also one with a typing error, and the other words."""
        found, rest = self._matcher.split(piece)
        match = self._matcher.match(Reply(piece, piece)) if rest and not found else None
        return ([str(match.value)], []) if isinstance(match, Interpreted) else (found, rest)

    def _in_word(self, word: str) -> list[str | Missing]:
        """Returns the options in one word: digits written without blanks, or an option behind the Arabic "and"."""
        bare = word.removeprefix("و")
        digits, others = self._matcher.split(" ".join(bare))
        if bare.isdecimal() and not others:
            return digits
        return [] if word in self._joining else self._matcher.split(bare)[0]

    def _pieces(self, text: str) -> Iterator[str]:
        """Splits the reply at separators; at words like "and" only if names would not match otherwise."""
        for piece in map(fold, _SEPARATORS.split(_RANGE.sub(_counted, text))):
            _, rest = self._matcher.split(piece)
            if self._joining.isdisjoint(rest) or self._joining.issuperset(rest):
                yield piece
            else:
                parts = groupby(piece.split(), self._joining.__contains__)
                yield from (" ".join(words) for is_joining, words in parts if not is_joining)


def _counted(span: re.Match[str]) -> str:
    """Expands "2-4" to "2 3 4"; other ranges stay unchanged."""
    first, last = int(span[1]), int(span[2])
    return " ".join(map(str, range(first, last + 1))) if first < last <= first + 20 else span[0]
