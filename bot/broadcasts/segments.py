"""Segments: expressions that select subscribers.

* `everybody`
* `topic=neighbourhoods and not took_part=mein-kiez`
* `(district=01 or district=neukölln) and language=tr`

Conditions cover subscriptions, language, channel and participation; no personal attributes are stored.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

from flows.commands.subscriptions import TOPICS
from flows.languages import LANGUAGES
from flows.questions.district import DISTRICTS
from flows.understanding.text import fold

KEYS: Final = ("topic", "district", "language", "channel", "took_part", "began", "finished")
_EXAMPLE: Final = "topic=neighbourhoods and language=tr"
_FORMS: Final = ("everybody", *(f"{key}=…" for key in KEYS))
_TOKEN: Final = re.compile(r"\s*(?:(?P<sign>[()])|(?P<word>[^\s()=]+)(?:\s*=\s*(?P<value>[^\s()=]+))?|(?P<odd>\S))")
LONGEST: Final = 1000
DEEPEST: Final = 50


class SegmentError(ValueError):
    """Raised for an invalid expression; the text names position and remedy, `options` the valid values."""

    def __init__(self, text: str, position: int, remedy: str, options: str = "") -> None:
        super().__init__(f"segment, character {position + 1}: {text}; {remedy}{options}")
        self.position = position
        self.options = options


@dataclass(frozen=True, slots=True)
class SubscriberFacts:
    """Facts about one subscriber. `began`, `took_part` (at least one answer) and `finished` hold computed slugs,
    never stored.
    """

    topics: frozenset[str] = frozenset()
    districts: frozenset[str] = frozenset()
    wants_all: bool = False
    language: str = ""
    channel: str = ""
    began: frozenset[str] = frozenset()
    took_part: frozenset[str] = frozenset()
    finished: frozenset[str] = frozenset()


Condition = Callable[[SubscriberFacts], bool]


class Segment(NamedTuple):
    """A parsed expression. `slugs`: the consultations whose participation it needs."""

    text: str
    includes: Condition
    slugs: frozenset[str]


class _Token(NamedTuple):
    kind: str
    """One of the signs, `and`, `or`, `not`, `everybody`, a key; "" at the end."""
    value: str
    at: int


def parse_segment(text: str, slugs: Collection[str], channels: Collection[str]) -> Segment:
    """Parses an expression. `slugs` and `channels` are the valid values. Raises SegmentError.

    >>> parse_segment("everybody and not language=de", [], []).includes(SubscriberFacts(language="tr"))
    True
    """
    if len(text) > LONGEST:
        raise SegmentError("too long", LONGEST, f"use at most {LONGEST} characters")
    parser = _Parser(list(_tokens(text)), slugs, channels)
    test = parser.any_of(0)
    left = parser.next()
    if left.kind:
        raise SegmentError(f"{left.kind!r} is unexpected", left.at, 'join conditions with "and" or "or"')
    return Segment(" ".join(text.split()), test, frozenset(parser.slugs))


def _tokens(text: str) -> Iterator[_Token]:
    at = 0
    while match := _TOKEN.match(text, at):
        start = match.start(match.lastgroup or 0) if match["value"] is None else match.start("word")
        if match["odd"]:
            raise SegmentError(f"{match['odd']!r} is not allowed here", start, f"write e.g. {_EXAMPLE}")
        if match["sign"]:
            yield _Token(match["sign"], "", start)
        elif match["value"]:
            yield _Token(match["word"].casefold(), match["value"], start)
        else:
            yield _word(match["word"], start)
        at = match.end()
    yield _Token("", "", len(text))


def _word(word: str, at: int) -> _Token:
    name = word.casefold()
    if name in {"and", "or", "not", "everybody"}:
        return _Token(name, "", at)
    if name in KEYS:
        raise SegmentError(f"{name} needs a value", at, f"write e.g. {_EXAMPLE}")
    raise SegmentError(f"{word[:40]!r} is not a condition", at, f"there is {', '.join(_FORMS)}")


class _Parser:
    """Recursive descent parser; each method parses one level and returns its condition."""

    def __init__(self, tokens: list[_Token], slugs: Collection[str], channels: Collection[str]) -> None:
        self.slugs: set[str] = set()
        self._tokens = tokens
        self._known_slugs = slugs
        self._channels = channels

    def next(self) -> _Token:
        return self._tokens[0]

    def _take(self, *kinds: str) -> _Token | None:
        if self._tokens[0].kind in kinds:
            return self._tokens.pop(0)
        return None

    def any_of(self, depth: int) -> Condition:
        tests = [self._all_of(depth)]
        while self._take("or"):
            tests.append(self._all_of(depth))
        return tests[0] if len(tests) == 1 else lambda known: any(test(known) for test in tests)

    def _all_of(self, depth: int) -> Condition:
        tests = [self._one(depth)]
        while self._take("and"):
            tests.append(self._one(depth))
        return tests[0] if len(tests) == 1 else lambda known: all(test(known) for test in tests)

    def _one(self, depth: int) -> Condition:
        token = self._tokens[0]
        if depth > DEEPEST:
            raise SegmentError("nested too deeply", token.at, "write it simpler")
        if self._take("not"):
            test = self._one(depth + 1)
            return lambda known: not test(known)
        if self._take("("):
            test = self.any_of(depth + 1)
            if not self._take(")"):
                raise SegmentError("the closing bracket is missing", token.at, 'add ")"')
            return test
        if self._take("everybody"):
            return lambda known: True
        if self._take(*KEYS):
            return self._condition(token)
        if token.value:
            raise SegmentError(f"there is no {token.kind[:40]!r}", token.at, f"there is {', '.join(_FORMS)}")
        raise SegmentError("a condition is missing", token.at, f"write e.g. {_EXAMPLE}")

    def _condition(self, token: _Token) -> Condition:
        key = token.kind
        if key == "topic":
            topic = self._one_of(token, TOPICS)
            # A subscription to everything includes each topic.
            return lambda known: known.wants_all or topic in known.topics
        if key == "district":
            district = self._district(token)
            return lambda known: district in known.districts
        if key == "language":
            language = self._one_of(token, LANGUAGES)
            return lambda known: known.language == language
        if key == "channel":
            channel = self._one_of(token, self._channels)
            return lambda known: known.channel == channel
        slug = self._one_of(token, self._known_slugs)
        self.slugs.add(slug)
        if key == "began":
            return lambda known: slug in known.began
        if key == "finished":
            return lambda known: slug in known.finished
        return lambda known: slug in known.took_part

    def _one_of(self, token: _Token, allowed: Collection[str]) -> str:
        found = next((one for one in allowed if one.casefold() == token.value.casefold()), None)
        if found is None:
            listed = ", ".join(sorted(allowed)) or "nothing yet"
            raise SegmentError(f"there is no {token.kind} {token.value[:40]!r}", token.at, "there is ", listed)
        return found

    def _district(self, token: _Token) -> str:
        """Parses a district by key or by typed name."""
        if token.value in DISTRICTS:
            return token.value
        named = {fold(name).replace(" ", ""): key for key, name in DISTRICTS.items()}
        if key := named.get(fold(token.value).replace(" ", "")):
            return key
        listed = ", ".join(f"{key} {name}" for key, name in DISTRICTS.items())
        raise SegmentError(f"there is no district {token.value[:40]!r}", token.at, "there is ", listed)
