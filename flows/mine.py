"""What is mine: own proposals and ratings, to be seen, withdrawn and deleted at any time."""

from __future__ import annotations

from typing import Final

from flows.events import MineAsked

KINDS: Final = ("withdraw", "delete")
"""What can be asked for one proposal, by its code: out of sight, or gone for good."""


def parse_mine(argument: str, language: str = "") -> MineAsked | None:
    """Reads "" (show), "withdraw.CODE", "delete.CODE", "votes" (delete all ratings). None for what was never offered.

    >>> parse_mine("withdraw.7k2m"), parse_mine("nonsense")
    (MineAsked(kind='withdraw', code='7k2m', language=''), None)
    """
    kind, _, code = argument.partition(".")
    if not argument:
        return MineAsked("show", "", language)
    if kind == "votes" and not code:
        return MineAsked("votes", "", language)
    return MineAsked(kind, code, language) if kind in KINDS and code else None
