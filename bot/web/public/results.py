"""Page of the public results of a consultation: answers, agreement and decisions."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from typing import Any, Final

from aiohttp import web
from markupsafe import Markup

from bot.common.i18n.locale import Locale
from bot.consultations.visibility import figures_are_public, takes_no_answers
from bot.results import figures, opinions
from bot.results.editions.service import EditionService
from bot.results.figures import OutcomeFigures, QuestionFigures
from bot.results.group_release import NOT_YET
from bot.results.methods.groups import LEAST_PEOPLE
from bot.results.opinions import RatedProposal
from bot.results.published import PublishedResults
from bot.web.context import Site, language_links, site_of
from bot.web.paging import list_page
from bot.web.public.bars import drawing, stack
from bot.web.public.chat import SLUG, is_unreviewed, requested_consultation
from bot.web.public.proposal_filter import ProposalFilter, filter_fields
from bot.web.public.results_cache import RESULTS_CACHE, ResultsCache
from bot.web.request_locale import locale_of
from flows.definition import Consultation
from storage.core.store import Store

LONG_LIST: Final = 5
"""Number of proposals above which they can be searched."""
FIRST_TEXTS: Final = 5
"""Number of answers to an open question shown at once; the others are in a collapsed section."""


def add_results_routes(application: web.Application, store: Store, editor: EditionService) -> None:
    application[RESULTS_CACHE] = ResultsCache(store, editor)
    application.router.add_get(f"/results/{SLUG}", _page)


async def _page(request: web.Request) -> web.Response:
    site = site_of(request)
    await site.consultations.refresh()
    published, now = requested_consultation(request), datetime.now(UTC)
    locale = Locale.of(published.best(locale_of(request).tag))
    consultation = published.consultation
    closes, is_public = (
        published.closes(site.services.settings.zone()),
        figures_are_public(consultation, published.revision, now),
    )
    kept = request.app[RESULTS_CACHE]
    found = await kept.of(published.slug) if is_public else None
    chosen = ProposalFilter.of(request.query)
    page = request.query.get("page", "")
    number = list_page(list(found.proposals), page).number if found and chosen.is_empty else 1
    is_part = number > 1 or not chosen.is_empty
    drawn: str = ""
    if found:
        draw = partial(_draw, site, found, locale, page, chosen=chosen, is_part=is_part, consultation=consultation)
        # Nearly all visitors read the first page; the others are short, and too many to be cached.
        drawn = kept.drawn(found, locale.tag, draw) if not is_part else Markup(draw())  # noqa: S704 - escaped there
    return site.page(
        request,
        "public/results.html",
        locale,
        published=published,
        title=published.text(consultation.title, locale.tag),
        asks=published.text(consultation.asks, locale.tag),
        decides=published.text(consultation.decides, locale.tag),
        feedback=published.text(consultation.feedback, locale.tag),
        until=locale.day(closes) if closes else "",
        is_closed=takes_no_answers(published.revision, now),
        is_public=is_public,
        found=found,
        edition=figures.edition_line(found, locale, site.services.settings.zone()) if found else "",
        people=figures.participation_totals(found, locale) if found else (),
        least=consultation.smallest_cell,
        languages=language_links(request, locale, tuple(consultation.languages)),
        is_unreviewed=is_unreviewed(published, locale.tag),
        is_part=is_part,
        description=published.text(consultation.why, locale.tag),
        address=f"{site.services.settings.web.public_url}{request.path}",
        figures=drawn,
        bursts=figures.burst_line(found, locale) if found else "",
        visible=figures.visible_share_line(found, locale) if found else "",
    )


def _draw(
    site: Site,
    found: PublishedResults,
    locale: Locale,
    page: str,
    *,
    chosen: ProposalFilter,
    is_part: bool,
    consultation: Consultation,
) -> str:
    """Renders the part that is the same for all readers of this page in this language. `is_part`: only proposals."""
    told = _told(found, locale)
    ideas: list[RatedProposal] = told.pop("ideas")
    matching = ideas if chosen.is_empty else chosen.matching(ideas, found)
    shown = list_page([idea.code for idea in matching], page, chosen.query(locale.tag))
    return site.templates.get_template("public/results_figures.html").render(
        t=locale.text,
        found=found,
        drawing=drawing,
        stack=stack,
        between=partial(figures.share_range, locale),
        pages=shown,
        ideas=shown.part(matching),
        is_part=is_part,
        slug=found.subject.newest.slug,
        language=locale.tag,
        searched=chosen.words,
        filters=list(filter_fields(found, consultation, chosen, locale)) if len(ideas) > LONG_LIST else [],
        is_searchable=len(ideas) > LONG_LIST,
        hits=None if chosen.is_empty else locale.text("results.filter.hits", n=len(matching)),
        asked=_in_order(found, locale, [*told.pop("questions"), *told.pop("weighed")]),
        **told,
        untold=partial(figures.suppression_text, locale, min_cell_size=found.subject.min_cell_size),
    )


def _in_order(
    found: PublishedResults, locale: Locale, asked: list[QuestionFigures | OutcomeFigures]
) -> list[QuestionFigures | OutcomeFigures]:
    """Sorts the questions in the order of the consultation."""
    places = {title: place for place, title in enumerate(figures.question_titles(found, locale))}
    return sorted(asked, key=lambda it: places[it.title])


def _told(found: PublishedResults, locale: Locale) -> dict[str, Any]:
    """Returns the template values of the published figures."""
    ideas = opinions.rated_proposals(found, locale)
    return {
        "ideas": ideas,
        "answered": opinions.official_answers_line(found, locale),
        "most": opinions.agreed_by_most(found, ideas, locale),
        "least_people": LEAST_PEOPLE,
        "groups": opinions.described_groups(found, ideas, locale),
        "groups_come_later": found.report.no_groups_because == NOT_YET,
        "in_common": opinions.statements_in_common(found, ideas, locale),
        "questions": list(figures.question_figures(found, locale)),
        "weighed": list(figures.outcome_figures(found, locale)),
        "came": figures.participation_contexts(found, locale),
        "first_texts": FIRST_TEXTS,
    }
