"""Ties a data folder to its database: the file `database.id` holds the id stored in that database.

So a missing, empty or different database is not mistaken for a first start. Otherwise known contacts would be treated
as new, and new answers would go to another file than the right database.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from bot.common.atomic_file import replace_durably
from bot.common.keys import FILE as KEY
from storage.core import engines
from storage.core.errors import StoreForeign, StoreMissing
from storage.core.installation import FoundInstallation, find_installation
from storage.core.store import Store

FILE: Final = "database.id"
"""The name of the file in the data folder."""


def check_database(data: Path, store: Store) -> None:
    """Checks that the database belongs to the folder; changes nothing.

    Raises StoreMissing if the database is missing, StoreForeign if it is another one, and the other classes of
    `storage.core.errors`.
    """
    found = _look(store)
    if not found.has_tables and was_database_created(data):
        raise StoreMissing(_place(store))
    known = _read(data / FILE)
    if known and found.id not in {None, known}:
        raise StoreForeign(_place(store))


def was_database_created(data: Path) -> bool:
    """Whether this folder has had a database. In older folders only the secret key, created last, shows it."""
    return (data / FILE).exists() or (data / KEY).exists()


def write_mark(data: Path, store: Store) -> str:
    """Writes the id of the open, upgraded database to the folder and returns it.

    Raises OSError.
    """
    with store.reading() as connection:
        found = find_installation(connection).id
    if found is None:
        raise StoreForeign(_place(store))
    if _read(data / FILE) != found:
        replace_durably(f"{found}\n".encode("ascii"), data / FILE)
    return found


def database_exists(store: Store) -> bool:
    """Whether the database exists. Does not open it, as SQLite would create an empty database."""
    file = engines.sqlite_file(store.writer.url) if store.dialect == "sqlite" else None
    return file is None or (file.exists() and file.stat().st_size > 0)


def _look(store: Store) -> FoundInstallation:
    if not database_exists(store):
        return FoundInstallation(has_tables=False)
    with store.reading() as connection:
        return find_installation(connection)


def _place(store: Store) -> str:
    """Returns the location of the database, without its password."""
    url = store.writer.url
    return str(url.database) if store.dialect == "sqlite" else f"{url.host or 'local'}/{url.database}"


def belongs_to_folder(data: Path, found: FoundInstallation) -> bool:
    """Whether a copy can be of the database of this folder."""
    return found.has_tables and found.id in {None, _read(data / FILE) or found.id}


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii", errors="replace").strip()
    except FileNotFoundError:
        return ""
