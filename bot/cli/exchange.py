"""`import` and `export --format`: files of other programs.

A kind is a module in `bot/exchange/formats/`: with `read(path, language, aside)` it can be imported, with
`write(content, folder)` exported. Nothing else lists them.
"""

from __future__ import annotations

import pkgutil
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection

from bot.cli.context import command_context, publish_context
from bot.cli.purpose import recorded_purpose
from bot.cli.set_aside import print_skipped_rows
from bot.common import audit
from bot.common.audit import Auditor, Note, unrecorded
from bot.common.errors import CommandError, Say, program_name
from bot.consultations import stored_revisions
from bot.exchange import content, definition, formats, importer
from bot.exchange.bundle import Bundle
from bot.exchange.content import ExchangeContent
from bot.exchange.exports.staging import check_target, staged_output
from bot.exchange.importer import ImportOptions, ImportOutcome
from bot.exchange.rejected_rows import RejectedRows
from bot.settings import Settings
from flows.languages import LANGUAGES
from storage.core.store import Store

READ: Final = "read"
WRITE: Final = "write"
LEFT_OUT: Final = "left_out"
"""Returns what a file of this format cannot hold; for formats that cannot hold everything."""
HAS_SINGLE_VOTES: Final = "HAS_SINGLE_VOTES"
"""Set by the formats whose files contain the votes of each person."""


def names(what: str) -> list[str]:
    """Returns the formats that can be read, or written."""
    found = (it.name for it in pkgutil.iter_modules(formats.__path__))
    return [name for name in found if hasattr(import_module(f"{formats.__name__}.{name}"), what)]


def _of_kind(kind: str, what: str) -> Any:
    if kind not in names(what):
        raise CommandError(
            f"{kind!r} is no kind that can be {'imported' if what == READ else 'exported'}; "
            f"there is {', '.join(names(what))}"
        )
    return getattr(import_module(f"{formats.__name__}.{kind}"), what)


def import_rows(
    store: Store, settings: Settings, kind: str, path: Path, wish: ImportOptions, note: Note = unrecorded
) -> tuple[Bundle, ImportOutcome]:
    """Imports the readable rows of a file. Raises CommandError; then nothing was imported."""
    if wish.language not in LANGUAGES:
        raise CommandError(f"--lang {wish.language}: there is {', '.join(LANGUAGES)}")
    aside = RejectedRows(is_strict=wish.is_strict, trusts_votes=wish.trusts_votes)
    read: Bundle = _of_kind(kind, READ)(path, wish.language, aside)
    remarks = (*read.remarks, *aside.remarks())
    bundle = replace(read, remarks=remarks, set_aside=aside.count, set_aside_lines=tuple(aside.lines))
    wish = wish._replace(slug=wish.slug or definition.slug_from_title(bundle.title))
    tools = publish_context(settings, note)

    def work(connection: Connection) -> tuple[Bundle, ImportOutcome]:
        as_taken, taken = importer.import_bundle(connection, bundle, wish, tools)
        if taken.statements or taken.votes:
            note(connection, "import", wish.slug, f"{kind}: {taken.statements} statements, {taken.votes} votes")
        return as_taken, taken

    return store.run(work)


def run_import(settings: Settings, kind: str, path: Path, wish: ImportOptions, say: Say, complain: Say) -> bool:
    """Runs the command; False if rows were skipped. Raises CommandError."""
    with command_context(settings, complain) as (store, keys):
        bundle, taken = import_rows(
            store, settings, kind=kind, path=path, wish=wish, note=Auditor(keys, audit.operator())
        )
    for remark in bundle.remarks:
        complain(remark)
    print_skipped_rows(path, bundle.set_aside_lines, bundle.set_aside, complain)
    state = "made, open" if wish.is_open else "made, closed (--open opens it to residents)"
    say(f"{taken.slug}: {state if taken.is_new else 'was there'}; source {bundle.source}")
    if bundle.statements:
        say(f"{taken.statements:,} statements taken over, {taken.known_statements:,} were there")
    say(f"{taken.votes:,} votes taken over, {taken.known_votes:,} were there")
    if bundle.set_aside:
        say(f"{bundle.set_aside:,} rows were set aside, and are in no figure")
    say(f"Look at it: {program_name()} results {taken.slug}")
    return not bundle.set_aside


def _left_out(kind: str, found: ExchangeContent) -> str:
    """Returns what a file of this format cannot hold, as a sentence."""
    told = getattr(import_module(f"{formats.__name__}.{kind}"), LEFT_OUT, None)
    return str(told(found)) if told else ""


def has_single_votes(kind: str) -> bool:
    """Whether files of this format hold single votes. Raises CommandError for an unknown format."""
    _of_kind(kind, WRITE)
    return hasattr(import_module(f"{formats.__name__}.{kind}"), HAS_SINGLE_VOTES)


def run_export(
    settings: Settings,
    slug: str,
    kind: str,
    out: Path,
    say: Say,
    complain: Say,
    *,
    is_public: bool = False,
    purpose: str = "",
) -> None:
    """Runs the command. Raises CommandError, also for a public file, since it holds single votes and sums.

    Reading single votes is recorded, with its purpose, before the first of them is read.
    """
    write = _of_kind(kind, WRITE)
    if is_public:
        raise CommandError(
            f"--format {kind} has exact figures and no small ones left out, so it is not for everybody; "
            "leave --profile out to use it internally, or take --format csv for everybody"
        )
    check_target(out)
    reason = recorded_purpose(settings, purpose) if has_single_votes(kind) else ""
    with command_context(settings, complain) as (store, keys):
        if reason:
            with store.begin() as connection:
                named = stored_revisions.live_revision(connection, slug).slug
                audit.record_entry(connection, keys, audit.operator().did("export.raw", named, f"{kind}: {reason}"))
        with store.reading() as connection:
            found = content.load_content(connection, slug, settings.web.public_url)
    with staged_output(out) as folder:
        files = write(found, folder)
    if remark := _left_out(kind, found):
        complain(remark)
    say(f"{out}: {', '.join(files)}" if len(files) > 1 else f"{out} is written")
