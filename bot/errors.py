"""How a command speaks with whoever called it, and how it says no."""

import sys
from collections.abc import Callable
from pathlib import Path

Say = Callable[[str], None]
"""Prints a line."""


class HouseError(Exception):
    """A command cannot do what was asked. The text says what is wrong, where, and what to do about it."""


def unusable(fault: OSError, option: str) -> HouseError:
    """Says why a file or folder cannot be used, and which option to look at."""
    if isinstance(fault, FileExistsError | NotADirectoryError):
        return HouseError(f"{fault.filename}: here is a file, not a folder; name a folder with {option}")
    return HouseError(f"{fault.filename}: {fault.strerror}; check {option}, its rights and the free space")


def program() -> str:
    """How this program was called, for sentences that say what to type next."""
    name = Path(sys.argv[0]).name
    return name if name == "mitsprache" else "python3 -m bot"
