"""Remedies for database errors: one sentence per kind of error."""

from __future__ import annotations

import re
from typing import Final

from bot.common.errors import ErasureLogError, program_name
from storage.core.errors import (
    StorageError,
    StoreBusy,
    StoreDamaged,
    StoreForeign,
    StoreFull,
    StoreLost,
    StoreMissing,
    StoreOutdated,
    StoreTooNew,
)

_BY_DETAIL: Final = (
    (r"authentication failed|no password supplied", "correct user and password in database_url"),
    (r'database "[^"]*" does not exist', "create this database (`createdb`), or correct its name in database_url"),
    (r'role "[^"]*" does not exist', "create this user (`createuser`), or correct it in database_url"),
    (r"resolve host|Name or service", "correct the host in database_url"),
    (r"unable to open database file|file is gone", "check that it is a file in a folder this user may write to"),
    (r"readonly database|read-only", "give this user the right to write to it and to its folder"),
    (r"Connection refused|timeout|No route|shutting down|starting up", "start PostgreSQL, or correct database_url"),
)
"""Driver messages and their remedies; the first match takes precedence over the kind."""
_BY_KIND: Final[dict[type[StorageError], str]] = {
    ErasureLogError: "free some space, and check that this user may write to that folder",
    StoreFull: "make room on its disk",
    StoreBusy: "wait a moment and try again; if it persists, stop the other program that writes to it",
    StoreLost: "start PostgreSQL, or correct database_url",
    StoreOutdated: "start the program, or `{program} migrate`; both upgrade the tables",
    StoreTooNew: "start the newer program, or restore the copy made before (docs/operate/operation.md, Upgrade)",
    StoreMissing: "restore access to it (is the disk mounted, is database_url right?), or restore a backup "
    "(`{program} restore`); to start without the previous answers: `{program} --fresh`",
    StoreForeign: "correct database_url or --data, or restore the right one; to use this one anyway: "
    "`{program} --fresh`",
    StoreDamaged: "stop the service, keep the file, and restore a backup (`{program} restore`)",
}


def remedy(error: StorageError) -> str:
    """Returns the remedy, without a full stop.

    >>> remedy(StoreFull("disk is full"))
    'make room on its disk'
    """
    for pattern, words in _BY_DETAIL:
        if re.search(pattern, error.detail):
            return words
    words = next((words for kind, words in _BY_KIND.items() if isinstance(error, kind)), "please report this line")
    return words.format(program=program_name())
