"""Results: the public figures, and beside them the inner ones for members who may see them and name a purpose."""

from __future__ import annotations

from functools import partial
from typing import Any, Final

from aiohttp import web
from sqlalchemy import Connection

from bot.common.errors import CommandError
from bot.consultations import stored_revisions
from bot.consultations.visibility import figures_are_public
from bot.results import figures
from bot.results.editions.inner import CountFailed, count_inner_figures
from bot.results.published import PublishedResults
from bot.web.console.consultations import own_consultation
from bot.web.console.figure_tables import figure_tables
from bot.web.console.registry import console_page
from bot.web.console.visit import Visit
from bot.web.public.results_cache import RESULTS_CACHE

LONGEST_PURPOSE: Final = 300


@console_page("GET", "/consultations/{slug}/results", "results.public")
async def show_results(visit: Visit) -> web.StreamResponse:
    """Shows the public figures."""
    return await _page(visit)


@console_page("POST", "/consultations/{slug}/results", "results.inner")
async def show_inner_results(visit: Visit) -> web.StreamResponse:
    """Shows inner and public figures side by side. Each look is recorded with its purpose, before the counting; a
    reload asks the browser's user and records another one.
    """
    summary, purpose = await own_consultation(visit), visit.field("purpose")[:LONGEST_PURPOSE]
    if not any(letter.isalnum() for letter in purpose):
        return await _page(visit, problem="purpose_missing")
    await visit.write(lambda connection: visit.note(connection, "results.inner", summary.slug, purpose))
    try:
        store, is_without = visit.site.services.store, bool(visit.field("without_bursts"))
        inner = await count_inner_figures(store, summary.slug, is_without_bursts=is_without)
    except CountFailed:
        return await _page(visit, problem="count_failed", purpose=purpose)
    return await _page(visit, inner=inner, purpose=purpose, is_without_bursts=is_without)


async def are_figures_public(visit: Visit, slug: str) -> bool:
    """Whether the figures are public now."""
    return await visit.read(partial(_are_public, slug=slug, visit=visit))


def _are_public(connection: Connection, slug: str, visit: Visit) -> bool:
    try:
        live = stored_revisions.live_revision(connection, slug)
    except CommandError:  # it was never live
        return False
    definition = stored_revisions.read_revision(live)
    return definition is not None and figures_are_public(definition, live, visit.now)


async def _page(
    visit: Visit,
    inner: PublishedResults | None = None,
    problem: str = "",
    purpose: str = "",
    *,
    is_without_bursts: bool = False,
) -> web.Response:
    summary = await own_consultation(visit)
    is_public = await are_figures_public(visit, summary.slug)
    public = await visit.request.app[RESULTS_CACHE].of(summary.slug) if is_public else None
    zone = visit.site.services.settings.zone()
    values: dict[str, Any] = {
        "tables": figure_tables(inner, public, visit.locale),
        "inner": inner,
        "public": public,
        "is_public": is_public,
        "edition": figures.edition_line(public, visit.locale, zone) if public else "",
        "may_look": visit.may("results.inner") and summary.state not in ("draft", "test"),
        "purpose": purpose,
        "is_without_bursts": is_without_bursts,
        "bursts": figures.burst_line(public, visit.locale) if public else "",
    }
    status = 503 if problem == "count_failed" else 422 if problem else 200
    return visit.page("results.html", status=status, summary=summary, problem=problem, **values)
