"""From a checked file to a revision in the store, with the words that start it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, datetime, time, timedelta, tzinfo
from pathlib import Path
from typing import Final, NamedTuple, get_args

from sqlalchemy import Connection

from bot.consultations import recordings, seeds, waves
from bot.consultations.faults import Fault
from bot.consultations.reading import Checked, content, fingerprint, read
from flows.definition import Consultation
from flows.text import fold
from storage import consultations
from storage.consultations import Publication, PublishedRevision, State
from storage.errors import StorageError
from storage.store import Store

SAMPLES: Final = Path(__file__).parents[2] / "flows" / "consultations"
KEYWORD: Final = "keyword"


class Desk(NamedTuple):
    """What publishing needs from outside: new ids, the time, the city's zone, where a day begins at midnight, and the
    folder for recordings.
    """

    new_id: Callable[[], int]
    now: datetime
    zone: tzinfo
    media: Path | None = None


class Published(NamedTuple):
    """What came of it. `revision` is None where faults prevented it; `new` is false where nothing had changed."""

    revision: PublishedRevision | None
    new: bool
    faults: tuple[Fault, ...]


def publish(store: Store, path: Path, desk: Desk) -> Published:
    """Reads, checks and publishes a file, all or nothing. For commands; within a transaction use `record`."""
    checked = read(path)
    if checked.publishable is None:
        return Published(None, False, checked.faults)
    # Before the revision that names them: a recording too many harms nobody, one too few does.
    if faults := _kept(checked, desk, str(path)):
        return Published(None, False, (*checked.faults, *faults))
    return store.run(lambda connection: record(connection, checked, desk, str(path)))


def record(connection: Connection, checked: Checked, desk: Desk, name: str) -> Published:
    """Makes a checked consultation the newest revision, unless it is that already or its words are taken."""
    consultation = checked.publishable
    if consultation is None:
        return Published(None, False, checked.faults)
    if missing := [it for it in recordings.names(consultation) if not (desk.media and (desk.media / it).is_file())]:
        fault = Fault(name, 1, f"recordings are not in the media folder: {', '.join(missing)}", "put them back")
        return Published(None, False, (*checked.faults, fault))
    before = consultations.latest(connection, consultation.slug)
    own = before.consultation_id if before else 0
    known = consultations.triggers(connection)
    wanted = keywords(consultation)
    taken = [word for word in wanted if known.get((KEYWORD, word), own) != own]
    if taken:
        slugs = {it.consultation_id: it.slug for it in consultations.list_latest(connection, get_args(State))}
        faults = (
            Fault(name, 1, f"keywords: “{word}” already starts {slugs[known[KEYWORD, word]]}", "choose another word")
            for word in taken
        )
        return Published(None, False, (*checked.faults, *faults))
    if missing_waves := list(waves.faults(connection, consultation, name)):
        return Published(None, False, (*checked.faults, *missing_waves))
    revision = consultations.publish(connection, _publication(consultation, desk))
    others = [trigger for trigger, owner in known.items() if owner == own and trigger[0] != KEYWORD]
    consultations.replace_triggers(
        connection, revision.consultation_id, [*others, *((KEYWORD, word) for word in wanted)]
    )
    seeds.publish(connection, revision.consultation_id, consultation, desk.new_id, desk.now)
    warnings = waves.publish(connection, revision, consultation, desk.new_id, desk.now, name)
    new = before is None or revision.number > before.number
    remarks = _remarks(consultation, revision, before, desk, name)
    return Published(revision, new, (*checked.faults, *remarks, *warnings))


def publish_samples(store: Store, desk: Desk) -> list[Fault]:
    """Publishes what is shipped, into a store that holds nothing yet. A broken file is a fault, never a stop."""
    faults: list[Fault] = []
    try:
        with store.reading() as connection:
            if consultations.list_latest(connection, get_args(State)):
                return []
        for path in sorted(SAMPLES.glob("*.yaml")):
            faults += publish(store, path, desk).faults
    except StorageError as fault:
        faults.append(Fault(str(SAMPLES), 1, f"the samples could not be stored ({fault})", "see what doctor says"))
    return faults


def _kept(checked: Checked, desk: Desk, name: str) -> list[Fault]:
    """Puts the recordings into the media folder; gives why they cannot be kept."""
    if not checked.recordings or desk.media is None:
        return []
    try:
        changed = recordings.keep(checked.recordings, desk.media)
    except OSError as fault:
        reason = f"the recordings cannot be kept in {desk.media} ({fault.strerror})"
        return [Fault(name, 1, reason, "check --data, its rights and the free space")]
    return [Fault(name, 1, f"“{path}” changed while it was read", "publish again") for path in changed]


def keywords(consultation: Consultation) -> list[str]:
    """The words that start it, as they are compared: its slug and its keywords, each once."""
    return list(dict.fromkeys(fold(word) for word in (consultation.slug, *consultation.keywords)))


def _publication(consultation: Consultation, desk: Desk) -> Publication:
    stored = content(consultation)
    return Publication(
        consultation_id=desk.new_id(),
        revision_id=desk.new_id(),
        slug=consultation.slug,
        content=stored,
        content_hash=fingerprint(stored),
        published_at=desk.now,
        sample=consultation.sample,
        opens_at=_midnight(consultation.opens, desk.zone),
        # Open until the end of the day it closes on.
        closes_at=_midnight(consultation.closes, desk.zone, days=1),
    )


def _midnight(day: date | None, zone: tzinfo, days: int = 0) -> datetime | None:
    return None if day is None else datetime.combine(day + timedelta(days), time(), zone)


def _remarks(
    consultation: Consultation, revision: PublishedRevision, before: PublishedRevision | None, desk: Desk, name: str
) -> Iterator[Fault]:
    if consultation.closes and consultation.closes < desk.now.astimezone(desk.zone).date():
        reason = f"it closed on {consultation.closes}, so nobody can take part"
        yield Fault(name, 1, reason, "correct closes if that is not meant", warning=True)
    if before and revision.number < before.number:
        reason = f"this is revision {revision.number} again; revision {before.number} stays the one that is asked"
        yield Fault(name, 1, reason, "change a word in it to make it the newest", warning=True)
