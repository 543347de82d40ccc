"""Quiet hours by the clocks of the city, also in the nights in which these are changed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.broadcasts.quiet_hours import is_quiet, next_open

BERLIN = ZoneInfo("Europe/Berlin")
moments = st.integers(1_577_836_800, 2_051_222_400).map(lambda second: datetime.fromtimestamp(second, UTC))
hours = st.integers(0, 23)


@pytest.mark.parametrize(
    ("moment", "quiet"),
    [
        ("2026-11-25 20:59", False),
        ("2026-11-25 21:00", True),
        ("2026-11-26 00:00", True),
        ("2026-11-26 07:59", True),
        ("2026-11-26 08:00", False),
        ("2026-03-29 07:59", True),  # that night an hour is missing
        ("2026-03-29 08:00", False),
        ("2026-10-25 07:59", True),  # that night an hour comes twice
        ("2026-10-25 08:00", False),
    ],
)
def test_over_midnight_by_the_clocks_of_the_city(moment, quiet):
    local = datetime.fromisoformat(moment).replace(tzinfo=BERLIN)
    assert is_quiet(local.astimezone(UTC), BERLIN, 21, 8) is quiet


def test_the_nights_of_the_clock_change_are_shorter_and_longer():
    for day, hours_long in (("2026-03-28", 10), ("2026-10-24", 12), ("2026-11-25", 11)):
        evening = datetime.fromisoformat(f"{day} 21:00").replace(tzinfo=BERLIN).astimezone(UTC)
        assert next_open(evening, BERLIN, 21, 8) - evening == timedelta(hours=hours_long)


def test_within_a_day_and_never():
    noon = datetime(2026, 11, 25, 12, tzinfo=UTC)
    assert is_quiet(noon, UTC, 12, 14)
    assert not is_quiet(noon + timedelta(hours=2), UTC, 12, 14)
    assert not is_quiet(noon, UTC, 0, 0)


@given(moments, hours, hours)
def test_the_next_open_moment_is_open_and_the_first(moment, begins, ends):
    found = next_open(moment, BERLIN, begins, ends)
    assert not is_quiet(found, BERLIN, begins, ends)
    if found != moment:
        assert is_quiet(moment, BERLIN, begins, ends)
        assert is_quiet(found - timedelta(minutes=1), BERLIN, begins, ends)
