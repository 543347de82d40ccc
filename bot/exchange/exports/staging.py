"""Writes files and folders atomically: the target appears when it is complete."""

from __future__ import annotations

import os
import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

from bot.common.errors import CommandError

_EARLIEST: Final = (1980, 1, 1, 0, 0, 0)
"""The time of every file in a ZIP: the real one would make equal exports differ."""


def check_target(out: Path) -> None:
    """Raises CommandError if the target exists. An empty folder is accepted."""
    if not out.name:
        raise CommandError(f"--out {out}: is not the name of a new folder or file; add one")
    try:
        is_folder = out.is_dir() and not _is_zip(out)
        is_taken = any(out.iterdir()) if is_folder else os.path.lexists(out)
    except OSError as error:
        raise CommandError(f"--out {out}: cannot be accessed ({error.strerror}); choose another place") from error
    if is_taken:
        what = "the folder is not empty" if is_folder else "it exists already"
        raise CommandError(f"--out {out}: {what}; give another name")


def _is_zip(out: Path) -> bool:
    return out.suffix.lower() == ".zip"


@contextmanager
def staged_output(wanted: Path, *, is_public: bool = False) -> Iterator[Path]:
    """Gives a temporary folder that becomes the target at the end, or is deleted after an error. Raises CommandError.

    A target with the suffix `.zip` becomes a ZIP file; a target with the suffix of the only file becomes that file.
    """
    check_target(wanted)
    out = wanted.absolute()
    with ExitStack() as closing:
        try:
            out.parent.mkdir(parents=True, exist_ok=True)
            staging = Path(tempfile.mkdtemp(prefix=f".{out.name}.", dir=out.parent))
            closing.callback(shutil.rmtree, staging, ignore_errors=True)
            folder = staging / "export"
            folder.mkdir()
            yield folder
            whole = folder
            if _is_zip(out):
                whole = staging / "export.zip"
                _pack(folder, whole)
            elif out.suffix and [it.suffix for it in folder.iterdir()] == [out.suffix]:
                (whole,) = folder.iterdir()
            # only public exports are readable for other users of the machine
            mode = 0o755 if whole is folder else 0o644
            whole.chmod(mode if is_public else mode & 0o700)
            check_target(out)
            whole.rename(out)
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise CommandError(f"--out {wanted}: cannot be written ({reason}); choose another place") from error


def _pack(folder: Path, target: Path) -> None:
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as package:
        for file in sorted(folder.iterdir()):
            entry = zipfile.ZipInfo(file.name, _EARLIEST)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            entry.file_size = file.stat().st_size
            with file.open("rb") as source, package.open(entry, "w") as part:
                shutil.copyfileobj(source, part)
