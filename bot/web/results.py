"""The public result of a consultation: what was answered, what is agreed upon, and what becomes of it."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from typing import Any

from aiohttp import web

from bot.publicity import figures_are_public, is_closed
from bot.results import figures, opinions
from bot.results.groups import LEAST_PEOPLE
from bot.results.published import Published
from bot.tongues import Tongue
from bot.web.bars import drawing, stack
from bot.web.chat import SLUG, is_unreviewed, notice_of
from bot.web.figures import FIGURES, Figures
from bot.web.site import Site, language_links, site_of
from bot.web.tongues import tongue_of
from storage.store import Store


def add_to(application: web.Application, store: Store) -> None:
    application[FIGURES] = Figures(store)
    application.router.add_get(f"/results/{SLUG}", _page)


async def _page(request: web.Request) -> web.Response:
    site = site_of(request)
    await site.board.look()
    notice, now = notice_of(request), datetime.now(UTC)
    tongue = Tongue.of(notice.best(tongue_of(request).tag))
    consultation = notice.consultation
    closes, is_public = (
        notice.closes(site.house.settings.zone()),
        figures_are_public(consultation, notice.revision, now),
    )
    kept = request.app[FIGURES]
    found = await kept.of(notice.slug) if is_public else None
    return site.page(
        request,
        "results.html",
        tongue,
        notice=notice,
        title=notice.text(consultation.title, tongue.tag),
        asks=notice.text(consultation.asks, tongue.tag),
        decides=notice.text(consultation.decides, tongue.tag),
        feedback=notice.text(consultation.feedback, tongue.tag),
        until=tongue.day(closes) if closes else "",
        is_closed=is_closed(notice.revision, now),
        found=found,
        least=consultation.smallest_cell,
        languages=language_links(request, tongue, tuple(consultation.languages)),
        is_unreviewed=is_unreviewed(notice, tongue.tag),
        figures=kept.drawn(found, tongue.tag, partial(_draw, site, found, tongue)) if found else "",
    )


def _draw(site: Site, found: Published, tongue: Tongue) -> str:
    """Everything that is the same for all who read this language."""
    return site.templates.get_template("results_figures.html").render(
        t=tongue.say,
        found=found,
        drawing=drawing,
        stack=stack,
        between=partial(figures.between, tongue),
        **_told(found, tongue),
    )


def _told(found: Published, tongue: Tongue) -> dict[str, Any]:
    """What the page shows once it may."""
    ideas = opinions.ideas(found, tongue)
    return {
        "ideas": ideas,
        "answered": opinions.answered(found, tongue),
        "most": opinions.agreed_by_most(found, ideas, tongue),
        "least_people": LEAST_PEOPLE,
        "groups": opinions.groups(found, ideas, tongue),
        "in_common": opinions.in_common(found, ideas, tongue),
        "questions": list(figures.questions(found, tongue)),
        "weighed": list(figures.weighed(found, tongue)),
        "came": figures.came(found, tongue),
    }
