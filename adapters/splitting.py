"""Splits a long text into messages a channel accepts: at paragraphs if possible, never inside a grapheme cluster.

Pure, standard library only. Lengths are UTF-16 code units, the unit of Telegram (core.telegram.org/api/entities).
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

# Where to cut, the best places first; the white space that follows a cut is dropped.
_PLACES: Final = (
    re.compile(r"\n\s*\n"),
    re.compile(r"\n"),
    re.compile(r"(?:(?<=[.!?…؟۔])|(?<=[.!?…؟۔][\"'”“»)\]]))[^\S\u00a0\u2007\u202f]"),
    re.compile(r"[^\S\u00a0\u2007\u202f]"),  # not at no-break spaces
)
_ZERO_WIDTH_JOINER: Final = "\u200d"
_LINE_FEED, _CARRIAGE_RETURN = "\n", "\r"


def split_text(text: str, limit: int) -> list[str]:
    """Returns the text in parts of at most `limit` UTF-16 units, in order; only white space at the cuts is removed.

    A text that fits is returned unchanged. Parts are never empty: a long text of white space alone gives no parts.

    >>> split_text("Guten Tag. Wie geht es?", 12)
    ['Guten Tag.', 'Wie geht es?']
    """
    if utf16_length(text) <= limit:
        return [text]
    parts = []
    rest = text.strip()
    while utf16_length(rest) > limit:
        cut = _cut(rest, limit)
        parts.append(rest[:cut].rstrip())
        rest = rest[cut:].lstrip()
    return [*parts, rest] if rest else parts


def utf16_length(text: str) -> int:
    """Returns the length in UTF-16 code units."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def _cut(text: str, limit: int) -> int:
    """Returns where to end the first part of a text that is too long: at the best place that is not too far back."""
    end = _longest(text, limit)
    for least in (end // 2, 1):
        for place in _PLACES:
            found = [match.start() for match in place.finditer(text, least, end + 2) if match.start() <= end]
            if found:
                return found[-1]
    return next((index for index in range(end, 0, -1) if _is_border(text, index)), end)


def _longest(text: str, limit: int) -> int:
    """Returns how many characters fit into this number of units; at least one."""
    units = 0
    for index, char in enumerate(text):
        units += 2 if char > "\uffff" else 1
        if units > limit:
            return max(index, 1)
    return len(text)


def _is_border(text: str, index: int) -> bool:
    """Whether a grapheme cluster ends before this character.

    The rules of Unicode's grapheme clusters (UAX 29) as far as the standard library knows the properties they need.
    """
    before, after = text[index - 1], text[index]
    if _is_flag_half(before) and _is_flag_half(after):
        halves = 0
        while halves < index and _is_flag_half(text[index - 1 - halves]):
            halves += 1
        return halves % 2 == 0
    return not (_extends(after) or before == _ZERO_WIDTH_JOINER or (before, after) == (_CARRIAGE_RETURN, _LINE_FEED))


def _extends(char: str) -> bool:
    """Whether a character extends the cluster before it: accents, vowel signs, joiners, variants, skin tones, tags."""
    return (
        unicodedata.category(char)[0] == "M"
        or char in "\u200c\u200d"
        or "\U0001f3fb" <= char <= "\U0001f3ff"
        or "\U000e0020" <= char <= "\U000e007f"
        or "\u1160" <= char <= "\u11ff"  # vowels and finals of Hangul letters
    )


def _is_flag_half(char: str) -> bool:
    return "\U0001f1e6" <= char <= "\U0001f1ff"
