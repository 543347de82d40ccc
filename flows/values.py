"""Answer values and the five missing codes."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

Value = str | int | float | bool | list[str] | dict[str, int]
"""One value, a list of values (ordered for a ranking), or an amount per option (points)."""


class Missing(StrEnum):
    """Reasons for a missing value, which analysts must be able to distinguish."""

    NOT_ASKED = "not_asked"
    SKIPPED = "skipped"
    REFUSED = "refused"
    DONT_KNOW = "dont_know"
    INTERRUPTED = "interrupted"


GAPS: Final = frozenset({Missing.NOT_ASKED, Missing.INTERRUPTED})
"""Missing codes that are recorded by the engine when a contact leaves or submits."""
