"""Decides which groups of a table are suppressed: the small ones (primary suppression), and those from which a
suppressed one could be computed (complementary suppression). Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from bot.results.counts import disclosure
from bot.results.counts.disclosure import (
    OTHERS,
    UNPROTECTED,
    WHOLE,
    DisclosureRule,
    FrequencyTable,
    Groups,
    Reason,
    group_row,
)
from bot.results.counts.exposure import exposed_in_all, parts_by_answer, rows_of_groups


class GroupSuppression(NamedTuple):
    """The reasons for which the size and the answers of a group are suppressed."""

    size: Reason
    answers: Reason


def suppressed_groups(
    table: FrequencyTable, groups: Iterable[str], rule: DisclosureRule
) -> dict[str, GroupSuppression]:
    """Returns for each group, and for `WHOLE`, why it is suppressed. People may be in several groups, or in none.

    >>> from bot.results.counts.disclosure import FrequencyRow
    >>> table = {frozenset({"a"}): FrequencyRow(8, {"yes": 5, "no": 3}),
    ...          frozenset({"b"}): FrequencyRow(9, {"yes": 9, "no": 0})}
    >>> found = suppressed_groups(table, ["a", "b"], DisclosureRule())
    >>> found["a"] == found["b"]  # the answers of b would follow from those of a
    True
    >>> found["a"], found[WHOLE]
    (GroupSuppression(size='', answers='protected'), GroupSuppression(size='', answers=''))
    """
    everybody = group_row(table, WHOLE)
    of_all = disclosure.suppression_reason(everybody, rule)
    found = {WHOLE: GroupSuppression("few" if of_all == "few" else "", of_all)}
    for group in groups:
        row = group_row(table, group)
        rest = everybody.base - row.base
        if row.base < rule.threshold:
            found[group] = GroupSuppression("few", "few")
        elif 0 < rest < rule.threshold:
            found[group] = GroupSuppression("protected", "protected")
        else:
            found[group] = GroupSuppression("", disclosure.suppression_reason(row, rule))
    shown = [group for group, it in found.items() if not it.answers]
    for group in _covering(table, shown, rule):
        found[group] = GroupSuppression("protected", "protected")
        shown.remove(group)
    for group in _given_up(table, shown, rule):
        found[group] = found[group]._replace(answers="protected")
    return found


def _covering(table: FrequencyTable, shown: list[str], rule: DisclosureRule) -> list[str]:
    """Returns further groups to suppress, the smallest first, so that the people outside all published groups are none
    or enough.
    """
    rows = sorted((it for it in shown if it != WHOLE), key=lambda it: group_row(table, it).base)
    found: list[str] = []
    while rows and 0 < sum(row.base for groups, row in table.items() if groups.isdisjoint(rows)) < rule.threshold:
        found.append(rows.pop(0))
    return found


def _given_up(table: FrequencyTable, shown: list[str], rule: DisclosureRule) -> list[str]:
    """Returns the groups whose answers must be suppressed, so that the other groups disclose no single answer."""
    shown, given_up = list(shown), []
    while (
        rule.min_cell_size != UNPROTECTED
        and len(shown) > 1
        and exposed_in_all(parts_by_answer(table, rows_of_groups(shown)), rule)
    ):
        rows = [it for it in shown if it != WHOLE]
        left = {
            it: exposed_in_all(parts_by_answer(table, rows_of_groups(o for o in shown if o != it)), rule) for it in rows
        }
        worst = min(rows, key=lambda it: (left[it], it != OTHERS, group_row(table, it).base))
        shown.remove(worst)
        given_up.append(worst)
    return given_up


def suppressed_beside(
    table: FrequencyTable, lines: Sequence[Groups], groups: Sequence[str], rule: DisclosureRule
) -> list[str]:
    """Returns the groups whose answers must be suppressed because rows of another division of the same people are
    published, so that all rows together disclose no single answer. The other rows are named by the groups they count;
    `frozenset()` is all participants.

    >>> from bot.results.counts.disclosure import FrequencyRow
    >>> table = {frozenset("ax"): FrequencyRow(9, {"yes": 9}), frozenset("bx"): FrequencyRow(9, {"yes": 0}),
    ...          frozenset("ay"): FrequencyRow(9, {"yes": 4}), frozenset("by"): FrequencyRow(9, {"yes": 3})}
    >>> suppressed_beside(table, [frozenset(), frozenset("a")], ["x"], DisclosureRule())
    []
    >>> nobody = dict.fromkeys([frozenset("ay"), frozenset("by")], FrequencyRow(9, {"yes": 0}))
    >>> # all nine are in a and in x
    >>> suppressed_beside({**table, **nobody}, [frozenset(), frozenset("a")], ["x"], DisclosureRule())
    ['x']
    """
    shown, found = list(groups), list[str]()

    def given_away(names: Sequence[str]) -> int:
        rows = [*lines, *(frozenset({it}) for it in names)]
        return exposed_in_all(parts_by_answer(table, rows), rule)

    while rule.min_cell_size != UNPROTECTED and shown and given_away(shown):
        left = {it: given_away([other for other in shown if other != it]) for it in shown}
        worst = min(shown, key=lambda it: (left[it], group_row(table, it).base))
        shown.remove(worst)
        found.append(worst)
    return found
