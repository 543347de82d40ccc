"""What an answer can be: a value, or one of five reasons why there is none."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

Value = str | int | float | bool | list[str] | dict[str, int]
"""One value; several, of which the order may count (a ranking); or an amount for each of several (points)."""


class Missing(StrEnum):
    """Why there is no value: five reasons which an analyst must be able to tell apart."""

    NOT_ASKED = "not_asked"
    SKIPPED = "skipped"
    REFUSED = "refused"
    DONT_KNOW = "dont_know"
    INTERRUPTED = "interrupted"


GAPS: Final = frozenset({Missing.NOT_ASKED, Missing.INTERRUPTED})
"""Reasons that nobody gave: recorded when somebody leaves or submits."""
