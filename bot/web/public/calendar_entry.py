"""The next step of a consultation as a file for calendars (iCalendar, RFC 5545): the day on which it ends."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Final, NamedTuple

from aiohttp import web

from adapters.web.errors import RequestError
from bot.common.i18n.locale import Locale
from bot.web.context import site_of
from bot.web.public.chat import SLUG, requested_consultation
from bot.web.request_locale import locale_of

_LINE_BYTES: Final = 75
_ESCAPED: Final = str.maketrans({"\\": "\\\\", ";": "\\;", ",": "\\,", "\n": "\\n"})


class CalendarEntry(NamedTuple):
    """One all-day event."""

    id: str
    """Globally unique, so that a second download replaces the entry."""
    day: date
    summary: str
    description: str
    link: str


def icalendar(entry: CalendarEntry, now: datetime) -> str:
    """Returns the file of one entry, with folded lines.

    >>> made = icalendar(CalendarEntry("park", date(2026, 12, 31), "Park; Ende", "", ""), datetime(2026, 12, 1))
    >>> [line for line in made.split("\\r\\n") if line[:7] in ("DTSTART", "SUMMARY")]
    ['DTSTART;VALUE=DATE:20261231', 'SUMMARY:Park\\\\; Ende']
    """
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//Mitsprache//next step//EN",
        "BEGIN:VEVENT",
        f"UID:{entry.id}",
        f"DTSTAMP:{now:%Y%m%dT%H%M%SZ}",
        f"DTSTART;VALUE=DATE:{entry.day:%Y%m%d}",
        f"DTEND;VALUE=DATE:{entry.day + timedelta(days=1):%Y%m%d}",
        f"SUMMARY:{entry.summary.translate(_ESCAPED)}",
        f"DESCRIPTION:{entry.description.translate(_ESCAPED)}",
        f"URL:{entry.link}",
        "TRANSP:TRANSPARENT",
        "END:VEVENT",
        "END:VCALENDAR",
    ]
    return "".join(f"{_folded(line)}\r\n" for line in lines)


def _folded(line: str) -> str:
    """Returns a line in pieces of at most 75 bytes, the later ones after a blank; no character is cut."""
    pieces = [""]
    for char in line:
        if len((pieces[-1] + char).encode()) >= _LINE_BYTES:
            pieces.append(" ")
        pieces[-1] += char
    return "\r\n".join(pieces)


def add_calendar_routes(router: web.UrlDispatcher) -> None:
    router.add_get(f"/c/{SLUG}/calendar.ics", _calendar)


async def _calendar(request: web.Request) -> web.Response:
    """Sends the day on which a consultation ends, for a calendar."""
    site, published = site_of(request), requested_consultation(request)
    day = published.closes(site.services.settings.zone())
    if day is None:
        raise RequestError("unknown")
    locale = Locale.of(published.best(locale_of(request).tag))
    link = f"{site.services.settings.web.public_url}/results/{published.slug}"
    title = published.text(published.listing.title, locale.tag)
    entry = CalendarEntry(
        f"{published.slug}-{published.revision.consultation_id}@mitsprache",
        day,
        locale.text("web.calendar.ends", title=title),
        published.text(published.consultation.feedback, locale.tag),
        link,
    )
    headers = {"Content-Disposition": f'attachment; filename="{published.slug}.ics"'}
    return web.Response(text=icalendar(entry, datetime.now(UTC)), content_type="text/calendar", headers=headers)
