"""What is mine: own proposals and ratings, to be seen, withdrawn and deleted at any time."""

from __future__ import annotations

from typing import Final

from flows.events import MineAsked

KINDS: Final = ("withdraw", "delete", "unrate")
"""What can be asked for one proposal, by its code: out of sight, gone for good, or no longer rated by oneself."""
ASKING: Final = ("delete", "votes")
"""What a tap of a list only asks for: a second one, elsewhere, does it, because nothing brings it back."""
_LONGEST_PAGE: Final = 3


def parse_mine(argument: str, language: str = "") -> MineAsked | None:
    """Reads "" (show), "more.2" (show the second page of ratings), "withdraw.CODE", "delete.CODE", "unrate.CODE",
    "votes" (delete all ratings), "ask.votes" and "ask.delete.CODE" (ask first). None for what was never offered.

    >>> parse_mine("withdraw.7k2m"), parse_mine("more.2"), parse_mine("nonsense")
    (MineAsked(kind='withdraw', code='7k2m', language=''), MineAsked(kind='more', code='2', language=''), None)
    """
    kind, _, code = argument.partition(".")
    if not argument:
        return MineAsked("show", "", language)
    if kind == "ask":
        first, _, rest = code.partition(".")
        fits = first in ASKING and bool(rest) == (first != "votes")
        return MineAsked(f"ask.{first}", rest, language) if fits else None
    if kind == "votes" and not code:
        return MineAsked("votes", "", language)
    if kind == "more" and code.isdecimal() and len(code) <= _LONGEST_PAGE:
        return MineAsked("more", code, language)
    return MineAsked(kind, code, language) if kind in KINDS and code else None
