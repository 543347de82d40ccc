"""Audit log: each act of the staff is recorded in its transaction and chained to the previous entry.

    record_entry(connection, keys, Actor("Ada", "admin", "chat").did("consultation.close", "mein-kiez"))

An entry names a staff member, an API key or an operating system user. It never contains addresses, pseudonyms or texts
of residents: of a proposal only the code.
"""

from __future__ import annotations

import os
import pwd
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Literal, NamedTuple

import structlog
from pydantic_core import to_json
from sqlalchemy import Connection

from bot.common.keys import Keys
from storage.core.base import to_iso
from storage.tables.audit import (
    AuditInterface,
    StoredAuditEntry,
    insert_audit_entry,
    last_audit_entry_about,
    lock_last_audit_entry,
)

log = structlog.get_logger()

Act = Literal[
    "export.public",
    "export.analysis",
    "export.raw",
    "export.fetch",
    "export.attachments",
    "attachment.read",
    "results.inner",
    "unhandled.show",
    "unhandled.done",
    "import",
    "text.approve",
    "text.hide",
    "text.edit",
    "text.merge",
    "text.split",
    "text.restore",
    "text.translate",
    "text.status",
    "text.correct",
    "answer.send",
    "answer.undo",
    "consultation.publish",
    "consultation.publish_draft",
    "consultation.publish_test",
    "consultation.publish_back",
    "consultation.close_test",
    "consultation.ask_publish",
    "consultation.same_meaning",
    "consultation.go_live",
    "consultation.close",
    "consultation.reopen",
    "consultation.archive",
    "consultation.unarchive",
    "draft.create",
    "draft.change",
    "draft.delete",
    "dialogue.record",
    "dialogue.accept",
    "dialogue.delete",
    "push.ask",
    "push.agree",
    "push.drop",
    "push.start",
    "push.pause",
    "push.resume",
    "push.recall",
    "agreement.tell",
    "room.open",
    "room.end",
    "place.add",
    "place.remove",
    "place.restore",
    "staff.add",
    "staff.revoke",
    "staff.role",
    "staff.assign",
    "staff.chat",
    "staff.reset",
    "sign_in",
    "sign_in.failed",
    "credential.add",
    "credential.remove",
    "key.add",
    "key.revoke",
    "settings.change",
    "backup",
    "restore",
    "migrate",
    "key.rotate",
]
"""The acts. For an act about a consultation, the object begins with the slug:

* `mein-kiez` for acts on the whole consultation,
* `mein-kiez/4` for a revision (`consultation.publish…`), or for a version of a draft (`draft.change`),
* `mein-kiez/P-7K2M-PX0Q` for a text of a resident (`text.…`, `answer.…`), by its code,
* `mein-kiez/123` for a file that was sent as an answer (`attachment.read`), by its number,
* `mein-kiez/Ada` for the member of the staff who was assigned to it (`staff.assign`).
"""
FIRST_MAC: Final = bytes(32)
"""Previous MAC of the first row."""
LONGEST: Final = 500
"""Maximum length of an object or a purpose."""


class AuditEntry(NamedTuple):
    """One act: actor, interface, act, object and purpose."""

    at: datetime
    actor: str
    role: str
    door: AuditInterface
    act: Act
    object: str
    purpose: str = ""


class Actor(NamedTuple):
    """The actor: a staff member, the label of an API key, or an operating system user."""

    name: str
    role: str
    door: AuditInterface

    def did(self, act: Act, about: str, purpose: str = "", at: datetime | None = None) -> AuditEntry:
        """Returns the entry for an act; `at` defaults to now."""
        return AuditEntry(at or datetime.now(UTC), *self, act, about, purpose)


@dataclass(frozen=True, slots=True)
class Auditor:
    """Records the acts of one actor for callers that do not have the keys."""

    keys: Keys
    actor: Actor

    def __call__(self, connection: Connection, act: Act, about: str, purpose: str = "") -> None:
        record_entry(connection, self.keys, self.actor.did(act, about, purpose))


Note = Callable[[Connection, Act, str, str], None]
"""Records an act on an object, with its purpose: an `Auditor`, or `unrecorded`."""
SYSTEM: Final = Actor("mitsprache", "", "system")
"""The program itself as the actor."""


def unrecorded(connection: Connection, act: Act, about: str, purpose: str = "") -> None:
    """Records nothing: for acts of the program itself."""


def operator() -> Actor:
    """Returns the operating system user running the command; under `sudo` also the calling user."""
    try:
        name = pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:  # a container may have no name for its user
        name = f"uid {os.geteuid()}"
    caller = os.environ.get("SUDO_USER", "")
    return Actor(f"{name} (sudo: {caller})" if caller and os.geteuid() == 0 else name, "", "cli")


RAW_READS: Final = frozenset({"export.raw", "export.attachments"})
"""Acts that read data of single people; each is also logged, for alarms."""


def record_entry(connection: Connection, keys: Keys, entry: AuditEntry) -> None:
    """Adds an entry to the log, within the caller's transaction. Concurrent transactions that record wait until it
    ends, so record late in a transaction. Raises the classes of `storage.core.errors`.
    """
    last = lock_last_audit_entry(connection)
    tidy = (_line(it) for it in (entry.actor, entry.role, entry.door, entry.act, entry.object, entry.purpose))
    number, previous = (last.id + 1, last.mac) if last else (1, FIRST_MAC)
    row = StoredAuditEntry._make((number, entry.at, *tidy, previous, FIRST_MAC))
    insert_audit_entry(connection, row._replace(mac=mac(keys, row)))
    if entry.act in RAW_READS:
        log.warning("raw_data_read", state=entry.act)


def last_entries(connection: Connection, act: Act, about: str) -> StoredAuditEntry | None:
    """The newest entry about this act on this object: who published revision 4 of mein-kiez is
    `last_of(connection, "consultation.publish", "mein-kiez/4")`. None where it was done before there was a log.
    """
    return last_audit_entry_about(connection, act, about)


def mac(keys: Keys, row: StoredAuditEntry) -> bytes:
    """The MAC of a row: over all of its content and the MAC of the row before."""
    content = (*row[:1], to_iso(row.at), *row[2:8], row.previous.hex())
    return keys.audit_mac(to_json(content))


def check_chain(keys: Keys, rows: Iterator[StoredAuditEntry]) -> tuple[StoredAuditEntry | None, str]:
    """Verifies the chain of all rows, oldest first. Returns the last valid row and the first error, or ""."""
    last: StoredAuditEntry | None = None
    for row in rows:
        expected = last.id + 1 if last else 1
        if row.id != expected:
            missing = f"row {expected}" if row.id == expected + 1 else f"rows {expected} to {row.id - 1}"
            return last, f"{missing} {'is' if row.id == expected + 1 else 'are'} missing before row {row.id}"
        if row.mac != mac(keys, row):
            return last, f"row {row.id} was changed or inserted"
        if row.previous != (last.mac if last else FIRST_MAC):
            return last, f"row {row.id} does not follow row {row.id - 1}"
        last = row
    return last, ""


def _line(text: str) -> str:
    """Returns a text as one line without control characters, for terminals."""
    words = " ".join(text.split())
    return "".join(it for it in words if it.isprintable())[:LONGEST]
