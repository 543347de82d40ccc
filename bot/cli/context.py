"""Opens the store for a command, publishes the samples, and prints consultations."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, tzinfo
from functools import partial
from pathlib import Path
from typing import get_args

from sqlalchemy import Connection
from sqlalchemy.exc import ArgumentError

from bot.app import open_store
from bot.authoring import confirmation, media, publishing, second_person, state_texts
from bot.authoring.confirmation import Ask
from bot.authoring.publish_impact import DEFAULT_OPTIONS, PublishOptions
from bot.authoring.published_file import file_of_revision
from bot.authoring.publishing import PublishContext, PublishOutcome, publish_samples
from bot.common import audit, audit_anchor
from bot.common.audit import Auditor, Note, unrecorded
from bot.common.errors import CommandError, Say, program_call, unusable_path
from bot.common.i18n import phrase_catalogues
from bot.common.ids import Ids
from bot.common.keys import Keys
from bot.consultations import stored_revisions, trials
from bot.consultations.definition_issues import DefinitionIssue
from bot.settings import Settings
from flows.wording import Review
from storage.core.errors import StorageError
from storage.core.store import Store
from storage.tables.consultations import ConsultationState
from storage.tables.revisions import PublishedRevision, list_live_revisions, list_unpublished_revisions
from storage.tables.stages import Stage


def open_with_samples(settings: Settings, say: Say | None = None) -> tuple[Store, Keys, list[DefinitionIssue]]:
    """Opens the store (`open_store`) and publishes the sample consultations.

    Raises `CommandError`, `SecretError` and the classes of `storage.core.errors`.
    """
    try:
        store, keys = open_store(settings, say)
    except OSError as error:
        raise unusable_path(error, "--data") from error
    except (ValueError, ArgumentError) as error:
        reason = str(error).removeprefix("database_url: ")
        raise CommandError(f"database_url: {reason}; see docs/reference/settings.md") from None
    issues = publish_samples(store, publish_context(settings)) if settings.publish_samples else []
    return store, keys, [error for error in issues if not error.warning]


@contextmanager
def command_context(settings: Settings, say: Say) -> Iterator[tuple[Store, Keys]]:
    """Yields the open store and its keys for one command. Raises as `open_with_samples` does."""
    store, keys, issues = open_with_samples(settings, say)
    try:
        for error in issues:
            say(str(error))
        with store.reading() as connection:
            for sentence in stored_revisions.list_unreadable(connection):
                say(sentence)
        yield store, keys
    finally:
        try:
            _note_newest(store, keys, settings.data, say)
        finally:
            store.dispose()


def _note_newest(store: Store, keys: Keys, data: Path, say: Say) -> None:
    """Stores the newest row of the audit log in the anchor file, also after an error."""
    try:
        with store.reading() as connection:
            audit_anchor.advance(connection, keys, data)
    except OSError as error:
        file = data / audit_anchor.FILE
        say(f"{file}: cannot be written ({error.strerror}); check --data, its rights and the free space")
    except StorageError:
        return  # the error of the command itself reports it


def publish_context(settings: Settings, note: Note = unrecorded) -> PublishContext:
    """Returns the context for publishing."""
    folder, second = settings.data / media.FOLDER, settings.web.publish_needs_second
    return PublishContext(Ids(), datetime.now(UTC), settings.zone(), folder, note, needs_second=second)


def run_publish(
    settings: Settings,
    path: Path,
    say: Say,
    intent: PublishOptions = DEFAULT_OPTIONS,
    ask: Ask | None = None,
    stage: Stage = "live",
    *,
    takes: bool = False,
) -> bool:
    """Publishes a file, or stores it as a draft or a test, and reports the outcome; False if errors prevented it.

    Where a second member has to agree, the file is stored as a draft, and the agreement is asked for.

    Raises Unconfirmed if the operator did not confirm that a question keeps its meaning, or what is taken from an
    earlier wave. `takes`: the latter is shown and taken without confirmation.
    """
    with command_context(settings, say) as (store, keys):
        outside = publish_context(settings, Auditor(keys, audit.operator()))
        is_asked = stage == "live" and outside.needs_second
        stage = "draft" if is_asked else stage
        published = publishing.publish_file(store, path, outside, intent._replace(looks_first=True), stage)
        if published.impact.waits:
            same = confirmation.confirm(published.impact, say, ask, takes=takes)
            agreed = intent._replace(same_meaning=intent.same_meaning | same)
            published = publishing.publish_file(store, path, outside, agreed, stage)
        is_asked = is_asked and published.revision is not None and published.revision.state == "draft"
        if is_asked and published.revision is not None:
            store.run(partial(_ask, outside, published.revision))
    for error in published.issues:
        say(str(error))
    revision = published.revision
    if revision is None:
        return False
    for line in confirmation.describe_impact(published.impact):
        say(line)
    news = waits_for_second(settings, revision.slug) if is_asked else _news(settings, published, stage)
    say(f"{revision.slug}: revision {revision.number} {news}")
    return True


def waits_for_second(settings: Settings, slug: str) -> str:
    """Returns that a revision waits for the agreement of a second member, and where it is given."""
    where = second_person.where_to_agree(settings.web.public_url, slug)
    return f"waits: it goes live when a second person of the team agrees. They are told, and agree at {where}"


def _ask(context: PublishContext, revision: PublishedRevision, connection: Connection) -> None:
    second_person.ask_to_publish(connection, revision.slug, revision.content_hash, context.note)


def print_consultation(settings: Settings, slug: str, say: Say, complain: Say) -> None:
    """Prints the live revision as a file. Raises CommandError for an unknown name."""
    with command_context(settings, complain) as (store, _), store.reading() as connection:
        newest = stored_revisions.live_revision(connection, slug)
        text = file_of_revision(connection, newest, newest.number)
    if text is None:
        raise stored_revisions.unreadable_error(newest)
    say(text.rstrip("\n"))


def _news(settings: Settings, published: PublishOutcome, stage: Stage) -> str:
    """Returns the new state of a revision and the next step."""
    revision = published.revision
    assert revision is not None  # noqa: S101 - for the type checker: checked by the caller
    slug = revision.slug
    if stage == "draft" and revision.state != "draft":
        return "is live already, so no draft was stored"
    if stage == "draft":
        kept = "is stored as a draft" if published.new else "is already the draft"
        return f"{kept}; nothing changes for residents until: {program_call()} go-live {slug} --draft"
    if stage == "test":
        kept = "is stored as a test" if published.new else "is already the test"
        return f"{kept}; nothing counts.\n{_ways_in(settings, published.start_word)}"
    news = "published" if published.new else "is already published"
    return f"{news}; {state_texts.next_step_text(revision, datetime.now(UTC), settings.zone())}"


def _ways_in(settings: Settings, word: str) -> str:
    """Returns the ways to start a test."""
    address = settings.web.public_url or f"http://{settings.host}:{settings.port}"
    return f"Link: {address}/c/{word}\nIn a chat: /start {word}\nHere: {program_call()} play {word}"


def migrate_database(settings: Settings, say: Say) -> None:
    """Upgrades the database, which happens on opening it."""
    with command_context(settings, say) as (store, _):
        say(f"The database ({store.dialect}) is up to date.")


def print_consultations(settings: Settings, say: Say) -> None:
    """Prints the consultations, one per line."""
    with command_context(settings, say) as (store, _), store.reading() as connection:
        revisions = list_live_revisions(connection, get_args(ConsultationState))
        waiting = list_unpublished_revisions(connection)
        names = {it.consultation_id: trials.trial_slug(connection, it.consultation_id) for it in waiting}
    if not revisions and not waiting:
        say("Nothing is published yet.")
    for revision in sorted([*revisions, *waiting], key=lambda it: it.slug):
        told = _state(revision, settings.zone())
        if revision.state == "test":
            told += f" ({names[revision.consultation_id]})"
        say(_in_a_line(revision, told))


def _in_a_line(revision: PublishedRevision, state: str) -> str:
    consultation = stored_revisions.read_revision(revision)
    if consultation is None:
        return f"{revision.slug}  {state}, revision {revision.number}  cannot be read"
    title = consultation.title.in_language(consultation.main_language, {})
    languages = ", ".join(
        tag
        if review.review is not Review.UNREVIEWED and not phrase_catalogues.unreviewed_phrases(tag)
        else f"{tag} (unreviewed)"
        for tag, review in consultation.languages.items()
    )
    marks = "sample, " if revision.sample else ""
    return f"{revision.slug}  “{title}”  {marks}{state}, revision {revision.number}  {languages}"


def _state(revision: PublishedRevision, zone: tzinfo) -> str:
    state = revision.state_at(datetime.now(UTC))
    if state == "not_yet" and revision.opens_at:
        return f"opens {revision.opens_at.astimezone(zone):%Y-%m-%d}"
    return state
