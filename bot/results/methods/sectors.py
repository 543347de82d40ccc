"""Agreement by all sectors. For each statement the smoothed agreement (A+1)/(S+2) of every declared sector, and the
minimum over the sectors, which is the agreement of the statement.

The figures can be recomputed by hand. `bot.results.counts.disclosure` decides the published counts: if a sector's
answers are suppressed, its agreement is only known to lie between none and all of its votes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np

from bot.results.counts import disclosure, small_groups, suppression
from bot.results.counts.disclosure import MIN_CELL_SIZE, WHOLE, DisclosureRule, FrequencyRow, FrequencyTable, Reason
from bot.results.counts.moments import PublishedRow
from bot.results.methods.arrays import Flags
from bot.results.methods.intervals import Interval, smoothed, wilson
from bot.results.methods.matrix import VoteMatrix

_REST: Final = ""
"""Participants without a declared sector."""
AGREES: Final = "agrees"
OTHERS: Final = "others"
"""Disagreed or passed: published for sectors as one count beside agreement."""


class SectorCell(NamedTuple):
    """One sector and one statement. `seen` is None if the votes are suppressed, `agrees` if the answers are."""

    sector: str
    seen: int | None
    agrees: int | None
    agreement: Interval
    """Smoothed; both ends are equal if the counts are published, and 0 to 1 if nothing is."""
    chance: Interval | None
    """The interval of the share (Wilson, 95 %), if the counts are published."""
    reason: Reason = ""
    """The reason for suppression."""

    @property
    def is_known(self) -> bool:
        """Whether anything is published about the agreement."""
        return self.seen is not None and self.agreement != (smoothed(0, self.seen), smoothed(self.seen, self.seen))


class Agreement(NamedTuple):
    """A statement over all sectors. `missing` names the sectors without published figures; if all are missing,
    `smallest` is None.
    """

    statement: str
    cells: tuple[SectorCell, ...]
    smallest: Interval | None
    missing: tuple[str, ...]

    @property
    def number(self) -> int:
        """Returns the number of sectors."""
        return sum(cell.sector != disclosure.OTHERS for cell in self.cells)

    @property
    def is_agreed_by_all(self) -> bool:
        """Whether surely more than half of every sector agree, smoothed, and no sector is missing."""
        return self.smallest is not None and not self.missing and self.smallest.low > 0.5


def sector_tables(matrix: VoteMatrix, sectors: Mapping[str, Flags]) -> Iterator[FrequencyTable]:
    """Yields the agreement table of each statement by declared sectors; a participant may declare several."""
    which = np.zeros(len(matrix.people), dtype=np.int64)
    for place, people in enumerate(sectors.values()):
        which |= people.astype(np.int64) << place
    parts = {
        frozenset(name for place, name in enumerate(sectors) if mask >> place & 1): matrix.totals(which == mask)
        for mask in np.unique(which).tolist()
    }
    for place in range(len(matrix.statements)):
        yield {
            groups: _row(int(totals.seen[place]), int(totals.agrees[place]))
            for groups, totals in parts.items()
            if totals.seen[place]
        }


def _row(seen: int, agrees: int) -> FrequencyRow:
    return FrequencyRow(seen, {AGREES: agrees, OTHERS: seen - agrees})


def sector_agreements(
    matrix: VoteMatrix, sectors: Mapping[str, Flags], min_cell_size: int = MIN_CELL_SIZE, *, merges: bool = True
) -> list[Agreement]:
    """Returns every statement over the sectors. `sectors` marks the participants that declared each; a participant may
    declare several. `merges`: sectors with too few votes become one more cell, `disclosure.OTHERS`.
    """
    found = zip(matrix.statements, sector_tables(matrix, sectors), strict=True)
    return [
        _agreement(name, table, tuple(sectors), DisclosureRule(min_cell_size), merges=merges) for name, table in found
    ]


def sector_agreement(
    statement: str, seen: Mapping[str, int], agrees: Mapping[str, int], min_cell_size: int = MIN_CELL_SIZE
) -> Agreement:
    """Returns one statement over disjoint sectors. The two counts have the same sectors; the one called "" holds all
    other participants and is not shown.

    >>> found = sector_agreement("s1", {"science": 20, "business": 10, "": 0}, {"science": 15, "business": 5, "": 0})
    >>> found.smallest, found.is_agreed_by_all
    (Interval(low=0.5, high=0.5), False)
    """
    table = {frozenset({it} - {_REST}): _row(seen[it], agrees[it]) for it in seen}
    return _agreement(statement, table, [it for it in seen if it != _REST], DisclosureRule(min_cell_size), merges=True)


def overall_cell(seen: int, agrees: int, name: str, min_cell_size: int = MIN_CELL_SIZE) -> SectorCell:
    """Returns the cell of all voters on a statement."""
    table = disclosure.ungrouped_table(seen, _row(seen, agrees).n)
    return _cell(name, table, suppression.suppressed_groups(table, (), DisclosureRule(min_cell_size))[WHOLE], WHOLE)


def _agreement(
    statement: str, table: FrequencyTable, sectors: Sequence[str], rule: DisclosureRule, *, merges: bool
) -> Agreement:
    small = small_groups.groups_to_merge(table, sectors, rule) if merges else frozenset[str]()
    one = small_groups.with_merged_groups(table, small)
    apart = [it for it in sectors if it not in small]
    others = [disclosure.OTHERS] if small else []
    suppressed = suppression.suppressed_groups(one, [*apart, *others], rule)
    cells = {it: _cell(it, one, suppressed[it], it) for it in (*apart, *others)}
    cells |= {
        it: SectorCell(sector=it, seen=None, agrees=None, agreement=Interval(0.0, 1.0), chance=None, reason="merged")
        for it in small
    }
    return agreement_over(statement, tuple(cells[it] for it in (*sectors, *others)))


def agreement_over(statement: str, cells: tuple[SectorCell, ...]) -> Agreement:
    """Returns a statement over these cells. The figures of `disclosure.OTHERS` count for none of its sectors."""
    sectors = [cell for cell in cells if cell.sector != disclosure.OTHERS]
    known = [cell.agreement for cell in sectors if cell.is_known]
    smallest = Interval(min(it.low for it in known), min(it.high for it in known)) if known else None
    return Agreement(statement, cells, smallest, tuple(cell.sector for cell in sectors if not cell.is_known))


def suppress_beside(
    matrix: VoteMatrix,
    sectors: Mapping[str, Flags],
    published: Sequence[Agreement],
    groups: Mapping[str, Flags],
    found: Sequence[Agreement],
    min_cell_size: int = MIN_CELL_SIZE,
) -> list[Agreement]:
    """Returns `found`, over groups of another division of the same people, without the answers that together with the
    `published` ones of the sectors would disclose a single answer.
    """
    rows = zip(published, found, sector_tables(matrix, {**sectors, **groups}), strict=True)
    return [
        _beside(of_sectors, of_groups, table, DisclosureRule(min_cell_size)) for of_sectors, of_groups, table in rows
    ]


def _beside(published: Agreement, found: Agreement, table: FrequencyTable, rule: DisclosureRule) -> Agreement:
    shown = [it.sector for it in found.cells if it.agrees is not None]
    lines = [published_row_of(it, published) for it in published.cells if it.agrees is not None]
    whole_row = [] if disclosure.suppression_reason(disclosure.group_row(table, WHOLE), rule) else [frozenset[str]()]
    kept_back = suppression.suppressed_beside(table, [*whole_row, *lines], shown, rule)
    return agreement_over(
        found.statement, tuple(_answers_kept(it) if it.sector in kept_back else it for it in found.cells)
    )


def _answers_kept(cell: SectorCell) -> SectorCell:
    of = cell.seen or 0
    return SectorCell(
        sector=cell.sector,
        seen=cell.seen,
        agrees=None,
        agreement=Interval(smoothed(0, of), smoothed(of, of)),
        chance=None,
        reason="protected",
    )


def published_row_of(cell: SectorCell, of: Agreement) -> PublishedRow:
    """Returns the people that a cell counts, as a published row."""
    if cell.sector == disclosure.OTHERS:
        return frozenset(it.sector for it in of.cells if it.reason == "merged")
    return frozenset({cell.sector})


def _cell(name: str, table: FrequencyTable, suppressed: suppression.GroupSuppression, group: str) -> SectorCell:
    row = disclosure.group_row(table, group)
    of, n = row.base, row.n.get(AGREES, 0)
    if suppressed.size:
        return SectorCell(
            sector=name, seen=None, agrees=None, agreement=Interval(0.0, 1.0), chance=None, reason=suppressed.size
        )
    if suppressed.answers:
        return SectorCell(
            sector=name,
            seen=of,
            agrees=None,
            agreement=Interval(smoothed(0, of), smoothed(of, of)),
            chance=None,
            reason=suppressed.answers,
        )
    share = smoothed(n, of)
    return SectorCell(name, of, n, Interval(share, share), wilson(n, of))
