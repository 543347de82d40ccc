"""What an import did not take over stands in the file itself, as comments at its beginning. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import takewhile
from typing import Final

_MARK: Final = "# Import: "


def with_import_notes(text: str, notes: Iterable[str]) -> str:
    """Returns the file with these notes at its beginning.

    >>> with_import_notes("slug: park\\n", ["survey, Zeile 3: Wiederholung"])
    '# Import: survey, Zeile 3: Wiederholung\\nslug: park\\n'
    """
    return "".join(f"{_MARK}{' '.join(it.split())}\n" for it in notes) + text


def import_notes(text: str) -> list[str]:
    """Returns the notes at the beginning of a file."""
    lines = takewhile(lambda line: line.startswith(_MARK), text.splitlines())
    return [line.removeprefix(_MARK) for line in lines]


def without_import_notes(text: str) -> str:
    """Returns the file without the notes."""
    kept = text.splitlines(keepends=True)[len(import_notes(text)) :]
    return "".join(kept)
