"""The mark of a data folder that a database was made for it: `database.id`, with the id that stands in that database.

A database that is missing, empty or another one is thus never taken for the first start. Who has answered would be a
stranger, and what is answered from then on would lie in another file when the right one comes back.
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
"""Its name in the data folder."""


def check_database(data: Path, store: Store) -> None:
    """Changes nothing. Raises StoreMissing where a database was made and is not there, StoreForeign where another one
    is in its place, and the other classes of `storage.core.errors`.
    """
    found = _look(store)
    if not found.has_tables and was_database_created(data):
        raise StoreMissing(_place(store))
    known = _read(data / FILE)
    if known and found.id not in {None, known}:
        raise StoreForeign(_place(store))


def was_database_created(data: Path) -> bool:
    """Whether a database was made for this folder. Before there were marks the secret key told it: it is made last."""
    return (data / FILE).exists() or (data / KEY).exists()


def write_mark(data: Path, store: Store) -> str:
    """Marks the folder with the id of the database that is open, whose tables are up to date; gives the id.

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
    """Whether there is anything to open. Not by opening it: SQLite makes a database without tables of an empty file."""
    file = engines.sqlite_file(store.writer.url) if store.dialect == "sqlite" else None
    return file is None or (file.exists() and file.stat().st_size > 0)


def _look(store: Store) -> FoundInstallation:
    if not database_exists(store):
        return FoundInstallation(has_tables=False)
    with store.reading() as connection:
        return find_installation(connection)


def _place(store: Store) -> str:
    """Where the database is, without its password."""
    url = store.writer.url
    return str(url.database) if store.dialect == "sqlite" else f"{url.host or 'local'}/{url.database}"


def belongs_to_folder(data: Path, found: FoundInstallation) -> bool:
    """Whether what was found in a copy can be of the database of this folder."""
    return found.has_tables and found.id in {None, _read(data / FILE) or found.id}


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii", errors="replace").strip()
    except FileNotFoundError:
        return ""
