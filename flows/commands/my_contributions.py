"""Own contributions: the parser of the command "mine" (list, withdraw and delete own proposals and ratings)."""

from __future__ import annotations

from typing import Final

from flows.events import ContributionsRequested
from flows.tokens import arguments_of

KINDS: Final = ("withdraw", "delete", "unrate")
"""Actions on one proposal, by its code: withdraw it, delete it, or delete one's own rating."""
_LONGEST_PAGE: Final = 3


def parse_contributions(argument: str, language: str = "") -> ContributionsRequested | None:
    """Parses "" (show), "more.2" (show the second page of ratings), "withdraw.CODE", "delete.CODE", "unrate.CODE",
    "votes" (delete all ratings), "ask.votes" and "ask.delete.CODE" (ask for confirmation,
    because the deletion is final). Returns None for anything else.

    >>> parse_contributions("withdraw.7k2m"), parse_contributions("nonsense")
    (ContributionsRequested(kind='withdraw', code='7k2m', language=''), None)
    >>> parse_contributions("more.2")
    ContributionsRequested(kind='more', code='2', language='')
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
