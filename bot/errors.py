"""How a command speaks with whoever called it, and how it says no."""

import sys
from collections.abc import Callable
from pathlib import Path

Say = Callable[[str], None]
"""Prints a line."""


class HouseError(Exception):
    """A command cannot do what was asked. The text says what is wrong, where, and what to do about it."""


def program() -> str:
    """How this program was called, for sentences that say what to type next."""
    name = Path(sys.argv[0]).name
    return name if name == "mitsprache" else "python3 -m bot"
