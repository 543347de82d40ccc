"""Determines and records the purpose of reading raw data, from `--purpose` or a prompt at the terminal."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from bot.common.errors import CommandError, Say
from bot.settings import Settings

Ask = Callable[[str], str]
"""Prompts at the terminal; "" without a terminal or an answer."""
NONE_GIVEN: Final = "none given"
_QUESTION: Final = "What is this raw data needed for? The audit log records your answer: "
_MISSING: Final = "no purpose was given for reading raw data, which the audit log records; give one with --purpose TEXT"
_REFUSED: Final = (
    "raw data may only be read for a purpose (setting raw_needs_purpose), which the audit log records; "
    'give one: --purpose "weighting for the October report"'
)


def ask_purpose(settings: Settings, given: str, ask: Ask, complain: Say) -> str:
    """Returns the given purpose, or else the answer at the terminal; "" if both are missing, with a warning if that is
    allowed.
    """
    purpose = given.strip() or ask(_QUESTION).strip()
    if not purpose and not settings.raw_needs_purpose:
        complain(_MISSING)
    return purpose


def recorded_purpose(settings: Settings, purpose: str) -> str:
    """Returns the purpose as stored in the audit log. Raises CommandError if it is missing and the settings require
    one.
    """
    if not purpose.strip() and settings.raw_needs_purpose:
        raise CommandError(_REFUSED)
    return purpose.strip() or NONE_GIVEN
