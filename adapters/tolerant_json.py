"""Parses untrusted JSON as far as possible, so that one unreadable value does not block the others.

Invalid UTF-8 and lone surrogates become U+FFFD; values nested too deeply and numbers that are too large become null.
Only text that is not JSON at all (a truncated answer, a page of HTML) is refused.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final

from pydantic_core import from_json

DEEPEST: Final = 100
"""Levels of nesting that are read: messages have about ten, and the parser itself gives up at two hundred."""
_LONGEST_NUMBER: Final = 300
"""Digits: more than any float has, and fewer than Python's limit."""
_TOKEN: Final = re.compile(
    rf'"[^"\\]*(?:\\.[^"\\]*)*(?:"|\\?\Z)|[\[\]{{}}]|-?\d{{{_LONGEST_NUMBER},}}[\d.eE+-]*|-?\d[\d.]*[eE]\+?\d{{3,}}|-?Infinity|NaN',
    re.DOTALL,
)
_BACKSLASH: Final = re.compile(
    r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(?P<half>\\u[dD][89a-fA-F][0-9a-fA-F]{2})|\\.",
    re.DOTALL,
)

_CONTROLS: Final = dict.fromkeys(range(32), " ")
"""Unescaped control characters are valid only between values, where each can be replaced by a space."""


class CutOff(ValueError):
    """The text ends too soon: it may be complete the next time."""


def parse_json(raw: bytes) -> Any:
    """Parses a JSON text; every string of the result can be stored. Raises ValueError if it is not JSON, CutOff if it
    is truncated.

    >>> parse_json(b'{"a": "x\\xff", "b": "\\\\ud83d!", "c": 1}') == {"a": "x\\ufffd", "b": "\\ufffd!", "c": 1}
    True
    """
    try:
        return from_json(raw, allow_inf_nan=False)
    except ValueError:
        text = raw.decode("utf-8-sig", "replace").translate(_CONTROLS)
    try:
        return from_json(_pruned(_BACKSLASH.sub(_paired, text)), allow_inf_nan=False)
    except ValueError as error:
        if str(error).startswith("EOF"):
            raise CutOff("cut off") from None
        raise


def mended(data: Any) -> Any:
    """Cleans a value that another library parsed in the same way. Raises ValueError and RecursionError if that
    fails."""
    return parse_json(json.dumps(data).encode())


def _paired(found: re.Match[str]) -> str:
    return "\\ufffd" if found["half"] else found[0]


def _pruned(text: str) -> str:
    """Returns the text with null for values nested too deeply and numbers that are too large."""
    parts: list[str] = []
    depth = kept = 0
    for token in _TOKEN.finditer(text):
        sign = token[0][0]
        if sign in "[{":
            depth += 1
            if depth == DEEPEST + 1:
                parts += text[kept : token.start()], "null"
        elif sign in "]}":
            if depth == DEEPEST + 1:
                kept = token.end()
            depth -= 1
        elif sign != '"' and depth <= DEEPEST:
            parts += text[kept : token.start()], "null"
            kept = token.end()
    if depth > DEEPEST:
        raise CutOff("cut off")
    return "".join((*parts, text[kept:]))
