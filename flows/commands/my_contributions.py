"""What is mine: own proposals and ratings, to be seen, withdrawn and deleted at any time."""

from __future__ import annotations

from typing import Final

from flows.events import ContributionsRequested
from flows.tokens import arguments_of

KINDS: Final = ("withdraw", "delete", "unrate")
"""What can be asked for one proposal, by its code: out of sight, gone for good, or no longer rated by oneself."""
_LONGEST_PAGE: Final = 3


def parse_contributions(argument: str, language: str = "") -> ContributionsRequested | None:
    """Reads "" (show), "more.2" (show the second page of ratings), "withdraw.CODE", "delete.CODE", "unrate.CODE",
    "votes" (delete all ratings), "ask.votes" and "ask.delete.CODE" (ask first: a second tap, elsewhere, does it,
    because nothing brings it back). None for what was never offered.

    >>> parse_mine("withdraw.7k2m"), parse_mine("more.2"), parse_mine("nonsense")
    (MineAsked(kind='withdraw', code='7k2m', language=''), MineAsked(kind='more', code='2', language=''), None)
    """
    match arguments_of(argument):
        case ():
            return ContributionsRequested("show", "", language)
        case ("ask", "votes"):
            return ContributionsRequested("ask.votes", "", language)
        case ("ask", "delete", code) if code:
            return ContributionsRequested("ask.delete", code, language)
        case ("votes",):
            return ContributionsRequested("votes", "", language)
        case ("more", page) if page.isdecimal() and len(page) <= _LONGEST_PAGE:
            return ContributionsRequested("more", page, language)
        case (kind, code) if kind in KINDS and code:
            return ContributionsRequested(kind, code, language)
    return None
