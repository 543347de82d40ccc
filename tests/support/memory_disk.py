"""Puts the temporary files of the tests into memory, where there is room: databases, profiles of browsers, folders.

Making and dropping a database of a test writes some five hundred files, which on a disk takes nine times as long. Tests
of lost power record the writes themselves (`tests/chaos/faults/power_cut.py`), so the kind of disk does not matter.
TMPDIR in the environment names another folder.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import Final

MEMORY: Final = Path("/dev/shm")
ROOM: Final = 6 << 30
"""The free bytes that it must have; a run with six processes takes one and a half of them."""


def use_memory() -> None:
    """Lets this process and its children make temporary files in memory, unless TMPDIR is set or there is no room."""
    if "TMPDIR" in os.environ or not is_fit(MEMORY):
        return
    folder = MEMORY / f"mitsprache-tests-{os.getuid()}"
    folder.mkdir(exist_ok=True)
    folder.chmod(0o755)  # as root, PostgreSQL runs as another user
    os.environ["TMPDIR"] = tempfile.tempdir = str(folder)


def is_fit(folder: Path) -> bool:
    """Return whether the folder has room, and programs in it may be run."""
    if not folder.is_dir() or not os.access(folder, os.W_OK):
        return False
    return shutil.disk_usage(folder).free >= ROOM and not os.statvfs(folder).f_flag & getattr(os, "ST_NOEXEC", 8)
