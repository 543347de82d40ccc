"""`import` and `export --format`: files of other programs (`bot.exchange.known_formats`)."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path

from sqlalchemy import Connection

from bot.cli.context import command_context, publish_context, waits_for_second
from bot.cli.purpose import recorded_purpose
from bot.cli.set_aside import print_skipped_rows
from bot.common import audit
from bot.common.audit import Auditor, Note, unrecorded
from bot.common.errors import CommandError, Say, program_call
from bot.consultations import stored_revisions
from bot.exchange import content, definition, importer
from bot.exchange.bundle import Bundle
from bot.exchange.exports.package import known_profile
from bot.exchange.exports.staging import check_target, staged_output
from bot.exchange.hidden_figures import check_figures_shown
from bot.exchange.importer import AgreementNeeded, ImportOptions, ImportOutcome
from bot.exchange.known_formats import format_called
from bot.exchange.rejected_rows import RejectedRows
from bot.settings import Settings
from flows.languages import LANGUAGES
from storage.core.store import Store
from storage.tables.revisions import PublishedRevision


class ImportWaits(Exception):
    """Nothing was imported: a draft of the new consultation waits for the agreement of a second member."""

    def __init__(self, revision: PublishedRevision) -> None:
        super().__init__(revision.slug)
        self.revision = revision


def last_day(text: str) -> date | None:
    """Parses the last day of a consultation; None for an empty text. Raises CommandError."""
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise CommandError(f"--until {text[:40]}: not a date; write it like 2026-12-31") from None


def import_rows(
    store: Store, settings: Settings, kind: str, path: Path, wish: ImportOptions, note: Note = unrecorded
) -> tuple[Bundle, ImportOutcome]:
    """Imports the readable rows of a file. Raises CommandError and ImportWaits; then nothing was imported."""
    if wish.language not in LANGUAGES:
        raise CommandError(f"--lang {wish.language}: there is {', '.join(LANGUAGES)}")
    aside = RejectedRows(is_strict=wish.is_strict, trusts_votes=wish.trusts_votes)
    read = format_called(kind).read(path, wish.language, aside)
    remarks = (*read.remarks, *aside.remarks())
    bundle = replace(read, remarks=remarks, set_aside=aside.count, set_aside_lines=tuple(aside.lines))
    wish = wish._replace(slug=wish.slug or definition.slug_from_title(bundle.title))
    tools = publish_context(settings, note)

    def work(connection: Connection) -> tuple[Bundle, ImportOutcome]:
        as_taken, taken = importer.import_bundle(connection, bundle, wish, tools)
        if taken.statements or taken.votes:
            note(connection, "import", wish.slug, f"{kind}: {taken.statements} statements, {taken.votes} votes")
        return as_taken, taken

    try:
        return store.run(work)
    except AgreementNeeded:
        ask = partial(importer.ask_for_import, bundle=bundle, wish=wish, desk=tools)
        raise ImportWaits(store.run(ask)) from None


def run_import(settings: Settings, kind: str, path: Path, wish: ImportOptions, say: Say, complain: Say) -> bool:
    """Runs the command; False if rows were skipped. Raises CommandError."""
    try:
        with command_context(settings, complain) as (store, keys):
            bundle, taken = import_rows(
                store, settings, kind=kind, path=path, wish=wish, note=Auditor(keys, audit.operator())
            )
    except ImportWaits as waits:
        slug = waits.revision.slug
        say(f"{slug}: revision {waits.revision.number} {waits_for_second(settings, slug)}")
        say(f"Nothing is taken over yet. Import the file again afterwards, with --as {slug}")
        return True
    for remark in bundle.remarks:
        complain(remark)
    print_skipped_rows(path, bundle.set_aside_lines, bundle.set_aside, complain)
    state = "made, open" if wish.is_open else "created, closed (--open opens it to residents)"
    say(f"{taken.slug}: {state if taken.is_new else 'existed'}; source {bundle.source}")
    if bundle.statements:
        say(f"{taken.statements:,} statements imported, {taken.known_statements:,} existed")
    say(f"{taken.votes:,} votes imported, {taken.known_votes:,} existed")
    if bundle.set_aside:
        say(f"{bundle.set_aside:,} rows were skipped and are not counted")
    say(f"Look at it: {program_call()} results {taken.slug}")
    return not bundle.set_aside


def run_export(
    settings: Settings,
    slug: str,
    kind: str,
    out: Path,
    say: Say,
    complain: Say,
    *,
    profile: str = "analysis",
    purpose: str = "",
) -> None:
    """Runs the command. Raises CommandError, also for a public file, since it holds single votes and sums, and while
    the figures are hidden, except for the profile `raw`.

    Reading single votes or raw data is recorded, with its purpose, before the first row is read.
    """
    wanted, is_raw = format_called(kind), known_profile(profile) == "raw"
    if profile == "public":
        raise CommandError(
            f"--format {kind} has exact figures without suppression, so it cannot be public; "
            "leave out --profile for internal use, or use --format csv for the public"
        )
    check_target(out)
    reason = recorded_purpose(settings, purpose) if wanted.has_single_votes or is_raw else ""
    with command_context(settings, complain) as (store, keys):
        if not is_raw:
            with store.reading() as connection:
                check_figures_shown(connection, slug, datetime.now(UTC))
        if reason:
            with store.begin() as connection:
                named = stored_revisions.live_revision(connection, slug).slug
                audit.record_entry(connection, keys, audit.operator().did("export.raw", named, f"{kind}: {reason}"))
        with store.reading() as connection:
            found = content.load_content(connection, slug, settings.web.public_url)
    with staged_output(out) as folder:
        files = wanted.write(found, folder)
    if remark := wanted.left_out(found):
        complain(remark)
    say(f"{out}: {', '.join(files)}" if len(files) > 1 else f"{out} is written")
