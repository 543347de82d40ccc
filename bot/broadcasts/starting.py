"""Starting a push and changing it, from the command line or from the desk: what is refused, said, and begun."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final, NamedTuple

from sqlalchemy import Connection

from bot import privacy
from bot.broadcasts import telling
from bot.broadcasts.audience import PAGE
from bot.broadcasts.sending import Pushing
from bot.broadcasts.telling import Say
from bot.segments import SegmentError, parse
from storage import broadcasts
from storage.broadcasts import State, StoredBroadcast

_TIME = re.compile(r"(?:(\d{4})-(\d\d)-(\d\d)|(\d{1,2})\.(\d{1,2})\.(\d{4}))(?:[T ](\d{1,2})(?:[:.](\d\d))?)?")


MOVES: Final[Mapping[str, tuple[tuple[State, ...], State]]] = {
    "pause": (("planning", "sending"), "paused"),
    # Planning goes on where it was, and is over at once where it had been finished.
    "resume": (("paused",), "planning"),
    "recall": (("planning", "sending", "paused"), "recalled"),
}
"""What can be done with a push that has begun: in which states, and what it becomes."""


class PushError(Exception):
    """A push cannot be started. `phrase` and `values` say why, in any language of the house."""

    def __init__(self, phrase: str, **values: object) -> None:
        super().__init__(phrase)
        self.phrase = phrase
        self.values = values


class Wish(NamedTuple):
    """What somebody wants to push. `at` None: now; `per_hour` None: as the settings say."""

    slug: str
    segment: str = "everybody"
    at: datetime | None = None
    per_hour: int | None = None
    is_reminder: bool = False


def parse_time(text: str, zone: tzinfo) -> datetime:
    """A day and a time as people write them, by the clocks of the city: "2026-12-01 18:00", "1.12.2026 18".

    Raises PushError.
    """
    found = _TIME.fullmatch(text.strip())
    try:
        if not found:
            moment = datetime.fromisoformat(text.strip())
        else:
            year, month, day, day_, month_, year_, hour, minute = found.groups(default="")
            date = f"{year or year_}-{month or month_:0>2}-{day or day_:0>2}"
            moment = datetime.fromisoformat(f"{date}T{hour:0>2}:{minute:0>2}")
    except ValueError:
        raise PushError("push.bad_time", time=text[:40]) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=zone)


def check(pushing: Pushing, connection: Connection, wish: Wish, now: datetime) -> StoredBroadcast:
    """The push as a draft, not stored yet. Raises PushError."""
    catalogue = pushing.catalogue
    catalogue.refresh(connection)
    if not catalogue.is_known(wish.slug):
        raise PushError("push.unknown", slug=wish.slug[:40], slugs=", ".join(catalogue.known_slugs()) or "–")
    if catalogue.newest(wish.slug) is None:
        raise PushError("push.closed", slug=wish.slug)
    try:
        segment = parse(wish.segment or "everybody", catalogue.known_slugs(), pushing.channels)
    except SegmentError as fault:
        rest = wish.segment[fault.position :][:40]
        phrase = "push.segment_wrong" if fault.options else "push.segment_unclear" if rest else "push.segment_ends"
        raise PushError(phrase, rest=rest, options=fault.options) from fault
    if wish.at and wish.at < now - timedelta(minutes=1):
        raise PushError("push.past")
    check_running(connection, wish.slug, is_reminder=wish.is_reminder)
    per_hour = pushing.settings.push.per_hour if wish.per_hour is None else wish.per_hour
    starts = (wish.at or now).astimezone(UTC)
    number = pushing.ids()
    return StoredBroadcast(
        number, wish.slug, segment.text, wish.is_reminder, per_hour, "draft", starts, None, None, 0, starts, now
    )


def check_running(connection: Connection, slug: str, *, is_reminder: bool) -> None:
    """Raises PushError where a push of this consultation is not over: two who start it at once start one."""
    if broadcasts.running(connection, slug, is_reminder=is_reminder):
        raise PushError("push.running", slug=slug)


def begin(pushing: Pushing, connection: Connection, push: StoredBroadcast, now: datetime) -> None:
    """Lets a stored draft run: from now on the house works on it. Raises PushError."""
    if pushing.catalogue.newest(push.slug) is None:
        raise PushError("push.closed", slug=push.slug)
    check_running(connection, push.slug, is_reminder=push.is_reminder)
    if not broadcasts.move(connection, push.id, ["draft"], "planning"):
        raise PushError("push.stale")
    broadcasts.note(connection, push.id, paced_to=max(push.starts_at, now))


def describe(
    pushing: Pushing, connection: Connection, push: StoredBroadcast, say: Say, words: Iterable[str] = ()
) -> Iterator[str]:
    """How far a push is, in words: its ledger, and how many of those who got it have answered. `words`: see `whom`."""
    state: State = push.state
    yield say("push.is", slug=push.slug, segment=telling.whom(push, say, words), state=say(f"push.state.{state}"))
    numbers: dict[str, int] = {}
    reasons: dict[str, int] = {}
    for cell in broadcasts.count(connection, push.id):
        numbers[cell.state] = numbers.get(cell.state, 0) + cell.number
        if cell.reason and cell.state in {"failed", "skipped"}:
            reasons[cell.reason] = reasons.get(cell.reason, 0) + cell.number
    for name in ("planned", "queued", "sent", "failed", "skipped", "recalled"):
        if number := numbers.get(name):
            yield say(f"push.ledger.{name}", number=number)
    for reason, number in sorted(reasons.items()):
        yield f"   {say(f'push.reason.{reason}')}: {number}"
    if numbers.get("sent") and pushing.catalogue.is_known(push.slug):
        begun, completed = answered(pushing, connection, push)
        yield say("push.answered", begun=begun, completed=completed)


def answered(pushing: Pushing, connection: Connection, push: StoredBroadcast) -> tuple[int, int]:
    """How many of those who got a push began, and finished. Computed anew each time, in pages, and stored nowhere."""
    consultation_id = pushing.catalogue.consultation_id(push.slug)
    after = begun = completed = 0
    while page := broadcasts.sent_to(connection, push.id, after, PAGE):
        statuses = privacy.participation(connection, page, consultation_id, pushing.keys)
        begun += len(statuses)
        completed += sum(status == "completed" for status in statuses.values())
        after = page[-1]
    return begun, completed
