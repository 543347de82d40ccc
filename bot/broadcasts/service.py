"""Creates, starts and changes broadcasts, for the command line and the staff chat."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final, NamedTuple

from sqlalchemy import Connection

from bot.broadcasts import second_person, texts
from bot.broadcasts.audience import PAGE, AudienceCount
from bot.broadcasts.segments import Segment, SegmentError, parse_segment
from bot.broadcasts.sending import BroadcastProcessor
from bot.broadcasts.texts import Translate
from bot.common import audit
from bot.common.audit import SYSTEM, Act, Actor
from bot.common.ids import random_id
from bot.consultations.catalogue import Catalogue
from bot.privacy import personal_data
from bot.settings import Settings
from flows.phrase_families import PUSH_LEDGER, PUSH_STATES
from storage.tables.broadcasts import (
    BroadcastState,
    StoredBroadcast,
    change_broadcast_state,
    count_recipients,
    insert_broadcasts,
    reached_contacts,
    running_broadcast,
    update_broadcast,
)
from storage.tables.consultations import find_consultation
from storage.tables.participations import Tally

_TIME = re.compile(r"(?:(\d{4})-(\d\d)-(\d\d)|(\d{1,2})\.(\d{1,2})\.(\d{4}))(?:[T ](\d{1,2})(?:[:.](\d\d))?)?")


TRANSITIONS: Final[Mapping[str, tuple[tuple[BroadcastState, ...], BroadcastState, Act]]] = {
    "pause": (("planning", "sending"), "paused", "push.pause"),
    # Planning continues where it stopped, and ends at once if it was complete.
    "resume": (("paused",), "planning", "push.resume"),
    "recall": (("planning", "sending", "paused"), "recalled", "push.recall"),
}
"""Transitions of a started broadcast: allowed states, new state and audit action."""


HOLD: Final = timedelta(seconds=60)
"""So long a push that was started on a page waits, so that it can be taken back before the first message."""
TOLERATED_PERCENT: Final = 2
"""A push starts although its audience has changed by this much since it was shown."""


class PushError(Exception):
    """Raised when a broadcast cannot be started or changed; `phrase` and `values` give the reason."""

    def __init__(self, phrase: str, **values: object) -> None:
        super().__init__(phrase)
        self.phrase = phrase
        self.values = values


class BroadcastDraft(NamedTuple):
    """A requested broadcast. `at` None: now; `per_hour` None: the configured rate; `until`: the moment from which no
    message leaves, None: when the consultation closes; `is_sample`: the author knows that it is invented.
    """

    slug: str
    segment: str = "everybody"
    at: datetime | None = None
    per_hour: int | None = None
    is_reminder: bool = False
    until: datetime | None = None
    is_sample: bool = False


def parse_time(text: str, zone: tzinfo) -> datetime:
    """Parses a date and time in the city's time zone: "2026-12-01 18:00", "1.12.2026 18".

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


def _check_open(
    connection: Connection, catalogue: Catalogue, slug: str, known: Collection[str], *, sees_all: bool
) -> None:
    """Raises PushError. `known` are the published consultations that exist for the author."""
    if slug in known and catalogue.is_open(slug):
        return
    # A stored consultation that is not known is archived, a draft or a test.
    if slug in known or (sees_all and find_consultation(connection, slug)):
        raise PushError("push.closed", slug=slug)
    raise PushError("push.unknown", slug=slug[:40], slugs=", ".join(known) or "–")


def _segment(processor: BroadcastProcessor, text: str, known: Collection[str]) -> Segment:
    try:
        return parse_segment(text or "everybody", known, processor.channels)
    except SegmentError as error:
        rest = text[error.position :][:40]
        phrase = "push.segment_wrong" if error.options else "push.segment_unclear" if rest else "push.segment_ends"
        raise PushError(phrase, rest=rest, options=error.options) from error


def _check_times(draft: BroadcastDraft, now: datetime) -> None:
    """Raises PushError."""
    if draft.at and draft.at < now - timedelta(minutes=1):
        raise PushError("push.past")
    if draft.until and draft.until <= max(draft.at or now, now):
        raise PushError("push.ends_early")


def create_draft(
    processor: BroadcastProcessor,
    connection: Connection,
    draft: BroadcastDraft,
    now: datetime,
    limit: Collection[str] | None = None,
) -> StoredBroadcast:
    """Builds a draft without storing it. `limit`: the only consultations that exist for the author; None: all.

    Raises PushError.
    """
    catalogue = processor.catalogue
    catalogue.refresh(connection)
    known = tuple(slug for slug in catalogue.known_slugs() if limit is None or slug in limit)
    _check_open(connection, catalogue, draft.slug, known, sees_all=limit is None)
    if catalogue.is_sample(draft.slug) and not draft.is_sample:
        raise PushError("push.is_sample", slug=draft.slug)
    segment = _segment(processor, draft.segment, known)
    _check_times(draft, now)
    check_not_running(connection, draft.slug, is_reminder=draft.is_reminder)
    per_hour = processor.settings.push.per_hour if draft.per_hour is None else draft.per_hour
    starts = (draft.at or now).astimezone(UTC)
    number = random_id()
    return StoredBroadcast(
        id=number,
        slug=draft.slug,
        segment=segment.text,
        is_reminder=draft.is_reminder,
        per_hour=per_hour,
        state="draft",
        starts_at=starts,
        member_id=None,
        counted=None,
        planned_to=0,
        paced_to=starts,
        created_at=now,
        expires_at=draft.until.astimezone(UTC) if draft.until else None,
    )


def is_large(settings: Settings, number: int) -> bool:
    """Whether an audience of this number is confirmed twice."""
    return number > settings.push.confirm_above


def has_changed(shown: int, number: int) -> bool:
    """Whether an audience has changed too much since it was shown.

    >>> [has_changed(412, number) for number in (412, 404, 403, 421)]
    [False, False, True, True]
    """
    return abs(number - shown) * 100 > TOLERATED_PERCENT * shown


def dry_run(
    processor: BroadcastProcessor,
    connection: Connection,
    wish: BroadcastDraft,
    now: datetime,
    limit: Collection[str] | None = None,
) -> tuple[StoredBroadcast, AudienceCount]:
    """Builds a draft and counts its audience without storing anything. Raises PushError."""
    draft = create_draft(processor, connection, wish, now, limit)
    count = processor.count(connection, draft, now)
    return draft._replace(counted=count.total), count


def store_and_start(
    processor: BroadcastProcessor,
    connection: Connection,
    draft: StoredBroadcast,
    now: datetime,
    by: Actor,
    hold: timedelta = timedelta(0),
) -> StoredBroadcast:
    """Stores a counted draft and starts it, at the earliest after `hold`; returns it as stored: still a draft if it
    waits for the agreement of a second member.

    Raises PushError, and Duplicate if another one was started at the same moment.
    """
    insert_broadcasts(connection, [draft])
    if not start_broadcast(processor, connection, draft, now, by):
        return draft
    starts = max(draft.starts_at, now + hold)
    update_broadcast(connection, draft.id, starts_at=starts, paced_to=starts)
    return draft._replace(state="planning", starts_at=starts, paced_to=starts)


def agree_and_start(
    processor: BroadcastProcessor, connection: Connection, push: StoredBroadcast, now: datetime, by: Actor
) -> None:
    """Starts a draft that another member asked for, at the earliest after `HOLD`. Raises PushError and Duplicate."""
    if second_person.request_for(processor, connection, push, now) is None:
        raise PushError("push.stale")
    is_timed = push.starts_at > push.created_at
    if is_timed and push.starts_at < now:
        raise PushError("push.past")
    if not start_broadcast(processor, connection, push, now, by):
        raise PushError("push.asked", **second_person.where_to_agree(processor.settings, push.slug))
    starts = max(push.starts_at, now + HOLD)
    update_broadcast(connection, push.id, starts_at=starts, paced_to=starts)


def check_not_running(connection: Connection, slug: str, *, is_reminder: bool) -> None:
    """Raises PushError if a broadcast of this consultation is unfinished, which prevents concurrent starts."""
    if running_broadcast(connection, slug, is_reminder=is_reminder):
        raise PushError("push.running", slug=slug)


def start_broadcast(
    processor: BroadcastProcessor, connection: Connection, push: StoredBroadcast, now: datetime, by: Actor = SYSTEM
) -> bool:
    """Starts a stored draft. A large one starts only if a second member agrees to it by this; else their agreement is
    asked for, and False is returned. Raises PushError.
    """
    if not processor.catalogue.is_open(push.slug):
        raise PushError("push.closed", slug=push.slug)
    if push.expires_at and push.expires_at <= now:
        raise PushError("push.past")
    check_not_running(connection, push.slug, is_reminder=push.is_reminder)
    if not second_person.may_start(processor, connection, push, now, by):
        second_person.ask(processor, connection, push, now, by)
        return False
    if not change_broadcast_state(connection, push.id, ["draft"], "planning"):
        raise PushError("push.stale")
    update_broadcast(connection, push.id, paced_to=max(push.starts_at, now))
    entry = by.did("push.start", push.slug, f"{push.segment}, {push.counted or 0} people", now)
    audit.record_entry(connection, processor.keys, entry)
    return True


def change_state(
    processor: BroadcastProcessor, connection: Connection, push: StoredBroadcast, verb: str, by: Actor
) -> bool:
    """Pauses, resumes or recalls a broadcast; returns False if its state does not allow that."""
    before, after, act = TRANSITIONS[verb]
    is_possible = change_broadcast_state(connection, push.id, before, after)
    if is_possible:
        audit.record_entry(connection, processor.keys, by.did(act, push.slug))
    return is_possible


class Ledger(NamedTuple):
    """The recipients of a broadcast, without names: by state, the failed and skipped ones by reason, and the sent ones
    by channel and language.
    """

    states: Counter[str]
    reasons: Counter[str]
    sent: Counter[tuple[str, str]]


def count_ledger(connection: Connection, broadcast_id: int) -> Ledger:
    """Counts the recipients of a broadcast."""
    found = Ledger(Counter(), Counter(), Counter())
    for cell in count_recipients(connection, broadcast_id):
        found.states[cell.state] += cell.number
        if cell.reason and cell.state in {"failed", "skipped"}:
            found.reasons[cell.reason] += cell.number
        if cell.state == "sent":
            found.sent[cell.channel, cell.language] += cell.number
    return found


def describe_broadcast(
    processor: BroadcastProcessor,
    connection: Connection,
    push: StoredBroadcast,
    say: Translate,
    words: Iterable[str] = (),
) -> Iterator[str]:
    """Describes the progress of a broadcast and its recipients. `words`: see `describe_segment`."""
    state: BroadcastState = push.state
    yield say(
        "push.is", slug=push.slug, segment=texts.describe_segment(push, say, words), state=say(PUSH_STATES[state])
    )
    ledger = count_ledger(connection, push.id)
    for name, phrase in PUSH_LEDGER.items():
        if number := ledger.states[name]:
            yield say(phrase, number=number)
    for reason, number in sorted(ledger.reasons.items()):
        yield f"   {say(f'push.reason.{reason}')}: {number}"
    if ledger.states["sent"] and processor.catalogue.is_known(push.slug):
        yield say("push.answered", **tally_recipients(processor, connection, push)._asdict())


def tally_recipients(processor: BroadcastProcessor, connection: Connection, push: StoredBroadcast) -> Tally:
    """Counts the participation of recipients. Computed page by page on every call and never stored."""
    consultation_id = processor.catalogue.consultation_id(push.slug)
    after = begun = told = finished = 0
    while page := reached_contacts(connection, push.id, after, PAGE):
        standings = personal_data.progress_of_contacts(connection, page, consultation_id, processor.keys).values()
        begun += len(standings)
        told += sum(standing.is_answered for standing in standings)
        finished += sum(standing.status == "completed" for standing in standings)
        after = page[-1]
    return Tally(begun, told, finished)
