"""The purpose of reading raw data: given with `--purpose` or asked at the terminal, and recorded."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from bot.common.errors import CommandError, Say
from bot.settings import Settings

Ask = Callable[[str], str]
"""Asks the person at the terminal; "" where there is none, or no answer."""
NONE_GIVEN: Final = "none given"
_QUESTION: Final = "What is this raw data needed for? It is written into the audit log: "
_MISSING: Final = "no purpose was given for reading raw data, and the audit log says so; --purpose TEXT gives one"
_REFUSED: Final = (
    "raw data is read here for a purpose only (the setting raw_needs_purpose), which the audit log keeps; "
    'give one: --purpose "weighting for the October report"'
)


def ask_purpose(settings: Settings, given: str, ask: Ask, complain: Say) -> str:
    """The purpose that was given, or else the answer of the person at the terminal; "" where both are missing, with a
    warning where that is allowed.
    """
    purpose = given.strip() or ask(_QUESTION).strip()
    if not purpose and not settings.raw_needs_purpose:
        complain(_MISSING)
    return purpose


def recorded_purpose(settings: Settings, purpose: str) -> str:
    """The purpose as the audit log keeps it. Raises CommandError where there is none and the settings demand one."""
    if not purpose.strip() and settings.raw_needs_purpose:
        raise CommandError(_REFUSED)
    return purpose.strip() or NONE_GIVEN
