"""`/p/CODE`: the public status of a contribution. Works without JavaScript."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from functools import partial
from typing import Any, Final, NamedTuple

from aiohttp import web
from sqlalchemy import Connection

from adapters.web import protocol
from bot.common.i18n.locale import Locale
from bot.consultations.visibility import figures_are_public
from bot.proposals import publication
from bot.proposals.codes import parse_proposal_code
from bot.proposals.contribution_status import ContributionStatus, newest_first, reason_in_language
from bot.proposals.publication import PublicVotes
from bot.web import code_guess_limit
from bot.web.context import language_links, site_of
from bot.web.request_locale import locale_of
from flows.definition import Consultation
from flows.languages import LANGUAGES, language_name
from flows.phrase_families import ACCOUNT_STATES, ACCOUNT_STATUSES, RATING_COUNTS
from flows.questions.district import DISTRICTS, district_label
from flows.understanding.text import clean_text
from storage.tables.proposals import NewProposalStatus
from storage.tables.revisions import live_revision_of

LONGEST: Final = 40


class ContributionPage(NamedTuple):
    """The content of the page. `votes` is None where figures are not public or not made yet."""

    account: ContributionStatus
    consultation: Consultation
    votes: PublicVotes | None


def add_contribution_routes(router: web.UrlDispatcher) -> None:
    router.add_get("/p/{code}", _page)


async def _page(request: web.Request) -> web.StreamResponse:
    """Shows the contribution with this code, in any spelling."""
    site, locale = site_of(request), locale_of(request)
    typed = clean_text(request.match_info["code"][:LONGEST])
    code = parse_proposal_code(typed)
    if code:
        code_guess_limit.check_guess_limit(request)
    shown = await site.services.store.read(partial(_find, code=code, now=datetime.now(UTC))) if code else None
    if code is None or shown is None:
        if code:
            code_guess_limit.count_wrong_code(request)
        return _unknown(request, locale, code or typed)
    if code != typed:
        return web.Response(status=301, headers={"Location": f"/p/{code}"})
    zone = site.services.settings.zone()
    return site.page(
        request,
        "public/contribution.html",
        locale,
        account=shown.account,
        account_text=ACCOUNT_STATES[shown.account.seen],
        rating_counts=RATING_COUNTS,
        about=_title(shown.consultation, locale),
        languages=language_links(request, locale),
        steps=[_step(step, locale, zone) for step in newest_first(shown.account.steps)],
        **_words(shown, locale),
        **_figures(shown),
    )


def _title(consultation: Consultation, locale: Locale) -> str:
    """Returns the title of the consultation, also of a closed or archived one."""
    language = locale.tag if locale.tag in consultation.languages else consultation.main_language
    return consultation.title.in_language(language, consultation.fallbacks)


def _unknown(request: web.Request, locale: Locale, code: str) -> web.Response:
    """Shows an error page with the form of a code."""
    site = site_of(request)
    return site.page(
        request,
        "error.html",
        locale,
        status=404,
        title=locale.text("web.account.unknown_title"),
        text=locale.text("account.unknown", code=code),
        again="",
        results="",
        fields=(),
    )


def _find(connection: Connection, code: str, now: datetime) -> ContributionPage | None:
    account = publication.public_statuses(connection, [code]).get(code)
    revision = account and live_revision_of(connection, account.consultation_id)
    if account is None or revision is None:
        return None
    consultation = Consultation.model_validate_json(revision.content)
    votes = None
    is_told = (
        figures_are_public(consultation, revision, now) and publication.public_edition(connection, revision) is not None
    )
    if account.item is not None and is_told:
        code = account.item.proposal.code
        votes = publication.public_votes(connection, account.consultation_id, [code])[code]
    return ContributionPage(account, consultation, votes)


def _words(shown: ContributionPage, locale: Locale) -> dict[str, Any]:
    """Returns the text in the language of the page, if translated, beside the original."""
    item = shown.account.item
    if item is None:
        return {"wording": None, "original": None, "is_unreviewed": False, "district": ""}
    about = item.proposal
    original = {"title": about.title, "text": about.text, **_language(about.language)}
    plain = locale.tag.partition("-")[0]
    translated = item.texts.get(locale.tag) or (item.texts.get(plain) if about.language != plain else None)
    district = about.district or ""
    return {
        "wording": {"title": translated.title, "text": translated.text, **_language(translated.language)}
        if translated
        else original,
        "original": original if translated else None,
        "is_unreviewed": translated is not None and not translated.reviewed,
        "district": district_label(district, locale.tag) if district in DISTRICTS else district,
    }


def _step(step: NewProposalStatus, locale: Locale, zone: tzinfo) -> dict[str, Any]:
    tag, reason = reason_in_language(step.reason, locale.tag)
    is_own = tag.partition("-")[0] == locale.tag.partition("-")[0]
    return {
        "status": locale.text(ACCOUNT_STATUSES[step.status]),
        "is_correction": step.is_correction,
        "day": locale.day(step.at.astimezone(zone).date()),
        "reason": reason,
        "only": "" if is_own else LANGUAGES[tag].name,
        "body": step.body,
        "link": step.link,
        **_language(tag),
    }


def _figures(shown: ContributionPage) -> dict[str, Any]:
    """Returns the counts, unless they are hidden until closing or suppressed. None means a suppressed count."""
    if shown.votes is None:
        return {"figures": None, "are_too_few": False}
    figures = {"agree": shown.votes.agree, "disagree": shown.votes.disagree, "passed": shown.votes.passed}
    are_too_few = shown.votes.people is None
    return {"figures": None if are_too_few else figures, "are_too_few": are_too_few}


def _language(tag: str) -> dict[str, str]:
    return {"lang": tag, "dir": protocol.direction(tag), "language": language_name(tag)}
