"""Re-encrypts, in pages, data encrypted with a key that is to be dropped: in tables, files and channels.

It may be killed at any time and started again: data encrypted with the newest key stays unchanged.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from adapters.base import CipherError
from bot.common.atomic_file import write_whole
from bot.common.errors import Say
from bot.common.keys import Keys, SecretError
from bot.common.progress import show_progress
from bot.delivery import channels
from bot.delivery.attachments import files
from bot.privacy import personal_data
from bot.proposals import moderation_decisions
from bot.settings import Settings
from storage.core.store import Store
from storage.tables import encrypted_columns
from storage.tables.encrypted_columns import (
    EncryptedCell,
    EncryptedColumn,
    count_encrypted,
    encrypted_cells_after,
    replace_encrypted,
)
from storage.tables.staff_credentials import totp_context

PORTION: Final = 1000
"""Rows per transaction; limits how long other writes wait."""

_BOUND: Final[dict[str, Callable[[EncryptedCell], bytes]]] = {
    "addresses": lambda cell: cell.about,
    "dead_letters": lambda cell: cell.about or b"",
    "set_aside": lambda cell: personal_data.superseded_context(cell.key),
    "attachments": lambda cell: files.bound_to(cell.key),
    "moderations": lambda cell: moderation_decisions.original_binding(
        "answer" if cell.about is None else "proposal", cell.key
    ),
    "staff_credentials": lambda cell: totp_context(cell.key),
}
"""The value to which each kind of data is bound by encryption."""


class ReEncryption:
    """One pass over all encrypted data."""

    def __init__(self, settings: Settings, store: Store, keys: Keys, complain: Say) -> None:
        self._settings = settings
        self._store = store
        self._keys = keys
        self._complain = complain
        self.changed = 0
        """Number of re-encrypted values."""
        self.unreadable = 0
        """Number of values that no key decrypts; they stay unchanged."""

    def run(self) -> None:
        """Raises OSError and the classes of `storage.core.errors`."""
        for name, place in encrypted_columns.ENCRYPTED_COLUMNS.items():
            self._table(name, place)
        self._files(self._settings.data / files.FOLDER)
        self._channels()

    def _table(self, name: str, place: EncryptedColumn) -> None:
        with self._store.reading() as connection:
            total = count_encrypted(connection, place)
        after: Any = None
        done = 0
        with show_progress(name, self._complain, total) as watch:
            while cells := self._portion(name, place, after):
                after, done = cells[-1].key, done + len(cells)
                watch(done)

    def _portion(self, name: str, place: EncryptedColumn, after: Any) -> list[EncryptedCell]:
        def work(connection: Any) -> tuple[list[EncryptedCell], int, int]:
            cells = encrypted_cells_after(connection, place, after, PORTION)
            new, unreadable = self._sealed_anew(cells, _BOUND[name])
            replace_encrypted(connection, place, new)
            return cells, len(new), unreadable

        cells, changed, unreadable = self._store.run(work)
        self.changed += changed
        self.unreadable += unreadable
        return cells

    def _sealed_anew(
        self, cells: list[EncryptedCell], bound: Callable[[EncryptedCell], bytes]
    ) -> tuple[list[tuple[EncryptedCell, bytes]], int]:
        changed, unreadable = [], 0
        for cell in cells:
            try:
                new = self._keys.reencrypt(cell.sealed, bound(cell))
            except SecretError:
                unreadable += 1
            else:
                changed += [(cell, new)] if new is not None else []
        return changed, unreadable

    def _files(self, folder: Path) -> None:
        paths = sorted(it for it in folder.iterdir() if files.NAME.fullmatch(it.name)) if folder.is_dir() else []
        with show_progress("files", self._complain, len(paths)) as watch:
            for number, path in enumerate(paths, 1):
                self._file(path)
                watch(number)

    def _file(self, path: Path) -> None:
        try:
            new = self._keys.reencrypt_file(path.read_bytes(), path.name)
        except FileNotFoundError:
            return  # deleted meanwhile
        except SecretError:
            self.unreadable += 1
            return
        if new is not None and path.exists():
            write_whole(new, path.parent, path.name)
            self.changed += 1

    def _channels(self) -> None:
        """Re-encrypts the files of all channels; the service is stopped meanwhile."""
        try:
            channels.reencrypt_channels(self._settings, self._keys)
        except CipherError as error:
            self.unreadable += 1
            self._complain(str(error))
