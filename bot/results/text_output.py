"""Formats a published result as lines of text, with the phrases of the result page and the base of each figure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, tzinfo
from typing import Final

from bot.common.i18n.locale import Locale
from bot.results import figures, opinions
from bot.results.figures import Bar, OutcomeFigures, QuestionFigures, QuotedAnswer, share_range
from bot.results.group_release import NOT_YET
from bot.results.methods.groups import LEAST_PEOPLE
from bot.results.opinions import AgreementRow, RatedProposal, RepresentativeStatement
from bot.results.published import PublishedResults

MOST: Final = 10
"""The maximum number of listed proposals, and of answers to an open question; the JSON and the page contain all."""
_LONGEST: Final = 120


def result_lines(found: PublishedResults, locale: Locale, zone: tzinfo = UTC) -> Iterator[str]:
    """Yields the whole result in one language."""
    yield from _head(found, locale, zone)
    for heading, rows in figures.participation_contexts(found, locale):
        counts = (f"{bar.label} {_count(bar, found.subject.min_cell_size, locale)}" for bar in rows)
        yield f"{heading}: {', '.join(counts)}"
    for question in figures.question_figures(found, locale):
        yield from _question(question, locale)
    for it in figures.outcome_figures(found, locale):
        yield from _weighed(it, locale)
    if found.proposals:
        yield from _opinions(found, locale)


def _texts(texts: Sequence[QuotedAnswer], locale: Locale) -> Iterator[str]:
    """Yields the first released free-text answers, and the number of the others."""
    yield f"  {locale.text('results.texts' if texts else 'results.texts_none')}"
    for said in texts[:MOST]:
        yield f"    – {' '.join(said.text.split())}"
    if len(texts) > MOST:
        yield f"  {locale.text('results.texts_more', n=len(texts) - MOST)}"


def _head(found: PublishedResults, locale: Locale, zone: tzinfo) -> Iterator[str]:
    consultation, min_cell_size = found.subject.flow.consultation, found.subject.min_cell_size
    tag = locale.tag if locale.tag in consultation.languages else consultation.main_language
    title = consultation.title.in_language(tag, consultation.fallbacks)
    sample = f" [{locale.text('web.sample')}]" if found.subject.newest.sample else ""
    answered, beside = figures.participation_totals(found, locale)
    yield f"{title} ({found.subject.newest.slug}){sample}"
    yield figures.edition_line(found, locale, zone)
    if found.edition.has_counts:
        yield f"{locale.text('results.people')}: {answered} ({beside})"
    size = "results.inner" if found.subject.is_inner else "results.small"
    for phrase in ("results.people_how", "results.caveat", size, "results.chance"):
        yield locale.text(phrase, n=min_cell_size)
    if found.is_before:
        yield locale.text("results.before")
    if visible := figures.visible_share_line(found, locale):
        yield visible
    if found.edition.is_by_an_old_rule:
        yield locale.text("results.old_rule", n=min_cell_size)


def _number(n: int | None, locale: Locale) -> str:
    return locale.text("results.protected") if n is None else str(n)


def _count(bar: Bar, min_cell_size: int, locale: Locale) -> str:
    return figures.suppression_text(locale, bar.reason, min_cell_size) if bar.number is None else str(bar.number)


def _bars(rows: Iterable[Bar], locale: Locale, indent: str = "  ") -> Iterator[str]:
    for row in rows:
        share = "" if row.share is None else f", {_share(row, locale)}"
        yield f"{indent}{row.label}: {_number(row.number, locale)}{share}"


def _share(row: Bar, locale: Locale) -> str:
    chance = f" ({share_range(locale, row.chance)})" if row.chance else ""
    return f"{locale.text('results.percent', n=row.percent)}{chance}"


def _weighed(it: OutcomeFigures, locale: Locale) -> Iterator[str]:
    yield from ("", it.title, *(f"  {note}" for note in it.notes))
    if it.kind == "order":
        yield from (f"  {row.label}" for row in it.rows)
    elif it.kind == "comparison":
        for row in it.rows:
            wins = f"{locale.text('results.wins')} {_number(row.number, locale)}"
            yield f"  {row.label}: {_share(row, locale)}, {wins}"
    else:
        yield from _bars(it.rows, locale)
    yield from (f"  {rule}: {projects or '–'}" for rule, projects in it.bought)


def _question(question: QuestionFigures, locale: Locale) -> Iterator[str]:
    yield from ("", question.title)
    if question.is_free:
        yield from _texts(question.texts, locale)
    if question.base:
        yield f"  {question.base}"
    yield from (f"  {note}" for note in question.notes)
    if question.is_several and question.rows:
        yield f"  {locale.text('results.several')}"
    yield from _bars(question.rows, locale)
    yield from _bars(question.missing, locale)


def _opinions(found: PublishedResults, locale: Locale) -> Iterator[str]:
    say, report = locale.text, found.report
    ideas = opinions.rated_proposals(found, locale)
    yield from ("", say("results.ideas"))
    if answered := opinions.official_answers_line(found, locale):
        yield f"  {answered}"
    if report.people:
        yield f"  {say('results.log', people=report.people, votes=report.votes)}"
        yield f"  {say('results.smoothed_how')}"
    for idea in ideas[:MOST]:
        yield from _idea(idea, report.least, locale)
    if len(ideas) > MOST:
        yield f"  {say('results.more', number=len(ideas) - MOST)}"
    if most := opinions.agreed_by_most(found, ideas, locale):
        yield from ("", say("results.most"))
        yield from _stands(most, locale)
    if report.statements:
        yield from _groups(found, ideas, locale)


def _groups(found: PublishedResults, ideas: list[RatedProposal], locale: Locale) -> Iterator[str]:
    """Yields what all opinion groups agree on, and what each one thinks."""
    say, report = locale.text, found.report
    yield from ("", say("results.groups"))
    groups = opinions.described_groups(found, ideas, locale)
    if not groups:
        is_later = report.no_groups_because == NOT_YET
        yield f"  {say('results.groups_later') if is_later else say('results.no_groups', n=LEAST_PEOPLE)}"
    if common := opinions.statements_in_common(found, ideas, locale):
        yield f"  {say('results.in_common')}"
        yield from _stands(common, locale)
    for group in groups:
        yield f"  {say('results.differs', group=group.name, people=group.people)}"
        yield from _stands(group.stands, locale)


def _idea(idea: RatedProposal, min_cell_size: int, locale: Locale) -> Iterator[str]:
    all_sectors = idea.statement is not None and idea.statement.sectors.is_agreed_by_all
    tags = [idea.status, *([locale.text("results.all_sectors")] if all_sectors else [])]
    yield f"  {_quoted(idea)} – {', '.join(tags)}"
    if idea.statement:
        counts = idea.statement.by_last_vote
        cells = (
            ("statements.agree", counts.agrees),
            ("statements.pass", counts.passes),
            ("statements.disagree", counts.disagrees),
            ("results.important", idea.statement.important),
        )
        if idea.statement.reason:
            yield f"      {figures.suppression_text(locale, idea.statement.reason, min_cell_size)}"
        else:
            yield f"      {', '.join(f'{locale.text(name)} {_number(n, locale)}' for name, n in cells)}"
    if idea.everybody:
        yield f"      {_rated(idea.everybody, locale)}"
    if idea.sectors:
        yield f"      {locale.text('results.by_sector')}: {idea.across}"
        yield from (f"        {_rated(row, locale)}" for row in idea.sectors)


def _stands(stands: Iterable[RepresentativeStatement], locale: Locale) -> Iterator[str]:
    for it in stands:
        side = f"{it.side}: " if it.side else ""
        yield f"    {side}{_quoted(it.idea)}"
        yield from (f"        {_rated(row, locale)}" for row in it.rows)


def _rated(row: AgreementRow, locale: Locale) -> str:
    """Formats one sector or group: counts, the smoothed share, and its interval."""
    if row.seen is None:
        return f"{row.name}: {row.untold}"
    share = f"{locale.text('results.smoothed')} {row.share}{f' ({row.chance})' if row.chance else ''}"
    if row.agrees is None:
        return f"{row.name}: {locale.text('results.votes')} {row.seen}, {row.untold}"
    return f"{row.name}: {locale.text('results.agree_of', agrees=row.agrees, seen=row.seen)}, {share}"


def _quoted(idea: RatedProposal) -> str:
    words = " ".join((idea.title or idea.text).split())
    return f"{idea.code} „{words[:_LONGEST]}{'…' if len(words) > _LONGEST else ''}“"
