"""Quiet hours by the clocks of the city, also in the nights in which these are changed."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.broadcasts.sending_times import SendingTimes
from bot.settings import PushSettings, Settings

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
    assert SendingTimes(BERLIN, 21, 8).is_quiet(local.astimezone(UTC)) is quiet


def test_the_nights_of_the_clock_change_are_shorter_and_longer():
    for day, hours_long in (("2026-03-28", 10), ("2026-10-24", 12), ("2026-11-25", 11)):
        evening = datetime.fromisoformat(f"{day} 21:00").replace(tzinfo=BERLIN).astimezone(UTC)
        assert SendingTimes(BERLIN, 21, 8).next_open(evening) - evening == timedelta(hours=hours_long)


def test_within_a_day_and_never():
    noon = datetime(2026, 11, 25, 12, tzinfo=UTC)
    assert SendingTimes(UTC, 12, 14).is_quiet(noon)
    assert not SendingTimes(UTC, 12, 14).is_quiet(noon + timedelta(hours=2))
    assert not SendingTimes(UTC).is_quiet(noon)


@given(moments, hours, hours, st.frozensets(st.integers(0, 6), min_size=1), st.sampled_from(["", "DE-BE"]))
def test_the_next_open_moment_is_open_and_the_first(moment, begins, ends, weekdays, place):
    times = SendingTimes(BERLIN, begins, ends, weekdays, place)
    found = times.next_open(moment)
    assert not times.is_quiet(found)
    if found != moment:
        assert times.is_quiet(moment)
        assert times.is_quiet(found - timedelta(minutes=1))


def test_weekends_and_holidays_of_the_state_are_free():
    push = PushSettings(weekdays=("monday", "tuesday", "wednesday", "thursday", "friday"), holidays="de-be")
    times = SendingTimes.of(Settings(push=push))
    christmas = datetime(2026, 12, 24, 23, tzinfo=BERLIN)
    # Friday and Saturday are holidays, Sunday is no weekday of the city.
    assert times.next_open(christmas) == datetime(2026, 12, 28, 8, tzinfo=BERLIN)
    assert times.holiday(date(2026, 12, 25), "de") == "Erster Weihnachtstag"
    assert times.next_open(datetime(2026, 3, 6, 22, tzinfo=BERLIN)) == datetime(2026, 3, 9, 8, tzinfo=BERLIN)


def test_a_calendar_without_an_open_day_ends_the_search():
    never = SendingTimes(UTC, weekdays=frozenset())
    assert never.next_open(datetime(2026, 1, 1, tzinfo=UTC)) > datetime(2027, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("place", ["DE-XX", "Berlin", "QQ"])
def test_an_unknown_state_is_refused(place):
    with pytest.raises(ValueError, match="country and state, like DE-BE"):
        PushSettings(holidays=place)
