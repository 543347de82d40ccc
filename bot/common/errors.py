"""How a command speaks with whoever called it, and how it says no."""

import sys
from collections.abc import Callable
from pathlib import Path

from storage.core.errors import StoreFull

Say = Callable[[str], None]
"""Prints a line."""


class CommandError(Exception):
    """A command cannot do what was asked. The text says what is wrong, where, and what to do about it."""


class ErasureLogError(StoreFull):
    """What is to be erased cannot be noted in the folder `erased`, so nothing was erased; what is stored is intact."""


def unusable_path(fault: OSError, option: str) -> CommandError:
    """Says why a file or folder cannot be used, and which option to look at."""
    if isinstance(fault, FileExistsError | NotADirectoryError):
        return CommandError(f"{fault.filename}: here is a file, not a folder; name a folder with {option}")
    return CommandError(f"{fault.filename}: {fault.strerror}; check {option}, its rights and the free space")


def program_name() -> str:
    """How this program was called, for sentences that say what to type next."""
    name = Path(sys.argv[0]).name
    return name if name == "mitsprache" else "python3 -m bot"
