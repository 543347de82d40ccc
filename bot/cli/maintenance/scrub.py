"""`scrub`: removes erased data from the database files; also the findings of `doctor` on it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Final

from adapters.base import Finding
from bot.cli.context import command_context
from bot.common.errors import CommandError, Say, program_call
from bot.delivery.service_lock import hold_service_lock
from bot.privacy import scrubbing
from bot.settings import Settings
from storage import rewriting
from storage.core.errors import StorageError
from storage.core.store import Store
from storage.rewriting import LARGEST_MEGABYTES, MOST_SECONDS, Bounds, Outcome
from storage.tables.erasures import mark_erased_tables, pending_rewrites

_LARGE: Final = "stop the service and scrub then, or partition the table"
_WORDS: Final[dict[Outcome, str]] = {
    "busy": "another transaction locked the table; try again in a moment",
    "slow": f"not done in {MOST_SECONDS:.0f} s, so undone; {_LARGE}",
    "large": f"larger than {LARGEST_MEGABYTES} MB, so people would have to wait; {_LARGE}",
    "seen": "an earlier transaction can still see erased rows; end it (pg_stat_activity, pg_prepared_xacts, "
    "pg_replication_slots), and try again",
    "forbidden": "the role may not rewrite it; run `doctor`",
}


def scrub_now(settings: Settings, say: Say) -> bool:
    """Scrubs all tables with data of residents and reports each failure with its reason; True if none is left.

    If no service runs on the database, there is no time limit, and none can start meanwhile. Raises the errors of
    `command_context`.
    """
    with command_context(settings, say) as (store, _), ExitStack() as held:
        if store.dialect == "sqlite":
            store.scrub()
            say("The files contain no erased data.")
            return True
        bounds = None
        try:
            held.enter_context(hold_service_lock(settings))
        except CommandError:
            bounds = Bounds()
        store.run(mark_erased_tables)
        done = scrubbing.rewrite(store, bounds)
    for table, outcome in done.left():
        say(f"{table}: {_WORDS[outcome]}.")
    for step in done.forbidden:
        say(f"{step}: the role lacks the privilege, so the server's log keeps erased data until it is recycled.")
    say(f"Rewritten: {len(done.outcomes) - len(done.left())} tables.")
    return not done.left() and not done.forbidden


def scrub_findings(settings: Settings) -> Iterator[Finding]:
    """Returns the findings of `doctor` on PostgreSQL: erased data that remains, and missing rights of the role."""
    store = Store(settings.database())
    try:
        if store.dialect != "postgresql":
            return
        with store.reading() as connection:
            waiting = {one.table for one in pending_rewrites(connection)}
        found = rewriting.examine_server(settings.database())
    except StorageError:
        return  # already reported for the database itself
    finally:
        store.dispose()
    for name, value in found.settings.items():
        words = f"PostgreSQL keeps erased data longer than needed: set {name} = {value}"
        yield Finding(False, f"{words} (ALTER SYSTEM, then pg_reload_conf(); docs/operate/backup.md)")
    for step in found.forbidden:
        yield Finding(False, f"the role cannot remove erased data from PostgreSQL's files: {step}")
    for column in found.sampled:
        yield Finding(
            False, f"PostgreSQL keeps samples of {column}: a superuser can delete them (docs/operate/backup.md)"
        )
    for table in found.large:
        if table in waiting:
            yield Finding(False, f"{table}: contains erased rows, and it is {_WORDS['large']}")
    if waiting:
        yield Finding(
            True,
            f"erased rows, removed from the files at night or by `{program_call()} scrub`: in {len(waiting)} tables",
        )
    else:
        yield Finding(True, "PostgreSQL's files contain no erased data")
