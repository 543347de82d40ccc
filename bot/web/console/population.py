"""The population figures with which answers are compared: the table in force, and the city's own as a file."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, Final, NamedTuple

from aiohttp import web

from bot.results.population import (
    COLUMNS,
    OWN_FILE,
    PopulationFault,
    PopulationRefused,
    PopulationTable,
    parse_population,
    population_in_force,
    population_kinds,
)
from bot.web.console.reach import group_label
from bot.web.console.registry import console_page
from bot.web.console.visit import Visit

EARLIER: Final = ".before"
"""Added to the name of the table that the one in force replaced; empty if that was the table of Berlin."""
FAULT_PHRASES: Final[dict[PopulationFault, str]] = {
    "large": "console.population.fault.large",
    "text": "console.population.fault.text",
    "columns": "console.population.fault.columns",
    "kind": "console.population.fault.kind",
    "group": "console.population.fault.group",
    "people": "console.population.fault.people",
    "as_of": "console.population.fault.as_of",
    "source": "console.population.fault.source",
    "twice": "console.population.fault.twice",
    "empty": "console.population.fault.empty",
}


@console_page("GET", "/settings/population", "settings.change")
async def show_population(visit: Visit) -> web.StreamResponse:
    """Shows the population figures in force with their source."""
    return await _page(visit)


@console_page("POST", "/settings/population", "settings.change", takes_file=True)
async def replace_population(visit: Visit) -> web.StreamResponse:
    """Checks a table and puts it in force; the one before can be brought back."""
    content = visit.file.content if visit.file else b""
    try:
        parse_population(content)
    except PopulationRefused as refused:
        return await _page(visit, refused)
    await asyncio.to_thread(_replace, _own(visit), content)
    await visit.write(lambda connection: visit.note(connection, "settings.change", "population", "a table of the city"))
    return visit.see("/settings/population", done="population")


@console_page("POST", "/settings/population/back", "settings.change")
async def restore_population(visit: Visit) -> web.StreamResponse:
    """Brings back the table that was in force before; once more returns to the present one."""
    own = _own(visit)
    earlier = own.with_name(own.name + EARLIER)
    if not earlier.is_file():
        raise web.HTTPNotFound
    await asyncio.to_thread(_replace, own, earlier.read_bytes())
    await visit.write(lambda connection: visit.note(connection, "settings.change", "population", "the table before"))
    return visit.see("/settings/population", done="population")


def _own(visit: Visit) -> Path:
    return visit.site.services.settings.data / OWN_FILE


class ShownTable(NamedTuple):
    """A table on the page: its kind, where it comes from, and its groups with people and percent."""

    kind: str
    table: PopulationTable
    rows: list[tuple[str, int, float]]


def _replace(own: Path, content: bytes) -> None:
    """Puts a table in force and keeps the one before; without content the table of Berlin is in force."""
    before = own.read_bytes() if own.is_file() else b""
    own.with_name(own.name + EARLIER).write_bytes(before)
    if not content:
        own.unlink(missing_ok=True)
        return
    new = own.with_name(own.name + ".new")
    new.write_bytes(content)
    new.replace(own)


async def _page(visit: Visit, refused: PopulationRefused | None = None) -> web.Response:
    own = _own(visit)
    try:
        tables, broken = population_in_force(own.parent), None
    except PopulationRefused as found:
        tables, broken = {}, found
    fault = refused or broken
    values: dict[str, Any] = {
        "fault": _fault_text(visit, fault) if fault else "",
        "tables": [ShownTable(kind, table, _rows(visit, table.people)) for kind, table in tables.items()],
        "is_own": own.is_file(),
        "can_return": own.with_name(own.name + EARLIER).is_file(),
        "columns": ",".join(COLUMNS),
        "kinds": population_kinds(),
        "done": visit.request.query.get("done", "") == "population",
    }
    return visit.page("population.html", status=422 if refused else 200, **values)


def _fault_text(visit: Visit, refused: PopulationRefused) -> str:
    """Returns what is wrong with a table, with its line."""
    words = visit.locale.text(FAULT_PHRASES[refused.fault], word=refused.word, columns=", ".join(COLUMNS))
    return visit.locale.text("console.population.line", n=refused.line, fault=words) if refused.line else words


def _rows(visit: Visit, people: Any) -> list[tuple[str, int, float]]:
    total = sum(people.values())
    return [(group_label(it, visit.locale), n, 100 * n / total) for it, n in people.items()]
