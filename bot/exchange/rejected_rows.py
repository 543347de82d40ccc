"""Collects the rows of a file that cannot be imported, with their places, while the import continues."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from bot.common.errors import CommandError

MAX_LISTED: Final = 100_000
"""Up to this number rows are listed; further ones are only counted."""
_MOST_PLACES: Final = 10


class BadFile(CommandError):
    """A file, or a row of it, cannot be imported. Says where, why, and what to do."""

    def __init__(self, path: Path | str, row: int | None, reason: str, remedy: str) -> None:
        self.row = row
        self.place = Path(path).name if row is None else f"{Path(path).name}, row {row}"
        super().__init__(f"{self.place}: {reason}; {remedy}")


class RejectedRows:
    """Collects the rejected rows of a file, and the changes to texts of accepted rows.

    >>> aside = RejectedRows()
    >>> with aside.row():
    ...     raise BadFile("a.csv", 3, "the text is empty", "leave the row out")
    >>> aside.count, aside.lines
    (1, ['a.csv, row 3: the text is empty; leave the row out'])
    """

    def __init__(self, *, is_strict: bool = False, trusts_votes: bool = False) -> None:
        self.is_strict = is_strict
        """Whether the first rejected row rejects the file."""
        self.trusts_votes = trusts_votes
        """Whether votes count also where the sums beside them say otherwise."""
        self.count = 0
        self.lines: list[str] = []
        self._told: list[tuple[str, str]] = []

    @contextmanager
    def row(self) -> Iterator[None]:
        """Sets the row aside that is read in this block, where it cannot be; what was told of it then is untold. Raises
        BadFile about the whole file.
        """
        before = len(self._told)
        try:
            yield
        except BadFile as fault:
            del self._told[before:]
            self.add(fault)

    def add(self, fault: BadFile) -> None:
        """Sets a row aside. Raises it instead where it is about the whole file, or nothing may be set aside."""
        if self.is_strict or fault.row is None:
            raise fault
        self.count += 1
        if self.count <= MAX_LISTED:
            self.lines.append(str(fault))

    def tell(self, what: str, path: Path | str, row: int) -> None:
        """Notes what was done to a text that is kept: "{n} texts …" is told with the places."""
        self._told.append((what, f"{Path(path).name}, row {row}"))

    def remarks(self) -> Iterator[str]:
        """A sentence for each thing that was done to texts."""
        by_kind: dict[str, list[str]] = {}
        for what, place in self._told:
            by_kind.setdefault(what, []).append(place)
        for what, places in by_kind.items():
            more = f" and {len(places) - _MOST_PLACES:,} more" if len(places) > _MOST_PLACES else ""
            yield f"{len(places):,} texts {what} ({'; '.join(places[:_MOST_PLACES])}{more})."

    def nothing_left(self, path: Path | str, reason: str, remedy: str) -> BadFile:
        """Why a file is refused of which nothing can be taken over."""
        if self.lines:
            reason = f"{reason}; {self.count:,} rows cannot be read, the first: {self.lines[0]}"
            return BadFile(path, None, reason, "see that it is a file of this kind")
        return BadFile(path, None, reason, remedy)


STRICT: Final = RejectedRows(is_strict=True)
"""For readers that are called alone: every error is raised."""
