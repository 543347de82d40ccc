"""The public result of a consultation: what was answered, what is agreed upon, and what becomes of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import NamedTuple

from aiohttp import web

from bot import formats
from bot.publicity import figures_are_public, is_closed
from bot.results.ballots import Comparison, Order, Spread
from bot.results.intervals import Interval
from bot.results.published import Published
from bot.results.report import Statement
from bot.web.bars import Bar, drawing, stack
from bot.web.chat import SLUG, is_unreviewed, notice_of
from bot.web.figures import FIGURES, Figures
from bot.web.site import language_links, site_of
from bot.web.tongues import Tongue, tongue_of
from flows.languages import LANGUAGES
from flows.values import Missing
from storage.store import Store


class Question(NamedTuple):
    """One question with what was answered to it."""

    title: str
    rows: list[Bar]
    missing: list[Bar]
    is_several: bool
    is_free: bool


class Weighed(NamedTuple):
    """A question whose options were put in order, compared, or given a budget."""

    title: str
    kind: str
    """`order`, `comparison` or `spread`."""
    note: str
    rows: list[Bar]
    bought: list[tuple[str, str]]
    """By which rule, and what a budget would then pay for."""


class SectorRow(NamedTuple):
    """One sector and one statement, in words."""

    name: str
    seen: int | None
    agrees: int | None
    share: str


class Idea(NamedTuple):
    """One released proposal as the page shows it."""

    code: str
    title: str
    text: str
    language: str
    direction: str
    translator: str
    """Who translated it; "" where this is the original."""
    is_reviewed: bool
    status: str
    statement: Statement | None
    shares: tuple[float, float, float] | None
    """Agree, pass, disagree, where all three may be told."""
    sectors: list[SectorRow]
    smallest: str


def add_to(application: web.Application, store: Store) -> None:
    application[FIGURES] = Figures(store)
    application.router.add_get(f"/results/{SLUG}", _page)


async def _page(request: web.Request) -> web.Response:
    site = site_of(request)
    await site.board.look()
    notice, now = notice_of(request), datetime.now(UTC)
    tongue = Tongue.of(notice.best(tongue_of(request).tag))
    consultation = notice.consultation
    zone = site.house.settings.zone()
    closes, is_public = notice.closes(zone), figures_are_public(consultation, notice.revision, now)
    found = await request.app[FIGURES].of(notice.slug) if is_public else None
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
        questions=list(_questions(found, tongue)) if found else [],
        weighed=list(_weighed(found, tongue)) if found else [],
        ideas=_ideas(found, tongue) if found else [],
        answered=_answered(found, tongue) if found else "",
        channels=_context(found, "channel", {}) if found else [],
        languages_used=_context(found, "language", {tag: known.name for tag, known in LANGUAGES.items()})
        if found
        else [],
        languages=language_links(request, tongue, tuple(consultation.languages)),
        is_unreviewed=is_unreviewed(notice, tongue.tag),
        drawing=drawing,
        stack=stack,
    )


def _context(found: Published, name: str, labels: Mapping[str, str]) -> list[Bar]:
    """How many came by which channel, in which language."""
    cells = sorted(found.counts.published(name).items(), key=lambda cell: -(cell[1] or 0))
    return [_bar(code, n, found.participations, labels) for code, n in cells]


def _answered(found: Published, tongue: Tongue) -> str:
    """How reliably people hear what became of their proposals; "" where there is nothing (that may be told)."""
    share, days = found.answered.share, found.answered.median_days
    if share is None or not found.answered.contributions:
        return ""
    line = tongue.say("results.answered", share=tongue.say("results.percent", n=round(100 * share)))
    return (
        line if days is None else f"{line} {tongue.say('results.answered_days', days=formats.number(days, tongue.tag))}"
    )


def _questions(found: Published, tongue: Tongue) -> Iterator[Question]:
    """All questions whose answers can be counted, with the shares of all who took part."""
    total = found.participations
    for variable in found.subject.variables:
        if variable.key in found.counts.ballots:
            continue
        if variable.kind == "text" and not variable.codes:
            if variable.question.type == "text":
                yield Question(_title(found, variable.key, tongue.tag), [], [], is_several=False, is_free=True)
            continue
        mine = [row for row in found.rows if row.table == "question" and row.question_key == variable.key]
        kinds = ("chosen",) if variable.kind == "several" else ("option",)
        labels = {
            code: texts.get(tongue.tag) or texts.get(found.subject.language, code)
            for code, texts in variable.labels.items()
        }
        rows = [_bar(row.code, row.n, total, labels) for row in mine if row.kind in kinds]
        reasons = {code.value: tongue.say(f"summary.{code.value}") for code in Missing}
        missing = [_bar(row.code, row.n, total, reasons) for row in mine if row.kind == "missing" and row.n != 0]
        if rows:
            yield Question(
                _title(found, variable.key, tongue.tag), rows, missing, variable.kind == "several", is_free=False
            )


def _weighed(found: Published, tongue: Tongue) -> Iterator[Weighed]:
    """What came out of orders, comparisons and budgets; each figure says how it was worked out."""
    for key, outcome in found.outcomes.items():
        title, labels = _title(found, key, tongue.tag), _labels(found, key, tongue.tag)
        match outcome:
            case Order(options, ranking):
                note = tongue.say(f"results.{ranking.method}", n=ranking.ballots)
                most = max(ranking.points, default=1.0) or 1.0
                places = {option: place for place, option in enumerate(labels)}
                rows = [
                    Bar(f"{place}. {labels[option]}", None, ranking.points[places[option]] / most)
                    for place, option in enumerate(options, start=1)
                ]
                yield Weighed(title, "order", note, rows, [])
            case Comparison(options, strengths, people):
                rows = [Bar(labels[options[it.option]], it.wins, it.score) for it in strengths]
                yield Weighed(title, "comparison", tongue.say("results.pairwise", n=people), rows, [])
            case Spread(shares, people, budget, spendings):
                rows = [
                    Bar(labels[share.option], share.people, None if share.mean is None else share.mean / budget)
                    for share in shares
                ]
                bought = [
                    (
                        tongue.say(f"results.{it.method.replace(' ', '_')}"),
                        ", ".join(labels[one] for one in it.projects),
                    )
                    for it in spendings
                ]
                yield Weighed(title, "spread", tongue.say("results.spread", n=people), rows, bought)


def _labels(found: Published, key: str, language: str) -> dict[str, str]:
    """What the options of a question are called, in the order of its definition."""
    question = next(variable.question for variable in found.subject.variables if variable.key == key)
    fallbacks = found.subject.flow.consultation.fallbacks
    tag = language if language in found.subject.flow.consultation.languages else found.subject.language
    return {option.value: option.label.in_language(tag, fallbacks) for option in getattr(question, "options", ())}


def _bar(code: str, n: int | None, total: int | None, labels: Mapping[str, str]) -> Bar:
    return Bar(labels.get(code, code), n, n / total if n is not None and total else None)


def _title(found: Published, key: str, language: str) -> str:
    """A question in words, as the newest revision that asks it has it."""
    for revision in reversed(found.subject.revisions):
        flow = found.subject.flows[revision.id]
        if key in flow.nodes:
            return flow.scripts[language if language in flow.scripts else flow.languages[0]].titles[key]
    return key


def _ideas(found: Published, tongue: Tongue) -> list[Idea]:
    """Released proposals; first those agreed upon across sectors, then those agreed with by most, then the others."""
    statements = {statement.name: statement for statement in found.report.statements}
    ideas = [_idea(found, code, statements.get(code), tongue) for code in found.proposals]
    return sorted(ideas, key=lambda idea: _rank(idea.statement))


def _rank(statement: Statement | None) -> tuple[bool, float, float]:
    if statement is None:
        return True, 0.0, 0.0
    smallest = statement.sectors.smallest
    return False, -(smallest.low if smallest else 0.0), -statement.overall.agreement.low


def _idea(found: Published, code: str, statement: Statement | None, tongue: Tongue) -> Idea:
    proposal = found.proposals[code]
    translation = found.texts.get(proposal.id, {}).get(tongue.tag)
    is_own = tongue.tag == proposal.language or translation is None
    language = proposal.language if translation is None or is_own else tongue.tag
    title, text = (
        (proposal.title, proposal.text) if is_own or translation is None else (translation.title, translation.text)
    )
    return Idea(
        code,
        title or "",
        text,
        language,
        "rtl" if language in LANGUAGES and LANGUAGES[language].right_to_left else "ltr",
        "" if is_own or translation is None else translation.translator,
        is_own or translation is None or translation.reviewed,
        tongue.say(f"account.status.{proposal.status}"),
        statement,
        _shares(statement),
        [
            SectorRow(tongue.say(f"sectors.{cell.sector}"), cell.seen, cell.agrees, _range(tongue, cell.agreement))
            for cell in (statement.sectors.cells if statement else ())
        ],
        _range(tongue, statement.sectors.smallest) if statement and statement.sectors.smallest else "",
    )


def _shares(statement: Statement | None) -> tuple[float, float, float] | None:
    if statement is None or not statement.by_last_vote.votes:
        return None
    agrees, disagrees, passes, votes = statement.by_last_vote
    if agrees is None or disagrees is None or passes is None or votes is None:
        return None
    return agrees / votes, passes / votes, disagrees / votes


def _range(tongue: Tongue, share: Interval) -> str:
    """A share, or from where to where it lies."""
    low, high = (tongue.say("results.percent", n=round(100 * end)) for end in share)
    return low if low == high else f"{low} – {high}"
