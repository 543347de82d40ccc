"""The erasure log: a list of erased records beside the database, so that restoring a backup does not undo erasures.

A folder with one file per month. Each encrypted line holds the random id or code of an erased record; it identifies no
person and is useful only together with a backup that still holds the record. Lines are only appended, and are on disk
before the reply "deleted" is sent. `bot/privacy/re_erasure.py` repeats the logged erasures.

Encrypted, not hashed, so that a record is looked up by its id instead of hashing all rows at each start.
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
"""The name of the folder in the data folder."""
NAME: Final = re.compile(r"\d{4}-\d\d")
"""File names: the month in which the lines were written. No line has a more exact time."""
_END: Final = "."
"""End of a complete line. Without it a crash cut the line off, before the erasure was committed or confirmed."""

Kind = Literal["person", "joined", "idea", "withdrawn", "vote", "wish"]


class ErasedRecord(NamedTuple):
    """One erased record, identified by its number or code."""

    kind: Kind
    name: str
    """For `person`, `joined` and `wish` the contact id; for `idea` and `withdrawn` the code of the proposal; for `vote`
    the vote id."""
    detail: str = ""
    """For `joined` the remaining contact; for `wish` the subject of the subscription and the day."""


def withdrawn_subscription(contact_id: int, about: str, subject: str, now: datetime) -> ErasedRecord:
    """Builds the record of a withdrawn subscription. A subscription given again counts from the next day on."""
    return ErasedRecord("wish", str(contact_id), f"{about}/{subject}/{now:%Y-%m-%d}")


class ErasureLogContent(NamedTuple):
    """The content of the erasure log."""

    records: Sequence[ErasedRecord]
    unreadable: int
    """Number of lines encrypted with another secret key."""


class ErasureLog:
    """The erasure log of one installation.

    >>> erasure_log = ErasureLog(Path("data"), keys)                 # doctest: +SKIP
    >>> erasure_log.note([ErasedRecord("idea", "P-7K2M-PX0Q")])      # doctest: +SKIP
    """

    def __init__(self, data: Path, keys: Keys) -> None:
        self.folder = data / FOLDER
        self.error: ErasureLogError | None = None
        """The error of the last write, if it failed."""
        self._cipher = keys.erasure_log_cipher()

    def note(self, gone: Iterable[ErasedRecord]) -> None:
        """Appends records durably; repeating them is harmless. Raises ErasureLogError."""
        lines = [self._cipher.encrypt(to_json(one).decode()) + _END for one in gone]
        if not lines:
            return
        try:
            _append(self.folder / f"{datetime.now(UTC):%Y-%m}", lines)
        except OSError as error:
            self.error = ErasureLogError(f"{self.folder}: {error.strerror}")
            raise self.error from error
        self.error = None

    def read(self) -> ErasureLogContent:
        """Reads all records. Raises OSError."""
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
    """Adds the records of another log of the same installation (a copy, or that of another worker). Overwrites nothing.
    Raises OSError.
    """
    for path in erasure_log_files(source):
        target = folder / path.name
        known = set(_lines(target)) if target.exists() else set()
        if new := [line for line in _lines(path) if line not in known]:
            _append(target, new)


def erasure_log_files(folder: Path) -> list[Path]:
    """Returns the monthly files of an erasure log, oldest first; none without the folder."""
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
