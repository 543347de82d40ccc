"""Merges groups below the minimum cell size, so that each published group is large enough. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Set
from typing import NamedTuple

from bot.results.counts.disclosure import (
    MIN_CELL_SIZE,
    OTHERS,
    DisclosureRule,
    FrequencyRow,
    FrequencyTable,
    Groups,
    Reason,
    group_row,
)


class MergedSizes(NamedTuple):
    """A publishable partition of all people into groups."""

    published: Mapping[str, int]
    other: int
    """The number of people in merged groups; 0 if none were merged."""
    reasons: Mapping[str, Reason]
    """The reason for each group."""


def merge_small_groups(sizes: Mapping[str, int], min_cell_size: int = MIN_CELL_SIZE) -> MergedSizes:
    """Merges small groups into one that is large enough, with the next larger groups if needed.

    >>> merge_small_groups({"web": 90, "telegram": 30, "matrix": 3, "console": 4})[:2]
    ({'web': 90, 'telegram': 30}, 7)
    >>> merge_small_groups({"web": 90, "telegram": 30, "matrix": 3})[:2]
    ({'web': 90}, 33)
    >>> merge_small_groups({"web": 90, "matrix": 3}).reasons
    {'web': 'protected', 'matrix': 'few'}
    """
    small = {name for name, n in sizes.items() if 0 < n < min_cell_size}
    if not small:
        return MergedSizes(dict(sizes), 0, dict.fromkeys(sizes, ""))
    others = _with_next_larger(sizes, small, min_cell_size)
    published = {name: n for name, n in sizes.items() if name not in others}
    if not any(published.values()):
        return MergedSizes({}, 0, {name: "few" if name in small else "protected" for name in sizes})
    reasons: dict[str, Reason] = dict.fromkeys(sizes, "")
    reasons.update(dict.fromkeys(others, "merged"))
    return MergedSizes(published, sum(map(sizes.__getitem__, others)), reasons)


def _with_next_larger(sizes: Mapping[str, int], small: Set[str], min_cell_size: int) -> set[str]:
    """Returns the small groups, and as many of the next larger ones as they need to be large enough together."""
    others: set[str] = set()
    for name in sorted(sizes, key=lambda it: sizes[it]):
        if name in small or (sizes[name] and sum(sizes[it] for it in others) < min_cell_size):
            others.add(name)
    return others


def groups_to_merge(table: FrequencyTable, groups: Iterable[str], rule: DisclosureRule) -> frozenset[str]:
    """Returns the groups that are merged (`OTHERS`) before suppression: none, or groups that reach the threshold.

    These are the groups below the threshold, if they reach it together. If they do not, the next larger groups are
    merged with them if otherwise one of those would have to be suppressed, to protect the people in no row.

    >>> def table(**sizes): return {frozenset({it} - {"none"}): FrequencyRow(n, {}) for it, n in sizes.items()}
    >>> sorted(groups_to_merge(table(a=40, b=3, c=4, none=9), "abc", DisclosureRule()))
    ['b', 'c']
    >>> [sorted(groups_to_merge(it, "abc", DisclosureRule()))
    ...  for it in (table(a=40, b=3, c=12), table(a=40, b=3, c=12, none=9))]
    [['b', 'c'], []]
    """
    sizes = {it: group_row(table, it).base for it in groups}
    small = frozenset(it for it, n in sizes.items() if 0 < n < rule.threshold)
    if not small:
        return frozenset()
    ordered = sorted((it for it, n in sizes.items() if n >= rule.threshold), key=sizes.__getitem__)
    rest = _in_none(table, ordered)
    while _in_any(table, small) < rule.threshold:
        if not ordered or not 0 < rest < rule.threshold:
            return frozenset()
        small |= {ordered.pop(0)}
    return small


def _in_none(table: FrequencyTable, groups: Collection[str]) -> int:
    return sum(row.base for mine, row in table.items() if mine.isdisjoint(groups))


def _in_any(table: FrequencyTable, groups: Groups) -> int:
    return sum(row.base for mine, row in table.items() if not mine.isdisjoint(groups))


def with_merged_groups(table: FrequencyTable, small: Groups) -> FrequencyTable:
    """Returns the table with these groups merged into `OTHERS`."""
    found: dict[Groups, FrequencyRow] = {}
    for mine, row in table.items() if small else ():
        name = mine if mine.isdisjoint(small) else (mine - small) | {OTHERS}
        before = found.get(name, FrequencyRow(0, {}))
        answers = dict.fromkeys((*before.n, *row.n))
        found[name] = FrequencyRow(
            before.base + row.base, {it: before.n.get(it, 0) + row.n.get(it, 0) for it in answers}
        )
    return found if small else table
