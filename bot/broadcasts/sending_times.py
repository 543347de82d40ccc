"""The times at which broadcasts may be sent: outside the city's quiet hours, on its weekdays, not on its holidays."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Final, NamedTuple

from bot.common.public_holidays import public_holiday
from bot.settings import WEEKDAYS, Settings

STEP: Final = timedelta(minutes=15)
LONGEST: Final = timedelta(days=400)
"""The search for an open moment ends after this time, if the settings leave none."""


class SendingTimes(NamedTuple):
    """When broadcasts are sent, by the clocks of a zone. Equal hours mean no quiet hours.

    >>> SendingTimes(UTC, 21, 8).is_quiet(datetime(2026, 11, 25, 21, 30, tzinfo=UTC))
    True
    """

    zone: tzinfo
    quiet_from: int = 0
    quiet_to: int = 0
    weekdays: frozenset[int] = frozenset(range(7))
    """Monday is 0."""
    holidays: str = ""
    """The country, or country and state, whose public holidays are free, e.g. `DE-BE`; "" for none."""

    @staticmethod
    def of(settings: Settings) -> SendingTimes:
        push = settings.push
        days = frozenset(WEEKDAYS.index(it) for it in push.weekdays or WEEKDAYS)
        return SendingTimes(settings.zone(), push.quiet_from, push.quiet_to, days, push.holidays)

    def is_quiet(self, moment: datetime) -> bool:
        """Whether nothing is sent at this moment."""
        local = moment.astimezone(self.zone)
        return self.is_free(local.date()) or self._is_quiet_hour(local.hour)

    def is_free(self, day: date) -> bool:
        """Whether nothing is sent on this day."""
        return day.weekday() not in self.weekdays or bool(self.holiday(day))

    def holiday(self, day: date, language: str = "") -> str:
        """Returns the name of the public holiday on this day; "" if it is none."""
        return public_holiday(self.holidays, day, language)

    def next_holiday(self, moment: datetime, language: str) -> tuple[date, str] | None:
        """Returns the next public holiday on one of the weekdays, with its name; None without one in a year."""
        today = moment.astimezone(self.zone).date()
        days = (today + timedelta(days=it) for it in range(366))
        found = ((day, self.holiday(day, language)) for day in days if day.weekday() in self.weekdays)
        return next((it for it in found if it[1]), None)

    def next_open(self, moment: datetime) -> datetime:
        """Returns the first moment at which broadcasts are sent.

        Steps by quarters of an hour in UTC, because the city's clock changes at night.
        """
        if not self.is_quiet(moment):
            return moment
        whole = moment.astimezone(UTC).replace(second=0, microsecond=0)
        at = whole - timedelta(minutes=whole.minute % 15)
        while self.is_quiet(at) and at - moment < LONGEST:
            today = at.astimezone(self.zone).date()
            at = self._midnight_after(today) if self.is_free(today) else at + STEP
        return at

    def _midnight_after(self, day: date) -> datetime:
        return datetime.combine(day + timedelta(days=1), time.min, self.zone).astimezone(UTC)

    def _is_quiet_hour(self, hour: int) -> bool:
        begins, ends = self.quiet_from, self.quiet_to
        if begins <= ends:
            return begins <= hour < ends
        return hour >= begins or hour < ends
