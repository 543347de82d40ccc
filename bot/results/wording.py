"""A result in plain words: every figure with the number of people behind it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Any, Final

from bot.results.intervals import Interval
from bot.results.report import Highlight, Report, Statement
from bot.results.sectors import Cell

MOST: Final = 10
"""So many statements are listed; all of them stand in the JSON."""


def plain(value: Any) -> Any:
    """A result as JSON takes it: names of fields instead of places."""
    if is_dataclass(value) and not isinstance(value, type):
        return {it.name: plain(getattr(value, it.name)) for it in fields(value)}
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        return {name: plain(it) for name, it in value._asdict().items()}
    if isinstance(value, Mapping):
        return {name: plain(it) for name, it in value.items()}
    return [plain(it) for it in value] if isinstance(value, list | tuple) else value


def number(n: int | None, least: int) -> str:
    """
    >>> number(7, 5), number(None, 5)
    ('7', 'not told (fewer than 5, or it would give such a number away)')
    """
    return f"not told (fewer than {least}, or it would give such a number away)" if n is None else f"{n:,}"


def cells(counts: Mapping[str, int | None]) -> str:
    """
    >>> cells({"web": 40, "matrix": None})
    'web 40, matrix –'
    """
    return ", ".join(f"{name} {'–' if n is None else f'{n:,}'}" for name, n in counts.items()) or "nothing yet"


def share(agreement: Interval) -> str:
    """
    >>> share(Interval(0.5, 0.5)), share(Interval(0.8, 0.96875))
    ('50 %', '80 to 97 %')
    """
    low, high = round(100 * agreement.low), round(100 * agreement.high)
    return f"{low} %" if low == high else f"{low} to {high} %"


def agreed(cell: Cell, least: int) -> str:
    """Counts where they are told, else what can be said instead."""
    if cell.seen is None:
        return f"fewer than {least} voted, or that would show"
    if cell.agrees is None:
        return f"{share(cell.agreement)} of {cell.seen:,} agree (a range: a number behind it is small)"
    chance = f", by chance alone {share(cell.chance)}" if cell.chance else ""
    return f"{cell.agrees:,} of {cell.seen:,} agree, smoothed {share(cell.agreement)}{chance}"


def ratings(result: Report, texts: Mapping[str, str]) -> Iterator[str]:
    """The rated statements; nothing where there were none."""
    if result.people == 0:
        return
    if result.people is None:
        yield f"Ratings: fewer than {result.least} people rated; nothing is told."
        return
    yield (
        f"Ratings: {result.people:,} people, {result.votes:,} votes, changed ones included; "
        f"{len(result.statements)} released statements; seed {result.seed}"
    )
    yield from _across_sectors(result, texts)
    yield from _across_groups(result, texts)
    yield from _highlights(result, texts)


def _across_sectors(result: Report, texts: Mapping[str, str]) -> Iterator[str]:
    if not result.sector_people:
        yield "Agreed by all sectors: nobody was asked for a sector."
        return
    yield f"Sectors: {cells(result.sector_people)}"
    yield "Agreed by all sectors (the smallest smoothed agreement of any sector):"
    known = [(it.sectors.smallest, it) for it in result.statements if it.sectors.smallest]
    for smallest, it in sorted(known, key=lambda pair: (len(pair[1].sectors.missing), -pair[0].low))[:MOST]:
        missing = f", too few: {', '.join(it.sectors.missing)}" if it.sectors.missing else ""
        yield f"  {share(smallest)}{missing}: {_quoted(it.name, texts)}"
        yield from (f"      {cell.sector}: {agreed(cell, result.least)}" for cell in it.sectors.cells)


def _across_groups(result: Report, texts: Mapping[str, str]) -> Iterator[str]:
    if result.no_groups_because:
        yield f"Opinion groups: none ({result.no_groups_because})."
        return
    yield f"Opinion groups: {', '.join(f'{group} has {n:,} people' for group, n in enumerate(result.group_sizes))}"
    yield "Agreed across the groups (group-informed consensus, the product of the smoothed agreements):"
    known: list[tuple[Interval, Statement]] = [(it.group_informed, it) for it in result.statements if it.group_informed]
    for product, it in sorted(known, key=lambda pair: -pair[0].low)[:MOST]:
        yield f"  {product.low:.3f}{'' if product.low == product.high else f' to {product.high:.3f}'}: " + _quoted(
            it.name, texts
        )
        yield from (f"      group {cell.sector}: {agreed(cell, result.least)}" for cell in it.groups.cells)


def _highlights(result: Report, texts: Mapping[str, str]) -> Iterator[str]:
    titles: dict[int | None, str] = {None: "What most people agree or disagree with:"}
    titles |= {group: f"What tells group {group} from the others:" for group in range(len(result.group_sizes))}
    for group, title in titles.items():
        chosen = [it for it in result.highlights if it.group == group]
        if chosen:
            yield title
            yield from (_highlight(it, result, texts) for it in chosen)


def _highlight(it: Highlight, result: Report, texts: Mapping[str, str]) -> str:
    return f"  {it.side}: {_quoted(it.name, texts)} ({agreed(it.cell, result.least)})"


def _quoted(name: str, texts: Mapping[str, str]) -> str:
    return f"{name} “{' '.join(texts.get(name, '').split())[:120]}”"
