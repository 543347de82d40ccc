"""`audit` and `audit verify`: prints and verifies the audit log."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, tzinfo
from typing import Any, Final, NamedTuple

from pydantic_core import to_json
from sqlalchemy import Connection

from bot.cli.context import command_context
from bot.common import audit, audit_anchor
from bot.common.audit_anchor import Anchor, AnchorError
from bot.common.errors import CommandError, Say, program_call
from bot.settings import Settings
from storage.core.base import to_iso
from storage.tables.audit import StoredAuditEntry, audit_entries, audit_entry_by_id

_REMEDY: Final = (
    "Keep a copy of this database and of the data folder as evidence; the newest backup in which `audit verify` finds "
    "nothing contains the original rows"
)


HEAD: Final = ("no.", "at", "who", "door", "act", "on", "purpose")
_NO_ANCHOR: Final = (
    "There was no audit.json beside the secret key until now, so missing rows at the end could not be detected."
)


class AuditListOptions(NamedTuple):
    """Filter of entries: one consultation, and from a day on."""

    slug: str = ""
    since: str = ""
    as_json: bool = False


def print_audit_log(settings: Settings, wish: AuditListOptions, say: Say, complain: Say) -> None:
    """Prints the entries, one per line, newest last. Raises CommandError."""
    zone = settings.zone()
    since = _midnight(wish.since, zone) if wish.since else None
    with command_context(settings, complain) as (store, _), store.reading() as connection:
        entries = list(audit_entries(connection, slug=wish.slug, since=since))
    if wish.as_json:
        say(to_json([_plain(entry) for entry in entries], indent=2).decode())
    elif entries:
        for line in _table([HEAD, *(_cells(entry, zone) for entry in entries)]):
            say(line)
    else:
        say("Nothing is recorded" + (f" about {wish.slug}" if wish.slug else "") + ".")


def verify_audit_log(settings: Settings, say: Say, complain: Say) -> bool:
    """Verifies the log and prints the outcome; False if it is damaged. Raises as `command_context` does."""
    with command_context(settings, complain) as (store, keys):
        try:
            known, error = audit_anchor.load_anchor(settings.data, keys), ""
        except AnchorError as damaged:
            known, error = None, str(damaged)
        with store.reading() as connection:
            last, broken = audit.check_chain(keys, audit_entries(connection))
            broken = broken or _missing_rows(connection, known, last)
    if broken:
        say(f"The audit log is damaged: {broken}{_hint(broken)}. {_REMEDY}.")
    if error:
        say(f"{error}; without it, missing rows at the end are not detected.")
    elif last and known is None:
        say(_NO_ANCHOR)
    if broken or error:
        return False
    say(f"The audit log is intact: {_summary(last)}.")
    return True


def _missing_rows(connection: Connection, known: Anchor | None, last: StoredAuditEntry | None) -> str:
    """Returns which rows are missing at the end, compared with the copy of the newest row; "" if none are."""
    if known and audit_anchor.missing(known, audit_entry_by_id(connection, known.rows)):
        return _cut_off(known, last)
    return ""


def _summary(last: StoredAuditEntry | None) -> str:
    if last is None:
        return "nothing is recorded yet"
    return f"{last.id:,} entries, each as it was recorded. The last one has the MAC {last.mac.hex()}"


def _hint(broken: str) -> str:
    """Returns another possible cause of a broken log."""
    if broken.startswith("row 1 was"):
        return " (or the secret key is not the one it was recorded with)"
    if broken.endswith("missing"):
        return f" (or an older database was restored; `{program_call()} restore` records that)"
    return ""


def _cut_off(known: Anchor, last: StoredAuditEntry | None) -> str:
    there = f"the last row is {last.id}" if last else "now it has none"
    if last and last.id >= known.rows:
        return f"row {known.rows} is not the newest row of {known.at}: later rows are missing"
    return f"it had {known.rows:,} rows on {known.at}, and {there}: the others are missing"


def _midnight(day: str, zone: tzinfo) -> datetime:
    try:
        return datetime.combine(date.fromisoformat(day.strip()), time(), zone).astimezone(UTC)
    except ValueError:
        raise CommandError(f"--since {day[:40]}: is not a date; write it like 2026-11-30") from None


def _cells(entry: StoredAuditEntry, zone: tzinfo) -> tuple[str, ...]:
    at = f"{entry.at.astimezone(zone):%Y-%m-%d %H:%M:%S}"
    actor = f"{entry.actor} ({entry.role})" if entry.role else entry.actor
    return str(entry.id), at, actor, entry.door, entry.act, entry.object, entry.purpose


def _table(rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    """Returns the rows as lines with aligned columns."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def _plain(entry: StoredAuditEntry) -> dict[str, Any]:
    return entry._asdict() | {"at": to_iso(entry.at), "previous": entry.previous.hex(), "mac": entry.mac.hex()}
