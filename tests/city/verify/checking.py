"""Compares values, counts the comparisons and records the differences."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any


class Check:
    """All comparisons of one moment."""

    def __init__(self) -> None:
        self.cells = Counter[str]()
        """How many cells were compared, by output."""
        self.withheld = Counter[str]()
        """Of these, how many the output withholds."""
        self.differences: list[str] = []

    def same(self, where: str, expected: Any, found: Any) -> None:
        """`where` begins with the name of the output."""
        self.cells[where.split()[0]] += 1
        if expected != found:
            self.differences.append(f"{where}: expected {expected!r:.200}, found {found!r:.200}")

    def told(self, where: str, expected: Any, found: Any) -> None:
        """The same for a figure that may be withheld, which is None or "" then."""
        if found in {None, ""}:
            self.cells[where.split()[0]] += 1
            self.withheld[where.split()[0]] += 1
        else:
            self.same(where, expected, found)

    def same_row(self, where: str, expected: Mapping[str, Any], found: Mapping[str, Any]) -> None:
        """Cell by cell; neither may have a column that the other one lacks."""
        self.same(f"{where} columns", set(), expected.keys() ^ found.keys())
        for column in expected.keys() & found.keys():
            self.same(f"{where} {column}", expected[column], found[column])

    def account(self, most: int = 40) -> str:
        """The first differences, and how many there are."""
        compared = ", ".join(f"{name} {n}" for name, n in self.cells.most_common())
        first = "\n".join(self.differences[:most])
        return f"{len(self.differences)} differences in {self.cells.total()} cells ({compared})\n{first}"
