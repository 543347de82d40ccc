"""Lists skipped rows in readable form: the first on the terminal, all of a long list in a separate file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from bot.common.errors import Say

MOST_TOLD: Final = 100


def print_skipped_rows(path: Path, lines: Sequence[str], number: int, complain: Say) -> None:
    """Prints each line; if there are too many, the first ones and the file with all `lines`. `number` may exceed the
    number of `lines`.
    """
    for line in lines[:MOST_TOLD]:
        complain(line)
    if number <= len(lines[:MOST_TOLD]):
        return
    more = f"{path}: … and {number - MOST_TOLD:,} more"
    beside = path.with_name(f"{path.name}.set-aside.txt")
    try:
        beside.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8", errors="replace")
    except OSError as error:
        complain(f"{more}; {beside} cannot be written ({error.strerror})")
        return
    complain(f"{more}; see {beside}")
