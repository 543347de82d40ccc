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
    (r'database "[^"]*" does not exist', "make this database (`createdb`), or correct its name in database_url"),
    (r'role "[^"]*" does not exist', "make this user (`createuser`), or correct it in database_url"),
    (r"resolve host|Name or service", "correct the host in database_url"),
    (r"unable to open database file|file is gone", "see that it is a file in a folder which this user may write to"),
    (r"readonly database|read-only", "give this user the right to write to it and to its folder"),
    (r"Connection refused|timeout|No route|shutting down|starting up", "start PostgreSQL, or correct database_url"),
)
"""Driver messages and their remedies; the first match takes precedence over the kind."""
_BY_KIND: Final[dict[type[StorageError], str]] = {
    ErasureLogError: "make room, and see that this user may write to that folder",
    StoreFull: "make room on its disk",
    StoreBusy: "wait a moment and try again; if it stays so, stop the other program that writes to it",
    StoreLost: "start PostgreSQL, or correct database_url",
    StoreOutdated: "start the program, or `{program} migrate`; either brings the tables up to date",
    StoreTooNew: "start the newer program, or go back to the copy from before (docs/operate.md, Upgrade)",
    StoreMissing: "bring it back (is the disk mounted, is database_url right?), or bring back a backup "
    "(`{program} restore`); to begin anew without what was answered: `{program} --fresh`",
    StoreForeign: "correct database_url or --data, or bring back the right one; to take this one all the same: "
    "`{program} --fresh`",
    StoreDamaged: "stop the service, keep the file, and bring back a backup (`{program} restore`)",
}


def remedy(fault: StorageError) -> str:
    """Returns the remedy, without a full stop.

    >>> remedy(StoreFull("disk is full"))
    'make room on its disk'
    """
    for pattern, words in _BY_DETAIL:
        if re.search(pattern, fault.detail):
            return words
    words = next((words for kind, words in _BY_KIND.items() if isinstance(fault, kind)), "please report this line")
    return words.format(program=program_name())
