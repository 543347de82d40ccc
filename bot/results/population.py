"""Population figures, and how many of each group take part compared with them. Pure but for reading the file.

A table is a CSV file with the columns `kind` (`district`, `age_band`), `group` (a value of that question type),
`people`, `as_of` (a date) and `source`. The table of Berlin leaves out children below 15. A city can bring its own.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Mapping
from datetime import date
from functools import cache
from pathlib import Path
from typing import Final, Literal, NamedTuple

import flows.questions  # noqa: F401 - registers the types
from flows.questions.base import registry

MOST_BYTES: Final = 65_536
MOST_PEOPLE: Final = 100_000_000
OWN_FILE: Final = "population.csv"
"""The table of the city, in the data folder."""
COLUMNS: Final = ("kind", "group", "people", "as_of", "source")
ENOUGH: Final = 2
"""Expected people, in smallest cells, from which on a group can be called missing."""
_BERLIN: Final = Path(__file__).with_name("population_berlin.csv")

PopulationFault = Literal["large", "text", "columns", "kind", "group", "people", "as_of", "source", "twice", "empty"]


class PopulationRefused(Exception):
    """A table cannot be used: the fault, its line, and what stands there."""

    def __init__(self, fault: PopulationFault, line: int = 0, word: str = "") -> None:
        super().__init__(fault)
        self.fault: PopulationFault = fault
        self.line, self.word = line, word[:40]


class PopulationTable(NamedTuple):
    """The people of the groups of one kind, with the source and the date of the figures."""

    people: Mapping[str, int]
    as_of: date
    source: str


class GroupReach(NamedTuple):
    """One group: people who answered, rounded down to smallest cells, and how many its share of the population would
    be.
    """

    group: str
    answered: int
    expected: int
    is_missing: bool


def population_kinds() -> dict[str, frozenset[str]]:
    """Returns the kinds of groups that a table can have, with their groups."""
    return dict(it.population for it in registry().values() if it.population[0])


def parse_population(content: bytes) -> dict[str, PopulationTable]:
    """Returns the tables of a file by kind. Raises PopulationRefused."""
    text = _decoded(content)
    head = text.partition("\n")[0]
    separator = ";" if head.count(";") > head.count(",") else ","
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    if tuple(it.strip().lower() for it in next(rows, [])) != COLUMNS:
        raise PopulationRefused("columns", 1)
    kinds, found = population_kinds(), dict[str, PopulationTable]()
    try:
        for row in rows:
            if any(it.strip() for it in row):
                _add(found, kinds, [it.strip() for it in row], rows.line_num)
    except csv.Error:
        raise PopulationRefused("text", rows.line_num) from None
    if not found:
        raise PopulationRefused("empty")
    return found


def _decoded(content: bytes) -> str:
    """Returns the text of a file. Raises PopulationRefused."""
    if len(content) > MOST_BYTES:
        raise PopulationRefused("large")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise PopulationRefused("text") from None


def population_in_force(data: Path) -> dict[str, PopulationTable]:
    """Returns the table of the city, or that of Berlin. Raises PopulationRefused for a table that cannot be used."""
    own = data / OWN_FILE
    return parse_population(own.read_bytes()) if own.is_file() else _berlin()


def compare_reach(
    answered: Mapping[str, int], table: PopulationTable, least: int, only: Collection[str] = ()
) -> list[GroupReach]:
    """Compares answers with the population, the groups that fall short most first; nothing for fewer answers than would
    tell of any group. `only`: the groups that the consultation addresses; all without them.

    >>> table = PopulationTable({"a": 300, "b": 100}, date(2024, 12, 31), "")
    >>> [tuple(it) for it in compare_reach({"a": 58, "b": 4}, table, 5)]
    [('b', 0, 15, True), ('a', 55, 45, False)]
    """
    people = {it: n for it, n in table.people.items() if not only or it in only}
    total, base = sum(people.values()), sum(answered.get(it, 0) for it in people)
    base -= base % least
    if not total or base < ENOUGH * ENOUGH * least:
        return []
    found = []
    for group, number in people.items():
        shown = answered.get(group, 0) - answered.get(group, 0) % least
        expected = round(base * number / total)
        found.append(GroupReach(group, shown, expected, expected >= ENOUGH * least and 2 * shown < expected))
    return sorted(found, key=lambda it: it.answered - it.expected)


@cache
def _berlin() -> dict[str, PopulationTable]:
    return parse_population(_BERLIN.read_bytes())


def _add(found: dict[str, PopulationTable], kinds: Mapping[str, frozenset[str]], row: list[str], line: int) -> None:
    if len(row) != len(COLUMNS):
        raise PopulationRefused("columns", line)
    kind, group, people, as_of, source = row
    if kind not in kinds:
        raise PopulationRefused("kind", line, kind)
    if group not in kinds[kind]:
        raise PopulationRefused("group", line, group)
    if not (people.isascii() and people.isdecimal() and 0 < int(people[:12]) <= MOST_PEOPLE):
        raise PopulationRefused("people", line, people)
    if not source:
        raise PopulationRefused("source", line)
    try:
        day = date.fromisoformat(as_of)
    except ValueError:
        raise PopulationRefused("as_of", line, as_of) from None
    table = found.get(kind, PopulationTable({}, day, source))
    if group in table.people:
        raise PopulationRefused("twice", line, group)
    found[kind] = table._replace(people={**table.people, group: int(people)})
