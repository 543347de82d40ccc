"""Decides whether a table may be published after an earlier version of it: the difference of two published figures
must not disclose the answers of single people. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping

from bot.results.counts import disclosure
from bot.results.counts.disclosure import WHOLE, DisclosureRule, FrequencyRow, FrequencyTable, group_row


def may_publish_after(previous: FrequencyRow, new: FrequencyRow, rule: DisclosureRule) -> bool:
    """Whether a row of all participants may be published after an earlier one. (For several rows:
    `bot.results.counts.moments`.)

    The change is checked as a group of its own: the added people, and the removed answers, must be none, or enough and
    not like-minded.

    >>> old, rule = FrequencyRow(40, {"yes": 30, "no": 10}), DisclosureRule()
    >>> [may_publish_after(old, FrequencyRow(40 + yes + no, {"yes": 30 + yes, "no": 10 + no}), rule)
    ...  for yes, no in [(0, 0), (1, 0), (3, 3), (6, 0), (5, 1), (25, 0)]]
    [True, False, True, False, False, True]
    """
    return bool(
        disclosure.suppression_reason(previous, rule) or disclosure.suppression_reason(new, rule)
    ) or is_safe_change(previous, new, rule)


def may_publish_tables_after(
    previous: Mapping[str, FrequencyTable], new: Mapping[str, FrequencyTable], rules: Mapping[str, DisclosureRule]
) -> bool:
    """Whether an edition may be published after the previous one: every table in both passes `may_publish_after`."""
    return not unpublishable_tables(previous, new, rules)


def unpublishable_tables(
    previous: Mapping[str, FrequencyTable], new: Mapping[str, FrequencyTable], rules: Mapping[str, DisclosureRule]
) -> frozenset[str]:
    """Returns the names of the tables of all participants that may not be published after the previous edition."""
    return frozenset(
        name
        for name, table in new.items()
        if name in previous
        and previous[name] != table
        and not may_publish_after(
            group_row(previous[name], WHOLE), group_row(table, WHOLE), rules.get(name, DisclosureRule())
        )
    )


def is_safe_change(old: FrequencyRow, new: FrequencyRow, rule: DisclosureRule) -> bool:
    """Whether the change of a row is none, or enough people who are not like-minded; additions and removals are checked
    separately.
    """
    if 0 < abs(new.base - old.base) < rule.threshold:
        return False
    for answer in dict.fromkeys((*old.n, *new.n)):
        yes = new.n.get(answer, 0) - old.n.get(answer, 0)
        no = new.base - old.base - yes
        for sign in (1, -1):
            n, others = max(0, sign * yes), max(0, sign * no)
            if 0 < n + others < rule.threshold or rule.is_like_minded(n, n + others):
                return False
    return True
