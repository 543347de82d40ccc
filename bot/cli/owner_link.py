"""The owner link of a first start: sets up the first account of the console.

On a terminal the link is printed. Otherwise (a service manager keeps the output in its journal) it is written into the
data folder, readable by this user only, and the path is printed.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

from sqlalchemy import Connection

from bot.common.atomic_file import write_whole
from bot.common.keys import Keys
from bot.common.sources import system_now
from bot.staff.invitations import new_link
from storage.core.errors import StorageError
from storage.core.store import Store
from storage.tables.staff import has_console_owner

FILE: Final = "owner-link"


async def first_link_or_reason(store: Store, keys: Keys, data: Path, page: str) -> str | None:
    """Returns the line of `first_link`, or why there is none: the service runs without a link as well."""
    try:
        return await first_link(store, keys, data, page)
    except (OSError, StorageError) as error:
        return f"Kein Link für die Konsole · No link to set up the console: {error}"


async def first_link(store: Store, keys: Keys, data: Path, page: str) -> str | None:
    """Returns the line to print while no owner can sign in to the console, else None and deletes the file.

    Each start makes a new link; the one before becomes invalid. Raises OSError and the classes of
    `storage.core.errors`.
    """

    def work(connection: Connection) -> str | None:
        return None if has_console_owner(connection) else new_link(connection, keys, None, system_now())

    token = await store.write(work)
    if token is None:
        (data / FILE).unlink(missing_ok=True)
        return None
    link = f"{page}console/first/{token}"
    if sys.stdout.isatty():
        (data / FILE).unlink(missing_ok=True)
        return f"Konsole einrichten (einmal, 24 Stunden) · Set up the console (once, 24 hours): {link}"
    write_whole(f"{link}\n".encode("ascii"), data, FILE)
    path = (data / FILE).absolute()
    return f"Konsole einrichten: Link in {path} · Set up the console: the link is in {path}"
