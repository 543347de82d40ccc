"""The only source of public figures and texts.

Pages, API, open data, `results` and exports of the profile `public` use this module. It returns texts released by a
moderator, and figures of the newest edition (`bot.results.edition`), counted under the revision and type of each
answer, with small cells suppressed; readers trigger no counting. All other modules have access to unpublished data. A
test checks the imports, so that no module bypasses this one (`tests/test_bot/test_publication.py`).

The caller checks whether figures are public yet (`bot.consultations.visibility`), because the command line shows them
before the end too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Literal, NamedTuple

from sqlalchemy import Connection

from bot.consultations import stored_revisions
from bot.proposals import contribution_status as accounting
from bot.proposals import moderation_rules as standings
from bot.proposals.codes import is_answer_code
from bot.proposals.contribution_status import ContributionStatus
from bot.proposals.moderation_rules import ModerationItem
from bot.results import live_results, published, released_answers
from bot.results.counts.disclosure import Reason
from bot.results.edition import load_newest_document, load_newest_edition
from bot.results.live_results import LiveResult, MeetingQuestion
from bot.results.official_answer_rate import OfficialAnswerRate, official_answer_rate
from bot.results.published import PublishedResults
from bot.results.released_answers import Quote
from bot.results.report import StatementResult
from storage.tables import proposals
from storage.tables.editions import EditionHead, newest_edition_head
from storage.tables.revisions import PublishedRevision

WithheldReason = Reason | Literal["not_yet"]
"""Why counts are suppressed (`bot.results.counts.disclosure.Reason`); "not_yet" if the newest edition lacks them."""


class PublicVotes(NamedTuple):
    """The numbers of ratings of a proposal; None if suppressed."""

    people: int | None
    agree: int | None
    disagree: int | None
    passed: int | None
    important: int | None
    reason: WithheldReason = ""


def public_figures(connection: Connection, slug: str, known: PublishedResults | None = None) -> PublishedResults | None:
    """Returns the public figures and texts of a consultation: its newest edition with the texts that are public now;
    None if there is no edition yet. Counts nothing. Returns `known` if nothing has changed since. Raises CommandError
    for an unknown consultation.
    """
    about = stored_revisions.live_revision(connection, slug)
    if known and _moment(connection, about) == (known.edition.number, known.edition.made_at):
        return published.results_of_edition(connection, known.edition, known)
    edition = load_newest_edition(connection, about)
    return None if edition is None else published.results_of_edition(connection, edition, known)


def _moment(connection: Connection, about: PublishedRevision) -> tuple[int, datetime] | None:
    head = public_edition(connection, about)
    return (head.number, head.made_at) if head else None


def public_edition(connection: Connection, about: PublishedRevision) -> EditionHead | None:
    """Returns number and time of the newest edition; None if there is none."""
    return newest_edition_head(connection, about.consultation_id)


def preview_figures(connection: Connection, slug: str, *, seed: int = 0) -> PublishedResults:
    """Counts the same now and stores nothing: for the team, which may see figures before they are public."""
    return published.preview_results(connection, slug, seed=seed)


def public_proposals(
    connection: Connection, consultation_id: int, *, after_id: int = 0, limit: int | None = None
) -> list[ModerationItem]:
    """Returns the released proposals without withdrawn ones, oldest first."""
    rows = proposals.list_released_proposals(connection, consultation_id, after_id=after_id, limit=limit)
    return list(standings.load_items(connection, [row.id for row in rows]).values())


def released_proposal(connection: Connection, code: str) -> ModerationItem | None:
    """Returns one released proposal; None for unknown codes and unpublished ones. Open answers have no page, so their
    codes return None.
    """
    found = None if is_answer_code(code) else standings.item_by_code(connection, code)
    return found if found is not None and found.is_public else None


def public_texts(connection: Connection, consultation_id: int) -> list[Quote]:
    """Returns the released open answers without their participations, in random order."""
    return released_answers.load_quotes(connection, consultation_id)


def public_statuses(connection: Connection, codes: Sequence[str]) -> dict[str, ContributionStatus]:
    """Returns the statuses of contributions for readers with their codes: texts of released ones only."""
    return accounting.contribution_statuses(connection, codes)


def public_votes(connection: Connection, consultation_id: int, codes: Sequence[str]) -> Mapping[str, PublicVotes]:
    """Returns the ratings of these proposals in the newest edition; nothing for a proposal that it lacks."""
    document = load_newest_document(connection, consultation_id)
    nothing = PublicVotes(people=None, agree=None, disagree=None, passed=None, important=None, reason="not_yet")
    if document is None:
        return dict.fromkeys(codes, nothing)
    if document.report.people == 0:
        return dict.fromkeys(codes, PublicVotes(0, 0, 0, 0, 0))
    if document.report.people is None:
        return dict.fromkeys(codes, nothing._replace(reason="few"))
    statements = {it.name: it for it in document.report.statements}
    return {code: _votes(statements[code]) if code in statements else nothing for code in codes}


def _votes(statement: StatementResult) -> PublicVotes:
    counts = statement.by_last_vote
    important = None if counts.votes is None else statement.important
    why = "" if counts.agrees is not None else statement.reason or "few"  # the only reason in earlier rules
    return PublicVotes(
        people=counts.votes,
        agree=counts.agrees,
        disagree=counts.disagrees,
        passed=counts.passes,
        important=important,
        reason=why,
    )


def public_answer_counts(connection: Connection, consultation_id: int, least: int) -> OfficialAnswerRate:
    """Returns the number of answered contributions and the median days until the answer, from the newest edition, as
    far as they may be published. Public also while figures are hidden, because they are not about answers of
    participants.
    """
    document = load_newest_document(connection, consultation_id)
    told = document.answered if document else None
    return told or official_answer_rate(connection, consultation_id, least)


def meeting_picture(connection: Connection, about: MeetingQuestion) -> LiveResult:
    """Returns the published answers to the current question of a room."""
    return live_results.load_live_result(connection, about)


def refresh_meeting_picture(connection: Connection, about: MeetingQuestion) -> LiveResult:
    """Does the same after an update, if one is due; stores the published answers."""
    return live_results.renew_live_result(connection, about)
