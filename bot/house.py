"""The house before anybody comes in: opened, furnished with samples, filled with what is published."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import get_args

from sqlalchemy.exc import ArgumentError

from bot import phrases, stored
from bot.app import open_house
from bot.consultations import publishing, recordings
from bot.consultations.faults import Fault
from bot.consultations.publishing import Desk, publish_samples
from bot.errors import HouseError, Say, program, unusable
from bot.ids import Ids
from bot.keys import Keys
from bot.settings import Settings
from flows.wording import Review
from storage import consultations
from storage.consultations import PublishedRevision, State
from storage.store import Store


def furnish(settings: Settings, say: Say | None = None) -> tuple[Store, Keys, list[Fault]]:
    """Opens the house (`open_house`); what is empty is filled: data folder, database, secret key, sample consultations.

    Raises `HouseError`, `SecretError` and the classes of `storage.errors`.
    """
    try:
        store, keys = open_house(settings, say)
    except OSError as fault:
        raise unusable(fault, "--data") from fault
    except (ValueError, ArgumentError) as fault:
        reason = str(fault).removeprefix("database_url: ")
        raise HouseError(f"database_url: {reason}; see docs/settings.md") from None
    faults = publish_samples(store, desk(settings)) if settings.samples else []
    return store, keys, [fault for fault in faults if not fault.warning]


@contextmanager
def furnished(settings: Settings, say: Say) -> Iterator[tuple[Store, Keys]]:
    """The open store of a furnished house and its keys, for one command. Raises as `furnish` does."""
    store, keys, faults = furnish(settings, say)
    try:
        for fault in faults:
            say(str(fault))
        with store.reading() as connection:
            for sentence in stored.unreadable(connection):
                say(sentence)
        yield store, keys
    finally:
        store.dispose()


def desk(settings: Settings) -> Desk:
    """What publishing needs from outside."""
    return Desk(Ids(), datetime.now(UTC), settings.zone(), settings.data / recordings.FOLDER)


def publish(settings: Settings, path: Path, say: Say) -> bool:
    """Publishes a file and says what came of it; False where faults prevented it."""
    with furnished(settings, say) as (store, _):
        published = publishing.publish(store, path, desk(settings))
    for fault in published.faults:
        say(str(fault))
    revision = published.revision
    if revision is None:
        return False
    news = "published" if published.new else "is published already"
    say(f"{revision.slug}: revision {revision.number} {news}; try it: {program()} play {revision.slug}")
    return True


def migrate(settings: Settings, say: Say) -> None:
    """Brings the database up to date, which opening it does."""
    with furnished(settings, say) as (store, _):
        say(f"The database ({store.dialect}) is up to date.")


def list_consultations(settings: Settings, say: Say) -> None:
    """Says what is published, a line each."""
    with furnished(settings, say) as (store, _), store.reading() as connection:
        revisions = consultations.list_latest(connection, get_args(State))
    if not revisions:
        say("Nothing is published yet.")
    for revision in revisions:
        say(_in_a_line(revision, _state(revision, settings.zone())))


def _in_a_line(revision: PublishedRevision, state: str) -> str:
    consultation = stored.read(revision)
    if consultation is None:
        return f"{revision.slug}  {state}, revision {revision.number}  cannot be read"
    title = consultation.title.in_language(consultation.main_language, {})
    languages = ", ".join(
        tag if review.review is not Review.UNREVIEWED and not phrases.unreviewed(tag) else f"{tag} (unreviewed)"
        for tag, review in consultation.languages.items()
    )
    marks = "sample, " if revision.sample else ""
    return f"{revision.slug}  “{title}”  {marks}{state}, revision {revision.number}  {languages}"


def _state(revision: PublishedRevision, zone: tzinfo) -> str:
    state = revision.state_at(datetime.now(UTC))
    if state == "not_yet" and revision.opens_at:
        return f"opens {revision.opens_at.astimezone(zone):%Y-%m-%d}"
    return state
