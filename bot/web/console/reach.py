"""Who is missing: answers about people compared with the population, on the page of the live figures.

The numbers are counted when the page is opened, not with each answer, and rounded down to smallest cells.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import partial
from typing import Final, NamedTuple

from sqlalchemy import Connection

from bot.common.i18n import formats
from bot.common.i18n.locale import Locale
from bot.results.population import GroupReach, PopulationRefused, PopulationTable, compare_reach, population_in_force
from bot.web.console.overview import ConsultationSummary
from bot.web.console.visit import Visit
from bot.web.consultation_cache import PublishedConsultation
from flows.definition import Consultation
from flows.phrase_families import AGE_BANDS
from flows.questions.district import DISTRICTS, district_label
from storage.tables.live_counts import count_values

MOST_NAMED: Final = 3
"""Missing groups that the hint names."""


class QuestionReach(NamedTuple):
    """One question: its groups, those that fall short most first, or none if too few people answered."""

    text: str
    table: PopulationTable
    groups: list[GroupReach]
    labels: Mapping[str, str]
    missing: str
    """The names of the groups that fall short most."""
    least: int


async def reach_by_question(visit: Visit, summary: ConsultationSummary) -> list[QuestionReach]:
    """Returns the comparison for each question whose groups are in the table; none if the table cannot be used."""
    published = visit.site.consultations.find_any(summary.slug)
    if published is None:
        return []
    try:
        tables = population_in_force(visit.site.services.settings.data)
    except (PopulationRefused, OSError):
        return []
    asked = {it.key: it.population[0] for it in published.consultation.asked() if it.population[0] in tables}
    counts = await visit.read(partial(_counts, consultation_id=summary.consultation_id, keys=list(asked)))
    return [_reach(published, key, tables[asked[key]], counts[key], visit.locale) for key in asked]


def group_label(group: str, locale: Locale) -> str:
    """Returns the name of a group of people."""
    if group in AGE_BANDS:
        return locale.text(AGE_BANDS[group])
    return district_label(group, locale.tag) if group in DISTRICTS else group


def _reach(
    published: PublishedConsultation, key: str, table: PopulationTable, counts: Mapping[str, int], locale: Locale
) -> QuestionReach:
    definition = published.consultation
    groups = compare_reach(counts, table, definition.smallest_cell, _addressed(definition, table))
    labels = {it: group_label(it, locale) for it in table.people}
    missing = [labels[it.group] for it in groups if it.is_missing][:MOST_NAMED]
    text = next(it.text for it in definition.asked() if it.key == key)
    return QuestionReach(
        text=published.text(text, locale.tag),
        table=table,
        groups=groups,
        labels=labels,
        missing=formats.join_words(missing, locale.tag),
        least=definition.smallest_cell,
    )


def _addressed(definition: Consultation, table: PopulationTable) -> list[str]:
    """Returns the groups of a table that the consultation names as its districts."""
    return [it for it in definition.districts if it in table.people]


def _counts(connection: Connection, consultation_id: int, keys: list[str]) -> dict[str, dict[str, int]]:
    return {
        key: {str(json.loads(value)): n for value, n in count_values(connection, consultation_id, key).items()}
        for key in keys
    }
