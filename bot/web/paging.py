"""Pagination of long lists by links, without scripts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple, TypeVar

PAGE_SIZE: Final = 20
"""Number of entries per page."""
_DIGITS: Final = 6

Entry = TypeVar("Entry")


class ListPage(NamedTuple):
    """One page of a list. Pages and entries count from 1; `names` are the names of all entries, in order."""

    number: int
    last: int
    first: int
    """The number of its first entry."""
    names: tuple[str, ...]
    query: str
    """The part of a link before the page number."""

    @property
    def before(self) -> int | None:
        """The number of the previous page; None on the first."""
        return self.number - 1 if self.number > 1 else None

    @property
    def after(self) -> int | None:
        """The number of the next page; None on the last."""
        return self.number + 1 if self.number < self.last else None

    def part(self, entries: Sequence[Entry]) -> Sequence[Entry]:
        """Returns the entries on this page."""
        return entries[self.first - 1 : self.first - 1 + PAGE_SIZE]

    def link(self, name: str) -> str:
        """Returns the link to an entry from this page."""
        page = self.names.index(name) // PAGE_SIZE + 1
        return f"#{name}" if page == self.number else f"?{self.query}{page}#{name}"


def list_page(names: Sequence[str], wanted: str, query: str = "page=") -> ListPage:
    """Returns the requested page, or the nearest one for anything else.

    >>> list_page([str(n) for n in range(45)], "3")[:3], list_page(["a"], "99")[:3], list_page([], "-1")[:3]
    ((3, 3, 41), (1, 1, 1), (1, 1, 1))
    >>> list_page([str(n) for n in range(45)], "2").link("44")
    '?page=3#44'
    """
    last = max(1, -(-len(names) // PAGE_SIZE))
    number = int(wanted) if wanted.isascii() and wanted.isdecimal() and len(wanted) <= _DIGITS else 1
    number = min(max(number, 1), last)
    return ListPage(number, last, (number - 1) * PAGE_SIZE + 1, tuple(names), query)
