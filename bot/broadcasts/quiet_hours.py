"""Quiet hours of the city, in which no broadcasts are sent."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo


def is_quiet(moment: datetime, zone: tzinfo, begins: int, ends: int) -> bool:
    """Whether a moment is within the quiet hours in the city's time zone; equal hours mean none.

    >>> is_quiet(datetime(2026, 11, 25, 21, 30, tzinfo=UTC), UTC, 21, 8)
    True
    """
    hour = moment.astimezone(zone).hour
    if begins <= ends:
        return begins <= hour < ends
    return hour >= begins or hour < ends


def next_open(moment: datetime, zone: tzinfo, begins: int, ends: int) -> datetime:
    """Returns the first moment outside the quiet hours.

    Steps by quarters of an hour in UTC, because the city's clock changes at night.
    """
    if not is_quiet(moment, zone, begins, ends):
        return moment
    step = timedelta(minutes=15)
    whole = moment.astimezone(UTC).replace(second=0, microsecond=0)
    at = whole - timedelta(minutes=whole.minute % 15)
    while is_quiet(at, zone, begins, ends):
        at += step
    return at
