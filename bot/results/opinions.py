"""Released proposals and how they were rated, in words: for everybody, per sector, per group of similar opinion.

Pure: a published result and a language in, rows out; the same for the result page and for the command.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from bot import formats
from bot.results.figures import between
from bot.results.intervals import Interval
from bot.results.published import Published
from bot.results.report import Highlight, Statement
from bot.results.sectors import Cell
from bot.tongues import Tongue
from flows.languages import LANGUAGES

MOST: Final = 5
"""So many statements are named on which the groups agree."""


class Row(NamedTuple):
    """How one sector or one group rated one statement. Numbers are None where too few people stand behind them."""

    name: str
    seen: int | None
    agrees: int | None
    share: str
    """Smoothed; "" where nothing may be told."""
    chance: str
    """How far chance alone may carry the share; "" where the counts are not told."""


class Idea(NamedTuple):
    """One released proposal."""

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
    everybody: Row | None
    """Everybody's agreement; None where nobody rated it."""
    sectors: list[Row]
    smallest: str


class Stand(NamedTuple):
    """A statement that stands for everybody, for one group, or for what the groups have in common."""

    idea: Idea
    side: str
    """"Zustimmung" or "Ablehnung"; "" for what the groups have in common."""
    rows: list[Row]


class Group(NamedTuple):
    """People who rated alike, and what tells them from the others."""

    name: str
    people: int
    stands: list[Stand]


def ideas(found: Published, tongue: Tongue) -> list[Idea]:
    """Released proposals; first those agreed upon across sectors, then those agreed with by most, then the others."""
    statements = {statement.name: statement for statement in found.report.statements}
    known = [_idea(found, code, statements.get(code), tongue) for code in found.proposals]
    return sorted(known, key=lambda idea: _rank(idea.statement))


def agreed_by_most(found: Published, known: list[Idea], tongue: Tongue) -> list[Stand]:
    """Statements most people are on one side of (`bot.results.consensus.picks`)."""
    return _stands(found, known, None, tongue)


def groups(found: Published, known: list[Idea], tongue: Tongue) -> list[Group]:
    """Groups of similar opinion, the largest first; empty where none are told."""
    return [
        Group(_called(tongue, number), people, _stands(found, known, number, tongue))
        for number, people in enumerate(found.report.group_sizes)
    ]


def in_common(found: Published, known: list[Idea], tongue: Tongue) -> list[Stand]:
    """Statements the groups agree on most: by the product of their smoothed agreements, where all may be told."""
    by_code = {idea.code: idea for idea in known}
    told = [
        (it.group_informed.low, it)
        for it in found.report.statements
        if it.group_informed and it.name in by_code and all(cell.seen is not None for cell in it.groups.cells)
    ]
    best = sorted(told, key=lambda pair: -pair[0])[:MOST]
    return [
        Stand(by_code[it.name], "", [_row(cell, _called(tongue, int(cell.sector)), tongue) for cell in it.groups.cells])
        for _, it in best
    ]


def answered(found: Published, tongue: Tongue) -> str:
    """How reliably people hear what became of their proposals; "" where there is nothing (that may be told)."""
    share, days = found.answered.share, found.answered.median_days
    if share is None or not found.answered.contributions:
        return ""
    line = tongue.say("results.answered", share=tongue.say("results.percent", n=round(100 * share)))
    return (
        line if days is None else f"{line} {tongue.say('results.answered_days', days=formats.number(days, tongue.tag))}"
    )


def _stands(found: Published, known: list[Idea], group: int | None, tongue: Tongue) -> list[Stand]:
    by_code = {idea.code: idea for idea in known}
    mine = [it for it in found.report.highlights if it.group == group and it.name in by_code]
    return [
        Stand(by_code[it.name], tongue.say(f"results.side.{it.stands_for}"), _compared(it, by_code[it.name], tongue))
        for it in mine
    ]


def _compared(it: Highlight, idea: Idea, tongue: Tongue) -> list[Row]:
    """The agreement in the group beside that of everybody, or that of everybody alone."""
    everybody = [idea.everybody] if idea.everybody else []
    return everybody if it.group is None else [_row(it.cell, _called(tongue, it.group), tongue), *everybody]


def _called(tongue: Tongue, group: int) -> str:
    """Groups count from 1 for people."""
    return tongue.say("results.group", number=group + 1)


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
    smallest = statement.sectors.smallest if statement else None
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
        _row(statement.overall, tongue.say("results.everybody"), tongue) if statement else None,
        [
            _row(cell, tongue.say(f"results.sector.{cell.sector}"), tongue)
            for cell in (statement.sectors.cells if statement else ())
        ],
        between(tongue, smallest) if smallest else "",
    )


def _row(cell: Cell, name: str, tongue: Tongue) -> Row:
    told: Interval | None = cell.agreement if cell.seen is not None else None
    return Row(
        name,
        cell.seen,
        cell.agrees,
        between(tongue, told) if told else "",
        between(tongue, cell.chance) if cell.chance else "",
    )


def _shares(statement: Statement | None) -> tuple[float, float, float] | None:
    if statement is None or not statement.by_last_vote.votes:
        return None
    agrees, disagrees, passes, votes = statement.by_last_vote
    if agrees is None or disagrees is None or passes is None or votes is None:
        return None
    return agrees / votes, passes / votes, disagrees / votes
