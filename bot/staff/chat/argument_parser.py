"""Parses the arguments of `/push` in any available language.

Pure. `words` maps the words of a language to keywords (`words.push` in its catalogue): "alle" is `everybody`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from flows.understanding.text import fold

_WORD: Final = re.compile(r"(?P<word>[^\s()=]+)(?P<value>\s*=\s*[^\s()=]+)?")
_PACE: Final = re.compile(r"\b(\d{1,7})\s+per\s+hour\b", re.IGNORECASE)
_REMINDER: Final = re.compile(r"(?:^|(?<=\s))reminder(?=\s|$)", re.IGNORECASE)
_SAMPLE: Final = re.compile(r"(?:^|(?<=\s))(?:--)?sample(?=\s|$)", re.IGNORECASE)
_DAY: Final = r"\d{4}-\d\d-\d\d|\d{1,2}\.\d{1,2}\.\d{4}"
_AT: Final = re.compile(rf"\bat\s+((?:{_DAY})(?:[ T]\d{{1,2}}(?:[:.]\d\d)?)?)(?=\s|$)", re.IGNORECASE)


class PushArguments(NamedTuple):
    """Parsed arguments. `at` is "" for now, `per_hour` None for the configured rate."""

    segment: str
    at: str
    per_hour: int | None
    is_reminder: bool
    is_sample: bool = False
    """Whether the member knows that the consultation is invented."""


def vocabulary(lists: Iterable[Iterable[str]]) -> dict[str, str]:
    """Maps folded words to keywords, from lists like "alle/everybody, um/"; "um" is ignored.

    >>> vocabulary([["alle/everybody", "um/"]])
    {'alle': 'everybody', 'um': ''}
    """
    pairs = (entry.partition("/") for words in lists for entry in words)
    return {fold(word): plain for word, _, plain in pairs}


def parse_push_arguments(text: str, words: Mapping[str, str]) -> PushArguments:
    """Parses the text behind the slug of a consultation.

    >>> words = {"bezirk": "district", "am": "at", "um": "", "uhr": ""}
    >>> parse_push_arguments("bezirk=01 am 1.12.2026 um 18 Uhr", words)
    PushArguments(segment='district=01', at='1.12.2026 18', per_hour=None, is_reminder=False, is_sample=False)
    """
    plain = plain_words(text, words)
    # The rate first: in "at 2026-12-01 20 per hour" the 20 is not a time of day.
    pace, at = _PACE.search(plain), _AT.search(_PACE.sub("", plain))
    segment = _SAMPLE.sub("", _REMINDER.sub("", _AT.sub("", _PACE.sub("", plain))))
    return PushArguments(
        " ".join(segment.split()),
        at[1] if at else "",
        int(pace[1]) if pace else None,
        bool(_REMINDER.search(plain)),
        bool(_SAMPLE.search(plain)),
    )


def plain_words(text: str, words: Mapping[str, str]) -> str:
    """Replaces the words of a language by keywords.

    >>> plain_words("Bezirk = 01 und nicht begonnen=park", {"bezirk": "district", "und": "and", "nicht": "not"})
    'district=01 and not begonnen=park'
    """
    return " ".join(_WORD.sub(lambda found: _plain(found, words), text).split())


def _plain(found: re.Match[str], words: Mapping[str, str]) -> str:
    """Translates one word or condition. Only topic values are translated: a slug may equal any word."""
    word = words.get(fold(found["word"]), found["word"])
    if not found["value"]:
        return word
    value = found["value"].partition("=")[2].strip()
    return f"{word}={words.get(fold(value), value) if word == 'topic' else value}"
