"""`backup` and `restore`: database, secret key, settings and files, all or nothing."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from bot.app import open_store
from bot.authoring import media
from bot.common import audit, audit_anchor, database_mark, erasure_log
from bot.common.atomic_file import locked
from bot.common.erasure_log import FOLDER as LEDGER
from bot.common.errors import CommandError, Say, program_call, unusable_path
from bot.common.keys import FILE as KEY
from bot.common.keys import RING, SecretError, load_keys
from bot.delivery.attachments import files
from bot.delivery.channels import FOLDER as CHANNELS
from bot.results.population import OWN_FILE
from bot.settings import Settings
from storage import migrate
from storage.core.engines import parse_url, sqlite_file
from storage.core.errors import StorageError
from storage.core.installation import FoundInstallation, find_installation_in_copy
from storage.core.store import Store

DATABASE: Final = "mitsprache.db"
FOLDERS: Final = {media.FOLDER: media.MEDIA_NAME, files.FOLDER: files.NAME}
"""Folders of the data folder, with the patterns of their file names."""
FILES: Final = (OWN_FILE,)
"""Files of the data folder that the team uploads."""
_BEGUN: Final = (".new", "-journal", "-wal", "-shm")
"""Suffixes of channel files that are incomplete, or belong to an open database."""
_PRIMARY: Final = 0xFF
"""The bits of an SQLite error code that hold the primary code."""
_SQLITE: Final = b"SQLite format 3\0"
"""The header of SQLite files."""
SETTINGS: Final = "mitsprache.toml"
INVENTORY: Final = "inventory.json"
_ELSEWHERE: Final = (
    "the database is PostgreSQL: back it up with `pg_dump --format=custom`, restore it with `pg_restore`, "
    "and keep copies of {secret} and, if it exists, {ring} (in another place), and of {population}, of the "
    "folders {media}, {attachments}, {erased} and, while the service is stopped, {channels}"
)
_NO_LEDGER: Final = (
    "Erasures since this backup are not known here, so these records have returned: copy the folder {folder} of the "
    "previous data folder to this machine, and run `{program} restore --erased DIR` with it."
)


def back_up(settings: Settings, settings_file: Path | None, to: Path) -> Path:
    """Copies all data that cannot be recreated into a new folder in `to` and returns it.

    The service may run meanwhile: SQLite copies a consistent snapshot. Raises CommandError.
    """
    database = _database(settings)
    secret = settings.data / KEY
    for path in (database, secret):
        if not path.is_file():
            raise CommandError(f"{path}: does not exist, so there is nothing to back up; check --data")
    folder = to / f"mitsprache-{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
    unfinished = folder.with_suffix(".part")
    try:
        unfinished.mkdir(parents=True, mode=0o700)
        with _all_or_nothing(unfinished):
            # after a concurrent rotation, a part of the copy could not be decrypted
            with locked(settings.data, shared=True):
                _copy_house(settings, database, settings_file, unfinished)
            unfinished.rename(folder)
    except OSError as error:
        raise unusable_path(error, "--to") from error
    return folder


def record_backup(settings: Settings, folder: Path) -> str:
    """Records the backup in the audit log; returns the error if that fails, else "". The backup has priority: it also
    works for a read-only database, or for one older than this program.
    """
    store = Store(settings.database())
    try:
        migrate.check_schema(store)
        keys = load_keys(settings.data / KEY)
        entry = audit.operator().did("backup", folder.name)
        store.run(lambda connection: audit.record_entry(connection, keys, entry))
    except (StorageError, SecretError) as error:
        return str(error)
    finally:
        store.dispose()
    return ""


@contextmanager
def _all_or_nothing(unfinished: Path) -> Iterator[None]:
    """Removes a failed backup, which would take up space on a full disk."""
    try:
        yield
    except BaseException:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise


def _copy_house(settings: Settings, database: Path, settings_file: Path | None, to: Path) -> None:
    # Before the database: a channel with a later position would not read those messages again.
    _copy_channels(settings.data / CHANNELS, to / CHANNELS)
    _copy_database(database, to / DATABASE)
    if flaw := _flaw(to / DATABASE):
        raise _damaged(database, flaw)
    if not database_mark.belongs_to_folder(settings.data, _found(to / DATABASE)):
        raise CommandError(
            f"{database}: is empty or not the database that was made for {settings.data}, so no backup was made; "
            f"keep the older ones, and run `{program_call()} doctor`"
        )
    _copy_keys(settings.data, to)
    # After the database: every file named in that copy existed before it.
    _copy_folders(settings.data, to)
    _copy_files(settings.data, to)
    erasure_log.merge_erasure_logs(settings.data / LEDGER, to / LEDGER)
    if settings_file:
        _copy(settings_file, to / SETTINGS)
    files = sorted(path for path in to.rglob("*") if path.is_file())
    inventory = {path.relative_to(to).as_posix(): _fingerprint(path) for path in files}
    (to / INVENTORY).write_text(json.dumps(inventory, indent=2) + "\n", encoding="utf-8")


def restore_backup(settings: Settings, folder: Path, say: Say, ledgers: Sequence[Path] = ()) -> None:
    """Restores a checked backup and repeats the erasures made since. Never overwrites files.

    `ledgers`: further erasure logs; those of the data folder and of the backup are always used. Raises CommandError and
    the errors of `open_store`.
    """
    database = _database(settings)
    check_backup(folder)
    ledgers = [_ledger_in(path) for path in ledgers]
    is_known = bool(erasure_log.erasure_log_files(settings.data / LEDGER))
    for path in (database, settings.data / KEY, settings.data / RING, settings.data / CHANNELS):
        if path.exists():
            raise CommandError(f"{path}: exists already; restore into an empty folder (--data), or move it away first")
    try:
        settings.data.mkdir(mode=0o700, parents=True, exist_ok=True)
        (settings.data / database_mark.FILE).unlink(
            missing_ok=True
        )  # the next start marks the folder for the restored database
        _copy_keys(folder, settings.data)
        _copy_channels(folder / CHANNELS, settings.data / CHANNELS)
        _copy_folders(folder, settings.data)
        _copy_files(folder, settings.data)
        erasure_log.merge_erasure_logs(folder / LEDGER, settings.data / LEDGER)
        unfinished = database.with_name(f"{database.name}.part")
        _copy(folder / DATABASE, unfinished)
        unfinished.rename(database)  # last and atomic: an interrupted restore leaves no partial database
    except OSError as error:
        raise unusable_path(error, "--data") from error
    say(f"{folder} is restored to {settings.data}.")
    if (folder / SETTINGS).exists():
        say(f"Its settings are in {folder / SETTINGS}; put the file where you start the program.")
    if not is_known and not ledgers:
        say(_NO_LEDGER.format(folder=LEDGER, program=program_call()))
    if (age := _age(folder)) > settings.backup_days:
        say(f"This backup is {age} days old: the log of erasures within {age - settings.backup_days} days after it was "
            f"made is deleted, so these records have returned (backup_days = {settings.backup_days}).")  # fmt: skip
    erase_logged(settings, say, ledgers, folder)


def erase_logged(settings: Settings, say: Say, ledgers: Sequence[Path] = (), source: Path | None = None) -> None:
    """Repeats the erasures listed in these logs and that of the data folder, after `source` was restored or, if it is
    None, another program restored a database. Raises CommandError and the errors of `open_store`.
    """
    said: list[str] = []
    try:
        for found in map(_ledger_in, ledgers):
            erasure_log.merge_erasure_logs(found, settings.data / LEDGER)
        store, keys = open_store(settings, said.append)
        try:
            audit_anchor.restart(store, keys, settings.data, audit.operator(), source.name if source else "nothing")
        finally:
            store.dispose()
    except OSError as error:
        raise unusable_path(error, "--erased") from error
    say(said[0] if said else "The database contains no erased records.")


def _age(folder: Path) -> int:
    """Returns the age of a backup in days, by its name; 0 if it was renamed."""
    named = re.fullmatch(r"mitsprache-(\d{8}T\d{6})Z", folder.name)
    made = datetime.strptime(f"{named[1]}+0000", "%Y%m%dT%H%M%S%z") if named else datetime.now(UTC)
    return (datetime.now(UTC) - made).days


def _ledger_in(path: Path) -> Path:
    """Returns the erasure log in a data folder or backup, or the folder itself."""
    found = path / LEDGER if (path / LEDGER).is_dir() else path
    if not found.is_dir() or (found.name != LEDGER and not erasure_log.erasure_log_files(found)):
        raise CommandError(f"{path}: this is not an erasure log; give --erased the folder {LEDGER} of a data folder")
    return found


def check_backup(folder: Path) -> None:
    """Raises CommandError unless the backup is whole, unchanged, and a sound database with its secret key."""
    if not (folder / INVENTORY).is_file():
        raise CommandError(
            f"{folder}: is not a complete backup, {INVENTORY} is missing; give a folder made by `backup`"
        )
    try:
        inventory = json.loads((folder / INVENTORY).read_text(encoding="utf-8"))
        changed = [name for name, fingerprint in inventory.items() if _fingerprint(folder / name) != fingerprint]
        missing = {DATABASE, KEY} - inventory.keys()
    except (OSError, ValueError, AttributeError) as error:
        raise CommandError(
            f"{folder}: is not a complete backup ({type(error).__name__}); choose another one"
        ) from error
    if changed or missing:
        raise CommandError(f"{folder}: {', '.join([*changed, *missing])} is damaged or missing; choose another backup")
    load_keys(folder / KEY)
    if flaw := _flaw(folder / DATABASE) or ("" if _found(folder / DATABASE).has_tables else "it is empty"):
        raise CommandError(f"{folder}: the database in it is damaged ({flaw}); choose another backup")


def _found(copy: Path) -> FoundInstallation:
    """Returns the installation of a sound copy."""
    with _opened(copy) as database:
        return find_installation_in_copy(database)


def _opened(copy: Path) -> closing[sqlite3.Connection]:
    return closing(sqlite3.connect(f"{copy.absolute().as_uri()}?mode=ro&immutable=1", uri=True))


def _flaw(copy: Path) -> str:
    """Returns the damage of an SQLite file that is not in use, or ""."""
    with _opened(copy) as database:
        try:
            verdict = str(database.execute("PRAGMA integrity_check(1)").fetchone()[0])
        except sqlite3.Error as error:
            verdict = str(error)
    return "" if verdict == "ok" else verdict.replace("\n", " ")


def _database(settings: Settings) -> Path:
    url = parse_url(settings.database())
    if url.get_backend_name() != "sqlite":
        folders = {it: settings.data / it for it in (*FOLDERS, LEDGER, CHANNELS)}
        raise CommandError(
            _ELSEWHERE.format(secret=settings.data / KEY, ring=RING, population=settings.data / OWN_FILE, **folders)
        )
    return sqlite_file(url)


def _damaged(database: Path, flaw: str) -> CommandError:
    return CommandError(
        f"{database}: is damaged ({flaw}), so no backup was made; keep the older ones, and restore one "
        f"(`{program_call()} restore`)"
    )


def _copy_database(source: Path, target: Path) -> None:
    _create(target)
    try:
        with (
            closing(sqlite3.connect(f"{source.absolute().as_uri()}?mode=ro", uri=True, timeout=30)) as original,
            closing(sqlite3.connect(target)) as copy,
        ):
            original.backup(copy)
            copy.execute("PRAGMA journal_mode = DELETE")  # one file, without a journal beside it
    except sqlite3.Error as error:
        if getattr(error, "sqlite_errorcode", 0) & _PRIMARY == sqlite3.SQLITE_CORRUPT:
            raise _damaged(source, str(error)) from error
        raise CommandError(
            f"{source}: cannot be copied to {target} ({error}); check the free space, and run `{program_call()} doctor`"
        ) from error


def _copy_channels(source: Path, target: Path) -> None:
    """Copies the channel folders: databases as consistent snapshots, other files as they are."""
    # In reverse, so that the Matrix keys, which come last, are never older than the sync position.
    for path in sorted(source.rglob("*"), reverse=True):
        if path.is_file() and not path.name.endswith(_BEGUN):
            copy = target / path.relative_to(source)
            copy.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            (_copy_database if _is_database(path) else _copy)(path, copy)


def _is_database(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(_SQLITE)) == _SQLITE


def _copy_folders(source: Path, target: Path) -> None:
    """Copies the recordings of consultations and the attachments. An existing file is the same one, because its name is
    a hash or random. Files erased meanwhile are left out.
    """
    for folder, named in FOLDERS.items():
        if not (source / folder).is_dir():
            continue
        (target / folder).mkdir(mode=0o700, exist_ok=True)
        for path in sorted((source / folder).iterdir()):
            if named.fullmatch(path.name) and not (target / folder / path.name).exists():
                with suppress(FileNotFoundError):
                    _copy(path, target / folder / path.name)


def _copy_files(source: Path, target: Path) -> None:
    """Copies the files of the team. An existing file is newer than the backup and stays."""
    for name in FILES:
        if (source / name).is_file() and not (target / name).exists():
            _copy(source / name, target / name)


def _copy_keys(source: Path, target: Path) -> None:
    """Copies the secret, and the keyring if it was rotated."""
    _copy(source / KEY, target / KEY)
    if (source / RING).exists():
        _copy(source / RING, target / RING)


def _copy(source: Path, target: Path) -> None:
    with source.open("rb") as original:
        _create(target)
        with target.open("wb") as copy:
            shutil.copyfileobj(original, copy)


def _create(path: Path) -> None:
    """Creates an empty file that only its owner can read."""
    os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))


def _fingerprint(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
