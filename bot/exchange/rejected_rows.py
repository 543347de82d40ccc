"""Collects the rejected rows of a file, with their places, while the import continues."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from bot.common.errors import CommandError

MAX_LISTED: Final = 100_000
"""The maximum number of listed rows; further ones are only counted."""
_MOST_PLACES: Final = 10


class BadFile(CommandError):
    """A file, or a row of it, that cannot be imported. The message has place, reason and remedy."""

    def __init__(self, path: Path | str, row: int | None, reason: str, remedy: str) -> None:
        self.row = row
        self.place = Path(path).name if row is None else f"{Path(path).name}, row {row}"
        super().__init__(f"{self.place}: {reason}; {remedy}")


class _Told:
    """How many texts were changed in one way, and the first places."""

    def __init__(self) -> None:
        self.count = 0
        self.places: list[str] = []


class RejectedRows:
    """Collects the rejected rows of a file, and the changes to texts of accepted rows.

    >>> aside = RejectedRows()
    >>> with aside.row():
    ...     raise BadFile("a.csv", 3, "the text is empty", "remove the row")
    >>> aside.count, aside.lines
    (1, ['a.csv, row 3: the text is empty; remove the row'])
    """

    def __init__(self, *, is_strict: bool = False, trusts_votes: bool = False) -> None:
        self.is_strict = is_strict
        """Whether the first rejected row rejects the file."""
        self.trusts_votes = trusts_votes
        """Whether votes count even if they contradict the sums in the file."""
        self.count = 0
        self.lines: list[str] = []
        self._told: dict[str, _Told] = {}
        self._of_row: list[tuple[str, str]] = []

    @contextmanager
    def row(self) -> Iterator[None]:
        """Rejects the row that is read in this block, if it raises BadFile; its notes are dropped. Raises BadFile about
        the whole file.
        """
        self._keep()
        try:
            yield
        except BadFile as error:
            self._of_row.clear()
            self.add(error)

    def add(self, error: BadFile) -> None:
        """Adds a rejected row. Raises the error instead if it is about the whole file, or in strict mode."""
        if self.is_strict or error.row is None:
            raise error
        self.count += 1
        if self.count <= MAX_LISTED:
            self.lines.append(str(error))

    def tell(self, what: str, path: Path | str, row: int | None) -> None:
        """Notes a change to a row that is imported: "{n} texts …" is reported with the places."""
        self._of_row.append((what, Path(path).name if row is None else f"{Path(path).name}, row {row}"))

    def remarks(self) -> Iterator[str]:
        """Returns a sentence for each kind of change to texts."""
        self._keep()
        for what, told in self._told.items():
            more = f" and {told.count - len(told.places):,} more" if told.count > len(told.places) else ""
            yield f"{told.count:,} texts {what} ({'; '.join(told.places)}{more})."

    def _keep(self) -> None:
        """Keeps the notes of the last row, which was not rejected."""
        for what, place in self._of_row:
            told = self._told.setdefault(what, _Told())
            told.count += 1
            if told.count <= _MOST_PLACES:
                told.places.append(place)
        self._of_row.clear()

    def nothing_left(self, path: Path | str, reason: str, remedy: str) -> BadFile:
        """Returns the error for a file without any valid row."""
        if self.lines:
            reason = f"{reason}; {self.count:,} rows cannot be read, the first: {self.lines[0]}"
            return BadFile(path, None, reason, "check that the file has this format")
        return BadFile(path, None, reason, remedy)


STRICT: Final = RejectedRows(is_strict=True)
"""For readers called directly: every error is raised."""
