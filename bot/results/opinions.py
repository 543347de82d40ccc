"""Formats released proposals and their ratings: overall, per sector, and per opinion group.

Pure: a published result and a language in, rows out; the same for the result page and for the command.
"""

from __future__ import annotations

from math import ceil
from typing import Final, NamedTuple

from bot.common.i18n.locale import Locale
from bot.results import statement_order
from bot.results.counts.disclosure import OTHERS
from bot.results.figures import share_range, suppression_text
from bot.results.methods.intervals import Interval
from bot.results.methods.sectors import SectorCell
from bot.results.published import PublishedResults
from bot.results.report import Highlight, StatementResult
from flows.languages import LANGUAGES
from flows.phrase_families import ACCOUNT_STATUSES, SECTORS, SIDES

MOST: Final = 5
"""The maximum number of listed statements on which the groups agree."""


class AgreementRow(NamedTuple):
    """The ratings of one statement by one sector or one group. Numbers about too few people are None."""

    name: str
    seen: int | None
    agrees: int | None
    share: str
    """Smoothed; "" where suppressed."""
    chance: str
    """The confidence interval of the share; "" where the counts are suppressed."""
    untold: str = ""
    """The text shown instead of a suppressed number."""


class RatedProposal(NamedTuple):
    """One released proposal."""

    code: str
    title: str
    text: str
    language: str
    direction: str
    translator: str
    """The translator; "" for the original."""
    is_reviewed: bool
    status: str
    statement: StatementResult | None
    shares: tuple[float, float, float] | None
    """Agree, pass, disagree, if all three are published."""
    everybody: AgreementRow | None
    """The overall agreement; None if there are no ratings."""
    sectors: list[AgreementRow]
    across: str
    """The result over all sectors; "" if there are no sectors."""


class RepresentativeStatement(NamedTuple):
    """A statement that represents all participants, one group, or what the groups have in common."""

    idea: RatedProposal
    side: str
    """"Zustimmung" or "Ablehnung"; "" for what the groups have in common."""
    rows: list[AgreementRow]


class OpinionGroup(NamedTuple):
    """A group of participants with similar ratings, and the statements that distinguish it from the others."""

    name: str
    people: int
    stands: list[RepresentativeStatement]


def rated_proposals(found: PublishedResults, locale: Locale) -> list[RatedProposal]:
    """Returns released proposals in the order of `bot.results.statement_order`, in which a wave also takes them."""
    statements = {statement.name: statement for statement in found.report.statements}
    known = [_idea(found, code, statements.get(code), locale) for code in found.proposals]
    return sorted(
        known,
        key=lambda idea: (
            statement_order.rank_statement(idea.statement) if idea.statement else statement_order.UNRANKED,
            idea.code,
        ),
    )


def agreed_by_most(
    found: PublishedResults, known: list[RatedProposal], locale: Locale
) -> list[RepresentativeStatement]:
    """Returns statements that most agree or disagree with (`bot.results.methods.consensus.agreed_upon`)."""
    return _stands(found, known, None, locale)


def described_groups(found: PublishedResults, known: list[RatedProposal], locale: Locale) -> list[OpinionGroup]:
    """Returns the opinion groups, the largest first; empty if none are published."""
    return [
        OpinionGroup(_called(locale, number), people, _stands(found, known, number, locale))
        for number, people in enumerate(found.report.group_sizes)
    ]


def statements_in_common(
    found: PublishedResults, known: list[RatedProposal], locale: Locale
) -> list[RepresentativeStatement]:
    """Returns the statements the groups agree on most: by the product of their smoothed agreements, if all of these are
    published.
    """
    by_code = {idea.code: idea for idea in known}
    published = [
        (it.group_informed.low, it)
        for it in found.report.statements
        if it.group_informed and it.name in by_code and all(cell.agrees is not None for cell in it.groups.cells)
    ]
    best = sorted(published, key=lambda pair: -pair[0])[:MOST]
    return [
        RepresentativeStatement(
            by_code[it.name],
            "",
            [_row(cell, _called(locale, int(cell.sector)), locale, found) for cell in it.groups.cells],
        )
        for _, it in best
    ]


def official_answers_line(found: PublishedResults, locale: Locale) -> str:
    """Returns the official answer rate as text; "" if there are no contributions or too few to publish."""
    share, days = found.answered.share, found.answered.median_days
    if share is None or not found.answered.contributions:
        return ""
    line = locale.text("results.answered", share=locale.text("results.percent", n=round(100 * share)))
    if days is None:
        return line
    if days <= 1:
        return f"{line} {locale.text('results.answered_day')}"
    return f"{line} {locale.text('results.answered_days', n=ceil(days))}"


def _stands(
    found: PublishedResults, known: list[RatedProposal], group: int | None, locale: Locale
) -> list[RepresentativeStatement]:
    by_code = {idea.code: idea for idea in known}
    mine = [it for it in found.report.highlights if it.group == group and it.name in by_code]
    return [
        RepresentativeStatement(
            by_code[it.name],
            locale.text(SIDES[it.stands_for]),
            _compared(it, by_code[it.name], locale, found),
        )
        for it in mine
    ]


def _compared(it: Highlight, idea: RatedProposal, locale: Locale, found: PublishedResults) -> list[AgreementRow]:
    """Returns the agreement in the group and the overall agreement, or the overall agreement alone."""
    everybody = [idea.everybody] if idea.everybody else []
    return everybody if it.group is None else [_row(it.cell, _called(locale, it.group), locale, found), *everybody]


def _called(locale: Locale, group: int) -> str:
    """Returns the displayed name of a group, numbered from 1."""
    return locale.text("results.group", number=group + 1)


def _across(statement: StatementResult | None, locale: Locale) -> str:
    """Returns the result over all sectors; if some are not known, also their number."""
    if statement is None or not statement.sectors.cells:
        return ""
    missing, number = len(statement.sectors.missing), statement.sectors.number
    if missing or statement.sectors.smallest is None:
        return locale.text("results.sectors_unknown", n=missing, number=number)
    return locale.text("results.smallest", share=share_range(locale, statement.sectors.smallest))


def _idea(found: PublishedResults, code: str, statement: StatementResult | None, locale: Locale) -> RatedProposal:
    proposal = found.proposals[code]
    is_own = locale.tag == proposal.language
    translation = None if is_own else found.texts.get(proposal.id, {}).get(locale.tag)
    shown = translation or proposal
    language = locale.tag if translation else proposal.language
    return RatedProposal(
        code=code,
        title=shown.title or "",
        text=shown.text,
        language=language,
        direction="rtl" if language in LANGUAGES and LANGUAGES[language].right_to_left else "ltr",
        translator=translation.translator if translation else "",
        is_reviewed=translation is None or translation.reviewed,
        status=locale.text(ACCOUNT_STATUSES[proposal.status]),
        statement=statement,
        shares=_shares(statement),
        everybody=_row(statement.overall, locale.text("results.everybody"), locale, found) if statement else None,
        sectors=[
            _row(cell, _sector(cell, locale), locale, found) for cell in (statement.sectors.cells if statement else ())
        ],
        across=_across(statement, locale),
    )


def _sector(cell: SectorCell, locale: Locale) -> str:
    return locale.text("results.other_groups" if cell.sector == OTHERS else SECTORS[cell.sector])


def _row(cell: SectorCell, name: str, locale: Locale, found: PublishedResults) -> AgreementRow:
    published: Interval | None = cell.agreement if cell.is_known else None
    return AgreementRow(
        name=name,
        seen=cell.seen,
        agrees=cell.agrees,
        share=share_range(locale, published) if published else "",
        chance=share_range(locale, cell.chance) if cell.chance else "",
        untold="" if cell.agrees is not None else suppression_text(locale, cell.reason, found.report.least),
    )


def _shares(statement: StatementResult | None) -> tuple[float, float, float] | None:
    if statement is None or not statement.by_last_vote.votes:
        return None
    agrees, disagrees, passes, votes = statement.by_last_vote
    if agrees is None or disagrees is None or passes is None or votes is None:
        return None
    return agrees / votes, passes / votes, disagrees / votes
