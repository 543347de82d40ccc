"""The ledger of what was erased. It lies beside the database, so that an old database does not take it back.

A folder with one file a month. Each line says, sealed with a key of the house, by which random number or code something
was known that is gone: it names nobody, and is of use only against a backup in which that is still there. Lines are
only added, and are on the disk before anybody hears "deleted". `bot/privacy/re_erasure.py` erases once more what it
names.

Sealed, not hashed: what a line means is looked up then, instead of hashing every row of the database at each start.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Final, Literal, NamedTuple

from pydantic_core import from_json, to_json

from bot.common.errors import ErasureLogError
from bot.common.keys import Keys, SecretError

FOLDER: Final = "erased"
"""Its name in the data folder."""
NAME: Final = re.compile(r"\d{4}-\d\d")
"""How its files are called: by the month in which they were written. No line tells more of the time."""
_END: Final = "."
"""A line without it was cut off by a crash: what it meant was not committed, and its author told nothing."""

Kind = Literal["person", "joined", "idea", "withdrawn", "vote", "wish"]


class ErasedRecord(NamedTuple):
    """One thing that is gone, known by its number or code."""

    kind: Kind
    name: str
    """Of a `person`, one who was `joined` and a `wish` the contact; the code of an `idea`, deleted or `withdrawn`; the
    number of a `vote`."""
    detail: str = ""
    """Of one who was `joined` the contact they belong to since; of a `wish` what it was about, and its day."""


def withdrawn_subscription(contact_id: int, about: str, subject: str, now: datetime) -> ErasedRecord:
    """How it is noted that a wish was taken back. Given again it is another one, from the next day on."""
    return ErasedRecord("wish", str(contact_id), f"{about}/{subject}/{now:%Y-%m-%d}")


class ErasureLogContent(NamedTuple):
    """What stands in the ledger."""

    records: Sequence[ErasedRecord]
    unreadable: int
    """Lines that were sealed with another secret key."""


class ErasureLog:
    """The ledger of one house.

    >>> ledger = Ledger(Path("data"), keys)                          # doctest: +SKIP
    >>> ledger.note([Gone("idea", "P-7K2M-PX0Q")])                   # doctest: +SKIP
    """

    def __init__(self, data: Path, keys: Keys) -> None:
        self.folder = data / FOLDER
        self.error: ErasureLogError | None = None
        """What kept the last erasure from being noted."""
        self._cipher = keys.erasure_log_cipher()

    def note(self, gone: Iterable[ErasedRecord]) -> None:
        """Adds lines; when this returns they survive a power cut. Twice is harmless. Raises LedgerError."""
        lines = [self._cipher.encrypt(to_json(one).decode()) + _END for one in gone]
        if not lines:
            return
        try:
            _append(self.folder / f"{datetime.now(UTC):%Y-%m}", lines)
        except OSError as fault:
            self.error = ErasureLogError(f"{self.folder}: {fault.strerror}")
            raise self.error from fault
        self.error = None

    def read(self) -> ErasureLogContent:
        """Everything that is noted. Raises OSError."""
        gone, unreadable = [], 0
        for path in erasure_log_files(self.folder):
            for line in _lines(path):
                try:
                    gone.append(ErasedRecord(*from_json(self._cipher.decrypt(line.removesuffix(_END)))))
                except SecretError:
                    unreadable += 1
        return ErasureLogContent(gone, unreadable)

    def forget_before(self, day: date) -> None:
        """Removes the months that ended before this day. Raises OSError."""
        for path in erasure_log_files(self.folder):
            if _last_day(path) < day:
                path.unlink(missing_ok=True)


def merge_erasure_logs(source: Path, folder: Path) -> None:
    """Adds what another ledger of the same house knows (a copy, or that of another worker). Nothing is written over.
    Raises OSError.
    """
    for path in erasure_log_files(source):
        target = folder / path.name
        known = set(_lines(target)) if target.exists() else set()
        if new := [line for line in _lines(path) if line not in known]:
            _append(target, new)


def erasure_log_files(folder: Path) -> list[Path]:
    """The months of a ledger, oldest first; none where there is no such folder."""
    return sorted(it for it in folder.iterdir() if NAME.fullmatch(it.name)) if folder.is_dir() else []


def _lines(path: Path) -> Iterator[str]:
    return (line for line in path.read_text(encoding="ascii", errors="replace").splitlines() if line.endswith(_END))


def _last_day(path: Path) -> date:
    year, month = map(int, path.name.split("-"))
    return date(year + month // 12, month % 12 + 1, 1) - timedelta(days=1)


def _append(path: Path, lines: Iterable[str]) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # A line break first: the line before may have been cut off.
    with os.fdopen(os.open(path, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600), "ab") as file:
        file.write("".join(f"\n{line}" for line in lines).encode())
        file.flush()
        os.fsync(file.fileno())
    for folder in (path.parent, path.parent.parent):  # a new file is only safe with its name
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
