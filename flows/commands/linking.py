"""Account linking: accepted words, and the parser of the command "link"."""

from __future__ import annotations

import re
from typing import Final

from flows.events import LinkRequested
from flows.phrases import Phrases
from flows.tokens import arguments_of
from flows.understanding.matching import spellings

CODE_DIGITS: Final = 12
_CODE = re.compile(rf"\d{{{CODE_DIGITS}}}")
_SAID: Final = {"yes": "join", "no": "leave", "link.here": "join.here", "link.there": "join.there"}
"""Maps a word list to the argument of the command "link" that its words stand for."""


def link_words(phrases: Phrases) -> dict[str, str]:
    """Maps every accepted word after "link" in one language to its argument: "ja", "hier", …"""
    return {
        spelling: asked
        for name, asked in _SAID.items()
        for word in phrases.words(f"words.{name}")
        for spelling in spellings(word)
    }


def parse_link_request(argument: str, language: str = "") -> LinkRequested | None:
    """Parses "" (show a code), a code, "join", "join.here", "join.there", "leave" (do not link), "part".

    Returns None for anything else.

    >>> parse_link_request("4711 0815 2342"), parse_link_request("nonsense")
    (LinkRequested(kind='code', value='471108152342', language=''), None)
    >>> parse_link_request("join.here")
    LinkRequested(kind='join', value='here', language='')
    """
    digits = "".join(argument.split())
    if _CODE.fullmatch(digits):
        return LinkRequested("code", digits, language)
    if digits.isdecimal():
        return LinkRequested("code", "", language)
    match arguments_of(argument):
        case ():
            return LinkRequested("show", "", language)
        case ("join" | "leave" | "part" as kind,):
            return LinkRequested(kind, "", language)
        case ("join", "here" | "there" as value):
            return LinkRequested("join", value, language)
    return None
