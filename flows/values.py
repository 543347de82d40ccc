"""What an answer can be: a value, or one of five reasons why there is none."""

from __future__ import annotations

from enum import StrEnum

Value = str | int | float | bool | list[str]


class Missing(StrEnum):
    """Why there is no value: five reasons which an analyst must be able to tell apart."""

    NOT_ASKED = "not_asked"
    SKIPPED = "skipped"
    REFUSED = "refused"
    DONT_KNOW = "dont_know"
    INTERRUPTED = "interrupted"
