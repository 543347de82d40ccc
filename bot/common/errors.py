"""Errors of commands, and output to the terminal."""

import shlex
import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

from storage.core.errors import StoreFull

Say = Callable[[str], None]
"""Prints a line."""


class CommandError(Exception):
    """A command failed. The text names the problem, its place and the remedy."""


class ErasureLogError(StoreFull):
    """An erasure cannot be written to the folder `erased`, so nothing was erased; the database is intact."""


def unusable_path(error: OSError, option: str) -> CommandError:
    """Returns the error for an unusable file or folder, naming the option to check."""
    if isinstance(error, FileExistsError | NotADirectoryError):
        return CommandError(f"{error.filename}: is a file, not a folder; give a folder with {option}")
    return CommandError(f"{error.filename}: {error.strerror}; check {option}, its rights and the free space")


def program_name() -> str:
    """Returns the name by which the program was called, for texts that name a command."""
    name = Path(sys.argv[0]).name
    return name if name == "mitsprache" else "python3 -m bot"


def program_call() -> str:
    """Returns the program's name with the settings file and the data folder that were given, for texts that name the
    next command: it must find the same data.
    """
    given = [program_name()]
    for word, following in pairwise([*sys.argv[1:], ""]):
        option, sign, value = word.partition("=")
        if option in {"--config", "--data"} and (value or following):
            given += [option, shlex.quote(value if sign else following)]
    return " ".join(given)
