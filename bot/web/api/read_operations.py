"""Read operations: consultations, released proposals with official answers, and counts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import get_args

from bot.consultations import trials
from bot.consultations.visibility import figures_are_public
from bot.proposals import publication
from bot.proposals.moderation_rules import ModerationItem, item_by_code, load_items
from bot.web.api import serializers
from bot.web.api.models import (
    ConsultationList,
    ConsultationOut,
    OfficialAnswerRateOut,
    OpenAnswerList,
    OpenAnswerPage,
    Page,
    ProposalList,
    ProposalOut,
    QueueItemOut,
    QueueList,
    QueuePage,
    RatingList,
    StatusList,
)
from bot.web.api.problems import ApiProblem
from bot.web.api.registry import ApiCall, operation
from storage.tables.consultations import ConsultationState
from storage.tables.moderation import count_moderation_states
from storage.tables.revisions import (
    PublishedRevision,
    find_live_revision,
    list_live_revisions,
    list_unpublished_revisions,
)
from storage.tables.waiting_texts import moderation_queue


@operation("GET", "/consultations", answer=ConsultationList)
def list_consultations(call: ApiCall) -> ConsultationList:
    """All consultations the key gives access to, in any state; drafts and tests only for keys that can publish."""
    waiting = _waiting(call)
    rows = {row.slug: row for row in (*waiting, *list_live_revisions(call.connection, get_args(ConsultationState)))}
    own = [row for slug, row in sorted(rows.items()) if call.may_know(slug, row.consultation_id)]
    return ConsultationList(items=[_with_waiting(call, row, waiting) for row in own])


@operation("GET", "/consultations/{slug}", answer=ConsultationOut)
def show_consultation(call: ApiCall) -> ConsultationOut:
    """One consultation."""
    waiting = _waiting(call)
    call.must_know()
    never_live = [row for row in waiting if row.slug == call.slug]
    if never_live and find_live_revision(call.connection, call.slug) is None:
        return _with_waiting(call, never_live[0], waiting)
    return _with_waiting(call, call.consultation(), waiting)


def _waiting(call: ApiCall) -> list[PublishedRevision]:
    """Returns drafts and tests for keys with the scope `publish`."""
    return list_unpublished_revisions(call.connection) if "publish" in call.bearer.scopes else []


def _with_waiting(call: ApiCall, row: PublishedRevision, waiting: Sequence[PublishedRevision]) -> ConsultationOut:
    """Returns a consultation with the numbers of its draft and test."""
    beside = {it.state: it.number for it in waiting if it.slug == row.slug}
    word = trials.trial_slug(call.connection, row.consultation_id) if "test" in beside else None
    shown = serializers.serialize_consultation(row, call.context.now)
    return shown.model_copy(update={"draft": beside.get("draft"), "test": beside.get("test"), "test_word": word})


@operation("GET", "/consultations/{slug}/proposals", answer=ProposalList, given=Page)
def list_proposals(call: ApiCall) -> ProposalList:
    """Released proposals that were not withdrawn, oldest first."""
    about = call.consultation()
    found, following = _page(call, about)
    return ProposalList(items=[serializers.serialize_proposal(item, about.slug) for item in found], next=following)


@operation("GET", "/proposals/{code}", answer=ProposalOut)
def show_proposal(call: ApiCall) -> ProposalOut:
    """One released proposal."""
    item, about = call.item()
    return serializers.serialize_proposal(item, about.slug)


@operation("GET", "/proposals/{code}/statuses", answer=StatusList)
def list_statuses(call: ApiCall) -> StatusList:
    """The decisions about a released proposal, oldest first."""
    item, _ = call.item()
    return StatusList(items=[serializers.serialize_status(row) for row in item.steps])


@operation("GET", "/consultations/{slug}/ratings", answer=RatingList, given=Page)
def list_ratings(call: ApiCall) -> RatingList:
    """Ratings of each released proposal, from the newest edition of figures; hidden until closing if the consultation
    is configured so.
    """
    about = call.consultation()
    consultation = serializers.consultation_of(about)
    if not figures_are_public(consultation, about, call.context.now):
        raise ApiProblem("hidden_until_closing", 403, "Figures of this consultation are hidden until it is closed.")
    found, following = _page(call, about)
    votes = publication.public_votes(call.connection, about.consultation_id, [it.proposal.code for it in found])
    edition = publication.public_edition(call.connection, about)
    return RatingList(
        items=[serializers.serialize_counts(code, it) for code, it in votes.items()],
        next=following,
        edition=edition and edition.number,
        made_at=edition and edition.made_at,
    )


@operation("GET", "/consultations/{slug}/texts", answer=OpenAnswerList, given=OpenAnswerPage)
def list_texts(call: ApiCall) -> OpenAnswerList:
    """Released answers to open questions, in an order unrelated to time and author; hidden until closing like all
    figures.
    """
    about, wanted = call.consultation(), call.given
    if not figures_are_public(serializers.consultation_of(about), about, call.context.now):
        raise ApiProblem("hidden_until_closing", 403, "Answers of this consultation are hidden until it is closed.")
    found = [
        one
        for one in publication.public_texts(call.connection, about.consultation_id)
        if one.code > wanted.after and wanted.question in {"", one.question_key}
    ]
    page = found[: wanted.limit]
    following = page[-1].code if len(page) < len(found) else None
    return OpenAnswerList(items=[serializers.serialize_text(one, about.slug) for one in page], next=following)


@operation("GET", "/consultations/{slug}/answered", answer=OfficialAnswerRateOut)
def show_answered(call: ApiCall) -> OfficialAnswerRateOut:
    """How many contributions were answered, and how many days that took; null where they are too few."""
    about = call.consultation()
    least = serializers.consultation_of(about).smallest_cell
    found = publication.public_answer_counts(call.connection, about.consultation_id, least)
    return OfficialAnswerRateOut(**found._asdict(), share=found.share)


@operation("GET", "/consultations/{slug}/queue", answer=QueueList, given=QueuePage)
def list_queue(call: ApiCall) -> QueueList:
    """Proposals and answers pending review, oldest first, with flags and similar ones; `state`: another list."""
    about, wanted = call.consultation(), call.given
    number, after = about.consultation_id, _after(call, about)
    ids = moderation_queue(call.connection, number, wanted.state, after_id=after, limit=wanted.limit)
    items = list(load_items(call.connection, ids).values())
    return QueueList(
        items=serializers.serialize_queue_items(call.connection, call.context.keys, items, about.slug),
        next=items[-1].proposal.code if len(ids) == wanted.limit else None,
        states=count_moderation_states(call.connection, number),
    )


@operation("GET", "/proposals/{code}/queued", answer=QueueItemOut)
def show_queued(call: ApiCall) -> QueueItemOut:
    """The moderators' view of one proposal or answer in any state."""
    item, about = call.item(unreleased=True)
    return serializers.serialize_queue_items(call.connection, call.context.keys, [item], about.slug)[0]


def _page(call: ApiCall, about: PublishedRevision) -> tuple[Sequence[ModerationItem], str | None]:
    """Returns the requested page of released proposals and the start of the next one."""
    limit, after = call.given.limit, _after(call, about)
    found = publication.public_proposals(call.connection, about.consultation_id, after_id=after, limit=limit)
    return found, found[-1].proposal.code if len(found) == limit else None


def _after(call: ApiCall, about: PublishedRevision) -> int:
    """Returns the id behind the code after which a page begins."""
    code = call.given.after
    if not code:
        return 0
    found = item_by_code(call.connection, code)
    if found is None or found.proposal.consultation_id != about.consultation_id:
        raise ApiProblem("malformed", 422, "`after` is not the `next` of a page of this list.")
    return found.proposal.id
