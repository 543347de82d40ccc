"""Small secrets on disk: readable by their owner only, and either old or new after a power cut, never half."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any


def make_private(folder: Path) -> None:
    """The folder, for its owner only. Raises OSError."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)


def hide(folder: Path) -> None:
    """Takes from others what rights they have on the files there. Raises OSError."""
    for file in folder.iterdir():
        file.chmod(0o600)


def read(file: Path) -> dict[str, Any] | None:
    """What was written, or None where nothing was (or nothing that can be read)."""
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def write(file: Path, content: dict[str, Any]) -> None:
    """Replaces the file in one step and waits until it is on the disk. Raises OSError."""
    new = file.with_name(file.name + ".new")
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        json.dump(content, stream)
        stream.flush()
        os.fsync(stream.fileno())
    new.replace(file)
    folder = os.open(file.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
