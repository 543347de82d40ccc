"""A published result as lines of text, in the words of the result page: every figure with the people behind it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, tzinfo
from typing import Final

from bot.common.i18n.locale import Tongue
from bot.results import figures, opinions
from bot.results.figures import Bar, Said, Weighed, between
from bot.results.methods.groups import LEAST_PEOPLE
from bot.results.opinions import Idea, Row, Stand
from bot.results.published import Published

MOST: Final = 10
"""So many proposals, and answers to an open question, are listed; all of them stand in the JSON and on the page."""
_LONGEST: Final = 120


def lines(found: Published, tongue: Tongue, zone: tzinfo = UTC) -> Iterator[str]:
    """The whole result in one language."""
    yield from _head(found, tongue, zone)
    for heading, rows in figures.came(found, tongue):
        yield f"{heading}: {', '.join(f'{bar.label} {_count(bar, found.subject.least, tongue)}' for bar in rows)}"
    for question in figures.questions(found, tongue):
        yield from ("", question.title)
        if question.is_free:
            yield from _texts(question.texts, tongue)
        if question.base:
            yield f"  {question.base}"
        yield from (f"  {note}" for note in question.notes)
        if question.is_several and question.rows:
            yield f"  {tongue.say('results.several')}"
        yield from _bars(question.rows, tongue)
        yield from _bars(question.missing, tongue)
    for it in figures.weighed(found, tongue):
        yield from _weighed(it, tongue)
    if found.proposals:
        yield from _opinions(found, tongue)


def _texts(texts: Sequence[Said], tongue: Tongue) -> Iterator[str]:
    """Released answers in own words: the first few, and how many more there are."""
    yield f"  {tongue.say('results.texts' if texts else 'results.texts_none')}"
    for said in texts[:MOST]:
        yield f"    – {' '.join(said.text.split())}"
    if len(texts) > MOST:
        yield f"  {tongue.say('results.texts_more', n=len(texts) - MOST)}"


def _head(found: Published, tongue: Tongue, zone: tzinfo) -> Iterator[str]:
    consultation, least = found.subject.flow.consultation, found.subject.least
    tag = tongue.tag if tongue.tag in consultation.languages else consultation.main_language
    title = consultation.title.in_language(tag, consultation.fallbacks)
    sample = f" [{tongue.say('web.sample')}]" if found.subject.newest.sample else ""
    answered, beside = figures.people(found, tongue)
    yield f"{title} ({found.subject.newest.slug}){sample}"
    yield figures.edition(found, tongue, zone)
    if found.edition.has_counts:
        yield f"{tongue.say('results.people')}: {answered} ({beside})"
    for phrase in ("people_how", "caveat", "inner" if found.subject.is_inner else "small", "chance"):
        yield tongue.say(f"results.{phrase}", n=least)
    if found.is_before:
        yield tongue.say("results.before")
    if visible := figures.visible(found, tongue):
        yield visible
    if found.edition.is_by_an_old_rule:
        yield tongue.say("results.old_rule", n=least)


def _number(n: int | None, tongue: Tongue) -> str:
    return tongue.say("results.protected") if n is None else str(n)


def _count(bar: Bar, least: int, tongue: Tongue) -> str:
    return figures.untold(tongue, bar.reason, least) if bar.number is None else str(bar.number)


def _bars(rows: Iterable[Bar], tongue: Tongue, indent: str = "  ") -> Iterator[str]:
    for row in rows:
        share = "" if row.share is None else f", {_share(row, tongue)}"
        yield f"{indent}{row.label}: {_number(row.number, tongue)}{share}"


def _share(row: Bar, tongue: Tongue) -> str:
    chance = f" ({between(tongue, row.chance)})" if row.chance else ""
    return f"{tongue.say('results.percent', n=row.percent)}{chance}"


def _weighed(it: Weighed, tongue: Tongue) -> Iterator[str]:
    yield from ("", it.title, *(f"  {note}" for note in it.notes))
    if it.kind == "order":
        yield from (f"  {row.label}" for row in it.rows)
    elif it.kind == "comparison":
        for row in it.rows:
            wins = f"{tongue.say('results.wins')} {_number(row.number, tongue)}"
            yield f"  {row.label}: {_share(row, tongue)}, {wins}"
    else:
        yield from _bars(it.rows, tongue)
    yield from (f"  {rule}: {projects or '–'}" for rule, projects in it.bought)


def _opinions(found: Published, tongue: Tongue) -> Iterator[str]:
    say, report = tongue.say, found.report
    ideas = opinions.ideas(found, tongue)
    yield from ("", say("results.ideas"))
    if answered := opinions.answered(found, tongue):
        yield f"  {answered}"
    if report.people:
        yield f"  {say('results.log', people=report.people, votes=report.votes)}"
        yield f"  {say('results.smoothed_how')}"
    for idea in ideas[:MOST]:
        yield from _idea(idea, report.least, tongue)
    if len(ideas) > MOST:
        yield f"  {say('results.more', number=len(ideas) - MOST)}"
    if most := opinions.agreed_by_most(found, ideas, tongue):
        yield from ("", say("results.most"))
        yield from _stands(most, tongue)
    if not report.statements:
        return
    yield from ("", say("results.groups"))
    groups = opinions.groups(found, ideas, tongue)
    if not groups:
        yield f"  {say('results.no_groups', people=LEAST_PEOPLE)}"
    if common := opinions.in_common(found, ideas, tongue):
        yield f"  {say('results.in_common')}"
        yield from _stands(common, tongue)
    for group in groups:
        yield f"  {say('results.differs', group=group.name, people=group.people)}"
        yield from _stands(group.stands, tongue)


def _idea(idea: Idea, least: int, tongue: Tongue) -> Iterator[str]:
    all_sectors = idea.statement is not None and idea.statement.sectors.is_agreed_by_all
    tags = [idea.status, *([tongue.say("results.all_sectors")] if all_sectors else [])]
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
            yield f"      {figures.untold(tongue, idea.statement.reason, least)}"
        else:
            yield f"      {', '.join(f'{tongue.say(name)} {_number(n, tongue)}' for name, n in cells)}"
    if idea.everybody:
        yield f"      {_rated(idea.everybody, tongue)}"
    if idea.sectors:
        yield f"      {tongue.say('results.by_sector')}: {idea.across}"
        yield from (f"        {_rated(row, tongue)}" for row in idea.sectors)


def _stands(stands: Iterable[Stand], tongue: Tongue) -> Iterator[str]:
    for it in stands:
        side = f"{it.side}: " if it.side else ""
        yield f"    {side}{_quoted(it.idea)}"
        yield from (f"        {_rated(row, tongue)}" for row in it.rows)


def _rated(row: Row, tongue: Tongue) -> str:
    """One sector or group: counts, the smoothed share, and how far chance may carry it."""
    if row.seen is None:
        return f"{row.name}: {row.untold}"
    share = f"{tongue.say('results.smoothed')} {row.share}{f' ({row.chance})' if row.chance else ''}"
    if row.agrees is None:
        return f"{row.name}: {tongue.say('results.votes')} {row.seen}, {row.untold}"
    return f"{row.name}: {tongue.say('results.agree_of', agrees=row.agrees, seen=row.seen)}, {share}"


def _quoted(idea: Idea) -> str:
    words = " ".join((idea.title or idea.text).split())
    return f"{idea.code} „{words[:_LONGEST]}{'…' if len(words) > _LONGEST else ''}“"
