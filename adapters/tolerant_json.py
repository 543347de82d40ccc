"""JSON that strangers have a hand in: read as far as it can be, so that one value nobody can read stops nothing else.

Bytes that are no UTF-8 and halves of surrogate pairs become U+FFFD; what is nested too deeply, and numbers no program
can hold, become null. Only what is no JSON at all (an answer cut off, a page of HTML) is refused.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final

from pydantic_core import from_json

DEEPEST: Final = 100
"""Levels of nesting that are read: messages have about ten, and the parser itself gives up at two hundred."""
_LONGEST_NUMBER: Final = 300
"""Digits: more than any float has, and fewer than what Python refuses."""
_TOKEN: Final = re.compile(
    rf'"[^"\\]*(?:\\.[^"\\]*)*"|[\[\]{{}}]|-?\d{{{_LONGEST_NUMBER},}}[\d.eE+-]*|-?\d[\d.]*[eE]\+?\d{{3,}}|-?Infinity|NaN',
    re.DOTALL,
)
_BACKSLASH: Final = re.compile(
    r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(?P<half>\\u[dD][89a-fA-F][0-9a-fA-F]{2})|\\.",
    re.DOTALL,
)

_CONTROLS: Final = dict.fromkeys(range(32), " ")
"""As they are, they may stand between values only, where each is as good as a space."""


class CutOff(ValueError):
    """The text ends too soon: it may be whole the next time."""


def parse_json(raw: bytes) -> Any:
    """What a JSON text says, every string of it storable. Raises ValueError where it is no JSON, CutOff among them.

    >>> parse(b'{"a": "x\\xff", "b": "\\\\ud83d!", "c": 1}') == {"a": "x\\ufffd", "b": "\\ufffd!", "c": 1}
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
    """The same of what another library parsed. Raises ValueError and RecursionError where it cannot be."""
    return parse_json(json.dumps(data).encode())


def _paired(found: re.Match[str]) -> str:
    return "\\ufffd" if found["half"] else found[0]


def _pruned(text: str) -> str:
    """The text with null for what is nested too deeply, and for numbers that are too large."""
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
