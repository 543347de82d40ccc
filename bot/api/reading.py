"""What other programs can read: consultations, released proposals, what became of them, and counts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import get_args

from bot.api import showing
from bot.api.models import (
    AnsweredOut,
    ConsultationList,
    ConsultationOut,
    Page,
    ProposalList,
    ProposalOut,
    QueuedOut,
    QueueList,
    QueuePage,
    RatingList,
    StatusList,
)
from bot.api.problems import Problem
from bot.api.registry import Call, operation
from bot.proposals.standing import find
from bot.publicity import figures_are_public
from bot.results import answered
from storage import consultations, moderation, proposals, ratings
from storage.consultations import PublishedRevision, State
from storage.proposals import StoredProposal


@operation("GET", "/consultations", answer=ConsultationList)
def list_consultations(call: Call) -> ConsultationList:
    """All consultations the key is good for, in whatever state."""
    only = call.bearer.key.slug
    found = consultations.list_latest(call.connection, get_args(State))
    return ConsultationList(
        items=[showing.consultation(row, call.chair.now) for row in found if only in {None, row.slug}]
    )


@operation("GET", "/consultations/{slug}", answer=ConsultationOut)
def show_consultation(call: Call) -> ConsultationOut:
    """One consultation."""
    return showing.consultation(call.consultation(), call.chair.now)


@operation("GET", "/consultations/{slug}/proposals", answer=ProposalList, given=Page)
def list_proposals(call: Call) -> ProposalList:
    """Released proposals that were not withdrawn, oldest first."""
    about = call.consultation()
    rows, following = _page(call, about)
    found = find(call.connection, [row.id for row in rows])
    return ProposalList(items=[showing.proposal(standing, about.slug) for standing in found.values()], next=following)


@operation("GET", "/proposals/{code}", answer=ProposalOut)
def show_proposal(call: Call) -> ProposalOut:
    """One released proposal."""
    standing, about = call.standing()
    return showing.proposal(standing, about.slug)


@operation("GET", "/proposals/{code}/statuses", answer=StatusList)
def list_statuses(call: Call) -> StatusList:
    """What became of a released proposal, oldest first."""
    standing, _ = call.standing()
    return StatusList(items=[showing.status(row) for row in standing.steps])


@operation("GET", "/consultations/{slug}/ratings", answer=RatingList, given=Page)
def list_ratings(call: Call) -> RatingList:
    """How many people rated each released proposal how; hidden until closing where the consultation says so."""
    about = call.consultation()
    consultation = showing.consultation_of(about)
    if not figures_are_public(consultation, about, call.chair.now):
        raise Problem("hidden_until_closing", 403, "Figures of this consultation are hidden until it is closed.")
    rows, following = _page(call, about)
    counted = ratings.count(call.connection, [row.id for row in rows])
    least = consultation.smallest_cell
    return RatingList(items=[showing.counts(row.code, counted.get(row.id), least) for row in rows], next=following)


@operation("GET", "/consultations/{slug}/answered", answer=AnsweredOut)
def show_answered(call: Call) -> AnsweredOut:
    """How many contributions were answered, and how many days that took; null where they are too few."""
    about = call.consultation()
    found = answered.answered(call.connection, about.consultation_id, showing.consultation_of(about).smallest_cell)
    return AnsweredOut(**found._asdict(), share=found.share)


@operation("GET", "/consultations/{slug}/queue", answer=QueueList, given=QueuePage)
def list_queue(call: Call) -> QueueList:
    """What waits to be read, oldest first, with flags and similar ones; `state` for what stands elsewhere."""
    about, wanted = call.consultation(), call.given
    number, after = about.consultation_id, _after(call, about)
    ids = moderation.queue(call.connection, number, wanted.state, after_id=after, limit=wanted.limit)
    standings = list(find(call.connection, ids).values())
    return QueueList(
        items=showing.queued(call.connection, call.chair.keys, standings, about.slug),
        next=standings[-1].proposal.code if len(ids) == wanted.limit else None,
        states=moderation.count_states(call.connection, number),
    )


@operation("GET", "/proposals/{code}/queued", answer=QueuedOut)
def show_queued(call: Call) -> QueuedOut:
    """One proposal in whatever state, as those who decide about it see it."""
    standing, about = call.standing(unreleased=True)
    return showing.queued(call.connection, call.chair.keys, [standing], about.slug)[0]


def _page(call: Call, about: PublishedRevision) -> tuple[Sequence[StoredProposal], str | None]:
    """The released proposals of the page asked for, and where the next one begins."""
    limit = call.given.limit
    after = _after(call, about)
    rows = proposals.released(call.connection, about.consultation_id, after_id=after, limit=limit)
    return rows, rows[-1].code if len(rows) == limit else None


def _after(call: Call, about: PublishedRevision) -> int:
    """The id behind the code after which a page begins."""
    code = call.given.after
    if not code:
        return 0
    row = proposals.by_codes(call.connection, [code]).get(code)
    if row is None or row.consultation_id != about.consultation_id:
        raise Problem("malformed", 422, "`after` is not the `next` of a page of this list.")
    return row.id
