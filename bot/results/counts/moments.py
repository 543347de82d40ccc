"""Decides row by row what may be published of a table after its earlier versions: some rows are updated, others not.
Pure.

The rows of all moments are checked together, as by an attacker with every edition: the people added or removed between
two moments form a group (docs/reference/results.md). A moment still counts after all its rows were published again,
because a row that is published for the first time later counts the people of all moments.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, pairwise
from typing import Final, NamedTuple

from bot.results.counts import differencing, exposure, small_groups, suppression
from bot.results.counts.disclosure import OTHERS, WHOLE, DisclosureRule, FrequencyRow, FrequencyTable, Groups
from bot.results.counts.exposure import PopulationPart

PublishedRow = Groups
"""A published row, as the groups whose people it counts; empty for all participants (`ALL_ANSWERED`)."""
ALL_ANSWERED: Final[PublishedRow] = frozenset()
MAX_MOMENTS: Final = 12
"""The maximum number of moments that are checked together. Beyond it, the oldest is dropped if every row of it was
published again since; otherwise the table waits for the held rows, or for the end.
"""
ALONE: Final = 10
"""While other rows are held, the row of all participants is updated after a growth of a tenth, to limit the number of
moments.
"""


class Moment(NamedTuple):
    """A table, and its rows that were published at this moment."""

    table: FrequencyTable
    lines: frozenset[PublishedRow]


def first_moment(table: FrequencyTable, groups: Iterable[str], rule: DisclosureRule) -> Moment:
    """Returns the first publication of a table; small groups are merged into one line."""
    names = list(groups)
    small = small_groups.groups_to_merge(table, names, rule)
    one, several = small_groups.with_merged_groups(table, small), [it for it in (*names, OTHERS) if it not in small]
    published = suppression.suppressed_groups(one, several if small else names, rule)
    line_of = {WHOLE: ALL_ANSWERED, **{it: frozenset({it}) for it in names}, OTHERS: small}
    return Moment(table, frozenset(line_of[it] for it, why in published.items() if not why.answers))


def next_moments(
    past: Sequence[Moment], new: Moment, rule: DisclosureRule, *, is_last: bool = False
) -> tuple[Moment, ...] | None:
    """Returns all relevant moments including the new one, which has the updated lines; the other lines keep their last
    published values. Returns the previous moments if nothing changed, None if no line may be updated.

    `new` is what could be published without earlier publications (`first_moment`). `is_last`: no further moment will
    follow.

    >>> old = {frozenset({"a"}): FrequencyRow(9, {"yes": 5, "no": 4}),
    ...        frozenset(): FrequencyRow(20, {"yes": 9, "no": 11})}
    >>> more = {frozenset({"a"}): FrequencyRow(10, {"yes": 6, "no": 4}),
    ...         frozenset(): FrequencyRow(29, {"yes": 14, "no": 15})}
    >>> both = [first_moment(it, ["a"], DisclosureRule()) for it in (old, more)]
    >>> found = next_moments(both[:1], both[1], DisclosureRule())
    >>> sorted(map(sorted, found[0].lines)), sorted(map(sorted, found[1].lines))  # one more in a must wait
    ([[], ['a']], [[]])
    """
    if not past:
        return (new,)
    if past[-1].table == new.table:
        return tuple(past)
    if len(past) >= MAX_MOMENTS and not is_last:
        return None
    lines = _harmless(past, new, rule)
    if ALL_ANSWERED in new.lines and ALL_ANSWERED not in lines:
        return None
    stay = new.lines - lines
    if stay and not is_last and not _is_much(past, new.table):
        return None
    return _remembered((*past, Moment(new.table, lines)), stay)


def _harmless(past: Sequence[Moment], new: Moment, rule: DisclosureRule) -> frozenset[PublishedRow]:
    """Returns the lines that may be updated: as few as possible are left out, small ones first."""
    lines = frozenset(it for it in new.lines if _is_enough(past, it, new.table, rule))
    while lines and (lines != {ALL_ANSWERED}) and _exposed([*past, Moment(new.table, lines)], rule):
        rows = sorted(lines - {ALL_ANSWERED}, key=lambda it: (_row(new.table, it).base, sorted(it)))
        left = {it: _exposed([*past, Moment(new.table, lines - {it})], rule) for it in rows}
        lines -= {min(rows, key=lambda it: left[it])}
    if lines == {ALL_ANSWERED} and _exposed([*past, Moment(new.table, lines)], rule):
        return frozenset()
    return lines


def _is_enough(past: Sequence[Moment], line: PublishedRow, table: FrequencyTable, rule: DisclosureRule) -> bool:
    earlier = next((it for it in reversed(past) if line in it.lines), None)
    return earlier is None or differencing.is_safe_change(_row(earlier.table, line), _row(table, line), rule)


def _is_much(past: Sequence[Moment], table: FrequencyTable) -> bool:
    """Whether the number of participants grew by a tenth since the row of all participants was last published."""
    earlier = next((it for it in reversed(past) if ALL_ANSWERED in it.lines), None)
    before = _row(earlier.table, ALL_ANSWERED).base if earlier else 0
    return ALONE * abs(_row(table, ALL_ANSWERED).base - before) >= before


def _remembered(moments: tuple[Moment, ...], stay: frozenset[PublishedRow]) -> tuple[Moment, ...]:
    """Drops the oldest moments if there are too many: first those of which every line was published again since; if
    that is not enough, those without a line that is still current.
    """
    every, last = {line for it in moments for line in it.lines}, len(moments) - 1
    latest = {line: max(n for n, it in enumerate(moments) if line in it.lines) for line in every}
    over = max(0, len(moments) - MAX_MOMENTS + 1)
    told_again = min(latest.values(), default=last)
    if told_again >= over:
        return moments[over:]
    return moments[min((latest[line] for line in {*moments[-1].lines, *stay} & every), default=last) :]


def _since(moments: Sequence[Moment]) -> Sequence[Moment]:
    """Returns the moments that can be checked without the earlier ones: from a moment that published all lines of later
    moments, if no count fell since. Later lines then add information about later participants only.
    """
    later = frozenset[PublishedRow]()
    for number in range(len(moments) - 1, 0, -1):
        if number < len(moments) - 1 and later <= moments[number].lines:
            return moments[number:] if not _do_leave(moments[number:]) else moments
        later |= moments[number].lines
    return moments


def _row(table: FrequencyTable, line: PublishedRow) -> FrequencyRow:
    rows = [row for groups, row in table.items() if not line or not line.isdisjoint(groups)]
    answers = dict.fromkeys(answer for row in rows for answer in row.n)
    return FrequencyRow(sum(row.base for row in rows), {it: sum(row.n.get(it, 0) for row in rows) for it in answers})


def _exposed(moments: Sequence[Moment], rule: DisclosureRule) -> int:
    """Returns the number of people whose answer all lines of these moments together disclose."""
    moments = _since(moments)
    answers = dict.fromkeys(answer for it in moments for row in it.table.values() for answer in row.n)
    return sum(
        exposure.exposed_people(_parts(moments, answer, oldest_leave=oldest), is_sensitive=rule.is_sensitive)
        for answer in answers
        for oldest in ((False, True) if _do_leave(moments) else (False,))
    )


def _do_leave(moments: Sequence[Moment]) -> bool:
    """Whether any count fell. The removed people are then unknown; both cases are checked: the oldest or the newest."""
    return any(
        later.table.get(groups, FrequencyRow(0, {})).n.get(answer, 0) < n
        for earlier, later in pairwise(moments)
        for groups, row in earlier.table.items()
        for answer, n in (*row.n.items(), ("", row.base))
    )


def _parts(moments: Sequence[Moment], answer: str, *, oldest_leave: bool) -> Iterator[PopulationPart]:
    """Yields people by groups and by the moments at which they were counted."""
    columns = _Columns(moments)
    for groups in dict.fromkeys(groups for it in moments for groups in it.table):
        rows = [it.table.get(groups, FrequencyRow(0, {})) for it in moments]
        yes = [row.n.get(answer, 0) for row in rows]
        no = [row.base - n for row, n in zip(rows, yes, strict=True)]
        for came, went, n in _stays(yes, oldest_leave=oldest_leave):
            yield PopulationPart(columns.of(groups, came, went), n, n)
        for came, went, n in _stays(no, oldest_leave=oldest_leave):
            yield PopulationPart(columns.of(groups, came, went), 0, n)


class _Columns:
    """Computes the column of an `exposure.PopulationPart`: the lines and moments in which people are counted."""

    def __init__(self, moments: Sequence[Moment]) -> None:
        self._lines: list[list[tuple[int, PublishedRow]]] = []
        self._until: dict[Groups, list[int]] = {}
        number = 0
        for it in moments:
            self._lines.append(
                [(4 ** (number + place), line) for place, line in enumerate(sorted(it.lines, key=sorted))]
            )
            number += len(it.lines)

    def of(self, groups: Groups, came: int, went: int) -> int:
        until = self._until.get(groups)
        if until is None:
            until = self._until[groups] = [0, *accumulate(self._at(groups, lines) for lines in self._lines)]
        return until[went] - until[came]

    @staticmethod
    def _at(groups: Groups, lines: Sequence[tuple[int, PublishedRow]]) -> int:
        return sum(column for column, line in lines if not line or not line.isdisjoint(groups))


def _stays(counts: Sequence[int], *, oldest_leave: bool) -> Iterator[tuple[int, int, int]]:
    """Yields (from moment, before moment, number of people), with as few additions and removals as the counts allow.

    >>> list(_stays([5, 7, 6], oldest_leave=False)), list(_stays([5, 7, 6], oldest_leave=True))
    ([(1, 2, 1), (0, 3, 5), (1, 3, 1)], [(0, 2, 1), (0, 3, 4), (1, 3, 2)])
    """
    there: list[list[int]] = []  # first moment, number of people; the oldest first
    before = 0
    for moment, n in enumerate(counts):
        if n > before:
            there.append([moment, n - before])
        leave = max(0, before - n)
        while leave:
            since = there[0 if oldest_leave else -1]
            left = min(leave, since[1])
            yield since[0], moment, left
            since[1] -= left
            leave -= left
            if not since[1]:
                there.remove(since)
        before = n
    yield from ((since, len(counts), n) for since, n in there)
