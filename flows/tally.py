"""What a stored answer consists of, and so how it is exported and counted. Each question type declares it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, NamedTuple

from flows.wording import Text

Tally = Literal["option", "many", "number", "date", "order", "amounts", "pairs", "votes", "code", "text"]
"""The code of one option; codes of several options; a number; a day (ISO 8601); codes in the order of preference; an
amount for each option; decisions between two options; the number of rated proposals; a code of its own for each answer,
which names a record elsewhere; free text.
"""
PER_OPTION: Final[frozenset[Tally]] = frozenset({"many", "order", "amounts"})
"""Tallies of which one answer can concern several options."""


class BudgetTerms(NamedTuple):
    """The budget that each answer distributes, and what each option costs if it is taken as a whole."""

    amount: int
    costs: Mapping[str, int]
    """By option; empty if the amounts are free."""
    step: int = 1
    """What one tap adds or takes."""
    unit: Text | None = None
    """The unit of the budget; None for points."""
