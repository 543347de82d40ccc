"""Writes files atomically: they are complete or absent, also after a power cut."""

from __future__ import annotations

import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

UNFINISHED: Final = ".part"


def write_whole(content: bytes, folder: Path, name: str) -> None:
    """Writes a file into a folder, created if missing; only its owner can read it. Raises OSError."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle, unfinished = tempfile.mkstemp(dir=folder, suffix=UNFINISHED)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(unfinished).replace(folder / name)
    except BaseException:
        with suppress(OSError):
            Path(unfinished).unlink()
        raise


def replace_durably(content: bytes, path: Path) -> None:
    """Replaces a file atomically and durably; only its owner can read it. Raises OSError.

    An interrupted call leaves `NAME.new`, which the next one overwrites.
    """
    unfinished = path.with_name(f"{path.name}.new")
    with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


@contextmanager
def locked(folder: Path, *, shared: bool = False) -> Iterator[None]:
    """Holds a lock on a folder, exclusive or shared; waits for it. Without effect if the file system has no locks.

    Raises OSError if the folder cannot be opened.
    """
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_SH if shared else fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
