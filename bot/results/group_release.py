"""Opinion groups are published once, by the first edition after the end of a consultation. Pure.

Groups are computed separately for each edition, so the sums of two editions are sums over different sets of people.
Their differences could give single votes to a reader who knows who is in which group. One publication has no
difference.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from bot.results.methods.intervals import Interval
from bot.results.methods.sectors import SectorCell, agreement_over
from bot.results.report import StatementReport, StatementResult

NOT_YET: Final = "groups are published once, after the end"
"""`StatementReport.no_groups_because` while people can still answer."""


def without_groups(report: StatementReport) -> StatementReport:
    """The report as it is published while people can still answer."""
    statements = tuple(replace(it, groups=agreement_over(it.name, ()), group_informed=None) for it in report.statements)
    highlights = tuple(it for it in report.highlights if it.group is None)
    return replace(report, statements=statements, group_sizes=(), no_groups_because=NOT_YET, highlights=highlights)


def with_groups_of(published: StatementReport, report: StatementReport) -> StatementReport:
    """The report with the groups that an earlier edition has published, and with no newer ones. A statement that was
    not in that edition has no group cells.
    """
    earlier = {it.name: it for it in published.statements}
    none = tuple(
        SectorCell(str(number), None, agrees=None, agreement=Interval(0.0, 1.0), chance=None, reason="protected")
        for number in range(len(published.group_sizes))
    )

    def kept(now: StatementResult) -> StatementResult:
        was = earlier.get(now.name)
        if was is None:
            return replace(now, groups=agreement_over(now.name, none), group_informed=None)
        return replace(now, groups=was.groups, group_informed=was.group_informed)

    names = {it.name for it in report.statements}
    overall = [it for it in report.highlights if it.group is None]
    of_groups = [it for it in published.highlights if it.group is not None and it.name in names]
    return replace(
        report,
        statements=tuple(map(kept, report.statements)),
        group_sizes=published.group_sizes,
        no_groups_because=published.no_groups_because,
        highlights=(*overall, *of_groups),
    )
