"""Filters the stored result of rated statements for later publication. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from bot.results.methods.sectors import Agreement, SectorCell, agreement_over
from bot.results.report import EVERYBODY, StatementReport, StatementResult
from flows.questions.sectors import SECTORS

_REASON: Final = re.compile(
    r"\d+ people voted on enough statements; groups are formed from \d+"
    r"|no partition leaves \d+ people or more in every group"
    r"|shuffled votes separate about as well"
    r"|another seed finds other groups"
)
"""The reasons that `bot.results.methods.groups` gives."""


def without_unpublished(whole: StatementReport, shown: frozenset[str]) -> StatementReport:
    """Returns a stored result without the statements that are no longer `shown`."""
    if shown.issuperset(it.name for it in whole.statements):
        return whole
    return replace(
        whole,
        statements=tuple(it for it in whole.statements if it.name in shown),
        highlights=tuple(it for it in whole.highlights if it.name in shown),
    )


def without_foreign_names(whole: StatementReport) -> StatementReport:
    """Returns a result stored by a version without editions, without names that are no codes of the definition: that
    version counted every answer under the key of a sector question, including earlier free text.
    """
    statements = (
        replace(it, sectors=_only(it.sectors, _is_sector), groups=_only(it.groups, str.isdecimal), overall=_whole(it))
        for it in whole.statements
    )
    return replace(
        whole,
        statements=tuple(statements),
        sector_people={name: n for name, n in whole.sector_people.items() if _is_sector(name)},
        no_groups_because=whole.no_groups_because if _REASON.fullmatch(whole.no_groups_because) else "",
        highlights=tuple(
            it._replace(cell=it.cell._replace(sector=EVERYBODY if it.group is None else str(it.group)))
            for it in whole.highlights
        ),
    )


def _is_sector(name: str) -> bool:
    return name in SECTORS


def _only(found: Agreement, is_known: Callable[[str], bool]) -> Agreement:
    cells = tuple(cell for cell in found.cells if is_known(cell.sector))
    return found if cells == found.cells else agreement_over(found.statement, cells)


def _whole(statement: StatementResult) -> SectorCell:
    return statement.overall._replace(sector=EVERYBODY)
