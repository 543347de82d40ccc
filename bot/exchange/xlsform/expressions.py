"""Parses the part of XLSForm expressions (XPath) that conditions and limits of this program can say. Pure.

${age} >= 18 and (selected(${uses}, 'bike') or not(${lamps} = 'yes'))
. >= 0 and . <= 120
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final, Literal, NamedTuple

LONGEST: Final = 2_000
_DEEPEST: Final = 20
_TOKEN: Final = re.compile(
    r"\s*(?:(?P<ref>\$\{\s*[^{}\s]+\s*\}|\.(?!\d))|(?P<text>'[^']*'|\"[^\"]*\")|(?P<number>-?\d+(?:\.\d+)?|-?\.\d+)"
    r"|(?P<op>!=|<=|>=|=|<|>)|(?P<sign>[(),])|(?P<word>[A-Za-z][\w-]*))"
)
_TURNED: Final = {"<": ">", ">": "<", "<=": ">=", ">=": "<=", "=": "=", "!=": "!="}
_FUNCTIONS: Final = frozenset({"string-length", "count-selected"})

THIS: Final = "."
"""The answer itself, in a constraint."""


class Unmapped(Exception):
    """The expression says something that this program cannot."""


class Compared(NamedTuple):
    """A comparison of an answer, or of its length or number of choices, with a value."""

    name: str
    operator: str
    value: str | int | float
    function: str = ""


class SelectedValue(NamedTuple):
    """Whether a value is, or is among, what was chosen."""

    name: str
    value: str


class NegatedPart(NamedTuple):
    """True when its part is not."""

    part: Expression


class JoinedParts(NamedTuple):
    """Several parts joined by "and" (all) or "or" (any)."""

    join: Literal["all", "any"]
    parts: tuple[Expression, ...]


Expression = Compared | SelectedValue | NegatedPart | JoinedParts


def parse_expression(text: str) -> Expression:
    """Returns the expression as a tree. Raises Unmapped."""
    if len(text) > LONGEST:
        raise Unmapped
    reader = _Reader(text)
    found = reader.joined()
    if reader.kind:
        raise Unmapped
    return found


class _Reader:
    """Reads token after token; `kind` and `said` are those of the next one, `kind` is "" at the end."""

    def __init__(self, text: str) -> None:
        self._text = text.strip()
        self._at = 0
        self._depth = 0
        self.kind = self.said = ""
        self._next()

    def joined(self) -> Expression:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise Unmapped
        found = self._chain("or", lambda: self._chain("and", self._part))
        self._depth -= 1
        return found

    def _chain(self, word: str, read: Callable[[], Expression]) -> Expression:
        parts = [read()]
        while self.kind == "word" and self.said == word:
            self._next()
            parts.append(read())
        return parts[0] if len(parts) == 1 else JoinedParts("any" if word == "or" else "all", tuple(parts))

    def _part(self) -> Expression:
        if self._takes("("):
            found = self.joined()
            self._need(")")
            return found
        if self.kind == "word" and self.said == "not":
            self._next()
            self._need("(")
            found = self.joined()
            self._need(")")
            return NegatedPart(found)
        if self.kind == "word" and self.said == "selected":
            return self._selected()
        return self._comparison()

    def _selected(self) -> Expression:
        self._next()
        self._need("(")
        name = self._reference()
        self._need(",")
        value = self._value()
        self._need(")")
        return SelectedValue(name, str(value))

    def _comparison(self) -> Expression:
        if self.kind in ("text", "number"):
            value = self._value()
            operator = _TURNED[self._operator()]
            function, name = self._subject()
        else:
            function, name = self._subject()
            operator = self._operator()
            value = self._value()
        return Compared(name, operator, value, function)

    def _subject(self) -> tuple[str, str]:
        """Returns a function ("" for none) and the name of the question."""
        if self.kind != "word":
            return "", self._reference()
        function = self._token("word")
        if function not in _FUNCTIONS:
            raise Unmapped
        self._need("(")
        name = self._reference()
        self._need(")")
        return function, name

    def _reference(self) -> str:
        said = self._token("ref")
        return THIS if said == THIS else said[2:-1].strip()

    def _operator(self) -> str:
        return self._token("op")

    def _value(self) -> str | int | float:
        """Returns a text, a number, or a day of `date('2027-03-31')`."""
        if self.kind == "word" and self.said == "date":
            self._next()
            self._need("(")
            day = self._token("text")[1:-1]
            self._need(")")
            return day
        if self.kind == "text":
            return self._token("text")[1:-1]
        said = self._token("number")
        return float(said) if "." in said else int(said)

    def _token(self, kind: str) -> str:
        if self.kind != kind:
            raise Unmapped
        said = self.said
        self._next()
        return said

    def _takes(self, sign: str) -> bool:
        if self.kind != "sign" or self.said != sign:
            return False
        self._next()
        return True

    def _need(self, sign: str) -> None:
        if not self._takes(sign):
            raise Unmapped

    def _next(self) -> None:
        if self._at >= len(self._text):
            self.kind = self.said = ""
            return
        found = _TOKEN.match(self._text, self._at)
        if found is None:
            raise Unmapped
        self._at = found.end()
        self.kind, self.said = str(found.lastgroup), str(found[str(found.lastgroup)])
