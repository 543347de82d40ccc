"""The gate to the public: figures and words for everybody come through here, and from nowhere else.

Pages, API, open data, `results`, exports of the profile `public`, and what will be made of them later ask here. What
comes out was released by a person, or was counted under the revision and the type it was given in, with small cells
left out, and stands in the newest edition (`bot.results.edition`): who reads counts nothing. Everything else knows more
than everybody may know. A test walks the code, so that nothing goes round (`tests/test_bot/test_publication.py`).

Whether figures may be seen yet is the caller's to ask (`bot.consultations.visibility`): the command tells them before
the end, too.
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
"""Why counts are not told (`bot.results.counts.disclosure.Reason`); "not_yet" where the newest edition does not have
them.
"""


class PublicVotes(NamedTuple):
    """How many people rated a proposal how; None where that may not be told."""

    people: int | None
    agree: int | None
    disagree: int | None
    passed: int | None
    important: int | None
    reason: WithheldReason = ""


def public_figures(connection: Connection, slug: str, known: PublishedResults | None = None) -> PublishedResults | None:
    """Everything about a consultation that everybody may see: its newest edition, with the words of this moment; None
    where none was made yet. Counts nothing. `known` is given back where nothing has changed since. Raises CommandError
    where there is no consultation of this name.
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
    """Number and moment of the newest edition of figures; None where none was made yet."""
    return newest_edition_head(connection, about.consultation_id)


def preview_figures(connection: Connection, slug: str, *, seed: int = 0) -> PublishedResults:
    """The same, counted anew at this moment and stored nowhere: for the team, which may know before everybody does."""
    return published.preview_results(connection, slug, seed=seed)


def public_proposals(
    connection: Connection, consultation_id: int, *, after_id: int = 0, limit: int | None = None
) -> list[ModerationItem]:
    """Released proposals that were not withdrawn, oldest first."""
    rows = proposals.list_released_proposals(connection, consultation_id, after_id=after_id, limit=limit)
    return list(standings.load_items(connection, [row.id for row in rows]).values())


def released_proposal(connection: Connection, code: str) -> ModerationItem | None:
    """One released proposal; None where there is none, or none that everybody may read. An answer is none: its code
    leads to no page (`texts`).
    """
    found = None if is_answer_code(code) else standings.item_by_code(connection, code)
    return found if found is not None and found.is_public else None


def public_texts(connection: Connection, consultation_id: int) -> list[Quote]:
    """Released answers in people's own words, apart from whose they are, in an order that says nothing."""
    return released_answers.load_quotes(connection, consultation_id)


def public_statuses(connection: Connection, codes: Sequence[str]) -> dict[str, ContributionStatus]:
    """What became of these contributions, for who has the code: words of released ones only."""
    return accounting.contribution_statuses(connection, codes)


def public_votes(connection: Connection, consultation_id: int, codes: Sequence[str]) -> Mapping[str, PublicVotes]:
    """How these proposals were rated, as the newest edition tells it; nothing is told of one that is not in it yet."""
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
    why = "" if counts.agrees is not None else statement.reason or "few"  # earlier rules gave no reason but that
    return PublicVotes(
        people=counts.votes,
        agree=counts.agrees,
        disagree=counts.disagrees,
        passed=counts.passes,
        important=important,
        reason=why,
    )


def public_answer_counts(connection: Connection, consultation_id: int, least: int) -> OfficialAnswerRate:
    """How many contributions were answered, and how many days that took, as far as it may be told: as the newest
    edition says. While figures are hidden there is none, and this is no figure about answers of people.
    """
    document = load_newest_document(connection, consultation_id)
    told = document.answered if document else None
    return told or official_answer_rate(connection, consultation_id, least)


def meeting_picture(connection: Connection, about: MeetingQuestion) -> LiveResult:
    """What a room may see of the answers to its present question."""
    return live_results.load_live_result(connection, about)


def refresh_meeting_picture(connection: Connection, about: MeetingQuestion) -> LiveResult:
    """The same, after looking for a newer picture; writes down what is shown."""
    return live_results.renew_live_result(connection, about)
