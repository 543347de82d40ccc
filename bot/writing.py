"""Files that are whole or not there at all, also after a power cut."""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Final

UNFINISHED: Final = ".part"


def write_whole(content: bytes, folder: Path, name: str) -> None:
    """Puts a file into a folder, which is made where it is missing; only its owner can read it. Raises OSError."""
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
