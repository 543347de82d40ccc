"""Which cells of a table are too small to be published, and which others would give them away."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

from flows.definition import SMALLEST_CELL

LEAST: Final = SMALLEST_CELL
"""Fewer people than this make no published cell. Zero is published: nobody stands behind it."""


def hidden(cells: Mapping[str, int], forced: Collection[str] = (), least: int = LEAST) -> frozenset[str]:
    """The cells to be left out of a table whose total is known; `forced` ones are too telling whatever their size.

    What is missing up to the total must neither be one cell nor a few people. So beside the small cells all those of
    the next larger value go: all, because leaving out the first of equals would say which one is the small one. Only
    where the small cells are several, hold enough people together and could be of different sizes, they hide each
    other. Where no cell is large enough, none is published, not even the empty ones.

    >>> sorted(hidden({"yes": 40, "no": 3, "maybe": 12, "skipped": 0}))
    ['maybe', 'no']
    >>> sorted(hidden({"yes": 40, "no": 3, "maybe": 12, "skipped": 2}))
    ['no', 'skipped']
    >>> sorted(hidden({"yes": 3, "no": 3, "maybe": 0}))
    ['maybe', 'no', 'yes']
    >>> hidden({"yes": 40, "no": 5, "maybe": 0})
    frozenset()
    """
    small = {name: n for name, n in cells.items() if 0 < n < least}
    told = {name for name in forced if cells.get(name)}
    people = sum(small.values())
    if not small and not told:
        return frozenset()
    others = {name: n for name, n in cells.items() if name not in told and n >= least}
    if not others:
        return frozenset(cells)
    if not told and least <= people and len(small) < people < len(small) * (least - 1):
        return frozenset(small)
    next_larger = min(others.values())
    return frozenset({*small, *told, *(name for name, n in others.items() if n == next_larger)})


def hidden_shares(cells: Mapping[str, int], total: int, least: int = LEAST) -> frozenset[str]:
    """The cells to be left out where everybody may be in several: small ones, and those which nearly all are in.

    >>> sorted(hidden_shares({"trees": 40, "benches": 3, "none": 0, "ways": 38}, 40))
    ['benches', 'ways']
    """
    return frozenset(name for name, n in cells.items() if 0 < n < least or 0 < total - n < least)
