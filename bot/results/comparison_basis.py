"""The counts from which an edition was made, stored for comparison with the next edition; they include small groups.

Never published. The difference of two editions must not disclose the answers of single people.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from pydantic import TypeAdapter, ValidationError

from bot.results.counts import differencing, disclosure
from bot.results.counts.disclosure import WHOLE, DisclosureRule, FrequencyRow, FrequencyTable
from bot.results.counts.moments import Moment, first_moment
from bot.results.counts.one_way import ASKED
from bot.results.methods.sectors import AGREES, OTHERS

_Table = list[tuple[list[str], int, dict[str, int]]]
_Moments = list[tuple[_Table, list[list[str]]]]
_form: Final = TypeAdapter(tuple[int, list[str], dict[str, _Table], dict[str, _Moments]])
_earlier_form: Final = TypeAdapter(tuple[int, list[str], dict[str, _Table]])
_AGREEMENT: Final = "agreement:"
_VOTES: Final = "votes:"


@dataclass(frozen=True, slots=True)
class ComparisonBasis:
    """Tables by name, and the rules by which they are published."""

    min_cell_size: int
    sensitive: frozenset[str]
    """Names of tables of sensitive questions."""
    tables: Mapping[str, FrequencyTable] = field(default_factory=dict)
    """Tables of all participants that answered."""
    moments: Mapping[str, tuple[Moment, ...]] = field(default_factory=dict)
    """Agreement with each statement by sectors, and the rows published per moment (`bot.results.counts.moments`)."""

    def rule(self, name: str) -> DisclosureRule:
        """Returns the disclosure rule of a table."""
        return DisclosureRule(self.min_cell_size, name in self.sensitive)

    def to_json(self) -> str:
        tables = {name: _stored(table) for name, table in self.tables.items()}
        moments = {
            name: [(_stored(it.table), sorted(map(sorted, it.lines))) for it in published]
            for name, published in self.moments.items()
        }
        return _form.dump_json((self.min_cell_size, sorted(self.sensitive), tables, moments)).decode()

    @classmethod
    def from_json(cls, text: str) -> ComparisonBasis | None:
        """Reads a stored basis; None if nothing was stored, as by older versions."""
        if not text:
            return None
        try:
            min_cell_size, sensitive, tables, moments = _form.validate_json(text)
        except ValidationError:
            return _of_one_moment(*_earlier_form.validate_json(text))
        return cls(
            min_cell_size,
            frozenset(sensitive),
            {name: _table(rows) for name, rows in tables.items()},
            {
                name: tuple(Moment(_table(rows), frozenset(map(frozenset, lines))) for rows, lines in published)
                for name, published in moments.items()
            },
        )


def first_basis(
    min_cell_size: int, sensitive: frozenset[str], tables: Mapping[str, FrequencyTable], sectors: Iterable[str]
) -> ComparisonBasis:
    """Returns the basis of a first edition; tables by sectors are called `agreement:` and the statement."""
    names, rule = list(sectors), DisclosureRule(min_cell_size)
    by_sectors = {name for name in tables if name.startswith(_AGREEMENT)}
    return ComparisonBasis(
        min_cell_size,
        sensitive,
        {name: table for name, table in tables.items() if name not in by_sectors},
        {
            name.removeprefix(_AGREEMENT): (first_moment(tables[name], names, rule),)
            for name in tables
            if name in by_sectors
        },
    )


def _of_one_moment(min_cell_size: int, sensitive: Iterable[str], stored: Mapping[str, _Table]) -> ComparisonBasis:
    """Reads the format of the first version with this rule: all rows of a statement belonged to one moment."""
    tables = {name: _table(rows) for name, rows in stored.items()}
    return first_basis(
        min_cell_size, frozenset(sensitive), tables, {it for table in tables.values() for one in table for it in one}
    )


def _stored(table: FrequencyTable) -> _Table:
    return [(sorted(groups), row.base, dict(row.n)) for groups, row in table.items()]


def _table(rows: _Table) -> FrequencyTable:
    return {frozenset(groups): FrequencyRow(base, n) for groups, base, n in rows}


def unpublishable_changes(previous: ComparisonBasis, new: ComparisonBasis) -> frozenset[str]:
    """Returns the names of the tables of all participants whose change may not be published yet."""
    both = {name for name in new.tables if name in previous.tables}
    return frozenset(
        name
        for name in both
        if is_publishable(previous, name) and is_publishable(new, name)
        if not differencing.is_safe_change(_everybody(previous, name), _everybody(new, name), new.rule(name))
    )


def is_publishable(found: ComparisonBasis, name: str) -> bool:
    """Whether a table is published. A table of the participants that were asked exists only if it is published."""
    row = _everybody(found, name)
    if name.startswith(ASKED):
        return True
    if name.startswith(_VOTES):  # the publication of these does not depend on the number of important marks
        row = FrequencyRow(row.base, {AGREES: row.n.get(AGREES, 0), OTHERS: row.base - row.n.get(AGREES, 0)})
    return not disclosure.suppression_reason(row, found.rule(name))


def _everybody(found: ComparisonBasis, name: str) -> FrequencyRow:
    return disclosure.group_row(found.tables[name], WHOLE)
