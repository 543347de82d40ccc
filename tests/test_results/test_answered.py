"""How many contributions were answered, and how long that took: hidden is not answered, and nothing takes 0 days."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from bot.common.i18n.locale import Locale
from bot.results import opinions
from bot.results.official_answer_rate import OfficialAnswerRate, official_answer_rate_of
from storage.tables.moderation import ModerationState, ProposalProgress

THEN = datetime(2026, 11, 1, 12, tzinfo=UTC)


def contribution(state: ModerationState = "released", after: timedelta | None = None) -> ProposalProgress:
    """One that was answered after so long, or not yet."""
    at = None if after is None else THEN + after
    return ProposalProgress("C", state, "received" if at is None else "accepted", THEN, THEN + timedelta(minutes=1), at)


def said(found: OfficialAnswerRate) -> str:
    about: Any = SimpleNamespace(answered=found)
    return opinions.official_answers_line(about, Locale.of("de"))


def test_hidden_with_a_reason_is_not_answered() -> None:
    rows = [contribution("hidden")] * 95 + [contribution()] * 5
    assert official_answer_rate_of(rows, 5) == OfficialAnswerRate(100, 0, None)
    assert said(official_answer_rate_of(rows, 5)) == "0 % aller Vorschläge sind beantwortet."
    assert official_answer_rate_of([*rows, *[contribution("hidden", timedelta(days=2))] * 5], 5).answered == 5, (
        "it may be, besides"
    )


@pytest.mark.parametrize(
    ("after", "words"),
    [
        (timedelta(minutes=10), "innerhalb eines Tages"),
        (timedelta(hours=23), "innerhalb eines Tages"),
        (timedelta(hours=36), "innerhalb von 2 Tagen"),
        (timedelta(days=12), "innerhalb von 12 Tagen"),
    ],
)
def test_nothing_takes_no_days(after: timedelta, words: str) -> None:
    assert words in said(official_answer_rate_of([contribution(after=after)] * 5, 5))
