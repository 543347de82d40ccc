"""Creates, starts and changes broadcasts, for the command line and the staff chat."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final, NamedTuple

from sqlalchemy import Connection

from bot.broadcasts import texts
from bot.broadcasts.audience import PAGE
from bot.broadcasts.segments import SegmentError, parse_segment
from bot.broadcasts.sending import BroadcastProcessor
from bot.broadcasts.texts import Translate
from bot.common import audit
from bot.common.audit import SYSTEM, Act, Actor
from bot.common.ids import random_id
from bot.privacy import personal_data
from storage.tables.broadcasts import (
    BroadcastState,
    StoredBroadcast,
    change_broadcast_state,
    count_recipients,
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


class PushError(Exception):
    """Raised when a broadcast cannot be started or changed; `phrase` and `values` give the reason."""

    def __init__(self, phrase: str, **values: object) -> None:
        super().__init__(phrase)
        self.phrase = phrase
        self.values = values


class BroadcastDraft(NamedTuple):
    """A requested broadcast. `at` None: now; `per_hour` None: the configured rate."""

    slug: str
    segment: str = "everybody"
    at: datetime | None = None
    per_hour: int | None = None
    is_reminder: bool = False


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


def create_draft(
    processor: BroadcastProcessor, connection: Connection, draft: BroadcastDraft, now: datetime
) -> StoredBroadcast:
    """Builds a draft without storing it. Raises PushError."""
    catalogue = processor.catalogue
    catalogue.refresh(connection)
    if not catalogue.is_known(draft.slug) and find_consultation(connection, draft.slug):
        raise PushError("push.closed", slug=draft.slug)  # archived, a draft or a test
    if not catalogue.is_known(draft.slug):
        raise PushError("push.unknown", slug=draft.slug[:40], slugs=", ".join(catalogue.known_slugs()) or "–")
    if not catalogue.is_open(draft.slug):
        raise PushError("push.closed", slug=draft.slug)
    try:
        segment = parse_segment(draft.segment or "everybody", catalogue.known_slugs(), processor.channels)
    except SegmentError as fault:
        rest = draft.segment[fault.position :][:40]
        phrase = "push.segment_wrong" if fault.options else "push.segment_unclear" if rest else "push.segment_ends"
        raise PushError(phrase, rest=rest, options=fault.options) from fault
    if draft.at and draft.at < now - timedelta(minutes=1):
        raise PushError("push.past")
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
    )


def check_not_running(connection: Connection, slug: str, *, is_reminder: bool) -> None:
    """Raises PushError if a broadcast of this consultation is unfinished, which prevents concurrent starts."""
    if running_broadcast(connection, slug, is_reminder=is_reminder):
        raise PushError("push.running", slug=slug)


def start_broadcast(
    processor: BroadcastProcessor, connection: Connection, push: StoredBroadcast, now: datetime, by: Actor = SYSTEM
) -> None:
    """Starts a stored draft. Raises PushError."""
    if not processor.catalogue.is_open(push.slug):
        raise PushError("push.closed", slug=push.slug)
    check_not_running(connection, push.slug, is_reminder=push.is_reminder)
    if not change_broadcast_state(connection, push.id, ["draft"], "planning"):
        raise PushError("push.stale")
    update_broadcast(connection, push.id, paced_to=max(push.starts_at, now))
    entry = by.did("push.start", push.slug, f"{push.segment}, {push.counted or 0} people", now)
    audit.record_entry(connection, processor.keys, entry)


def change_state(
    processor: BroadcastProcessor, connection: Connection, push: StoredBroadcast, verb: str, by: Actor
) -> bool:
    """Pauses, resumes or recalls a broadcast; returns False if its state does not allow that."""
    before, after, act = TRANSITIONS[verb]
    is_possible = change_broadcast_state(connection, push.id, before, after)
    if is_possible:
        audit.record_entry(connection, processor.keys, by.did(act, push.slug))
    return is_possible


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
        "push.is", slug=push.slug, segment=texts.describe_segment(push, say, words), state=say(f"push.state.{state}")
    )
    numbers: dict[str, int] = {}
    reasons: dict[str, int] = {}
    for cell in count_recipients(connection, push.id):
        numbers[cell.state] = numbers.get(cell.state, 0) + cell.number
        if cell.reason and cell.state in {"failed", "skipped"}:
            reasons[cell.reason] = reasons.get(cell.reason, 0) + cell.number
    for name in ("planned", "queued", "sent", "failed", "skipped", "recalled"):
        if number := numbers.get(name):
            yield say(f"push.ledger.{name}", number=number)
    for reason, number in sorted(reasons.items()):
        yield f"   {say(f'push.reason.{reason}')}: {number}"
    if numbers.get("sent") and processor.catalogue.is_known(push.slug):
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
