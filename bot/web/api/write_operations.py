"""What other programs can decide: the same as people at the desk, through the same functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from bot.proposals import merge_split, moderation_decisions, official_answers
from bot.proposals.moderation_decisions import ProposalWording
from bot.proposals.moderation_rules import ModerationItem, item_by_code, load_items
from bot.proposals.official_answers import OfficialAnswer
from bot.web.api import serializers
from bot.web.api.models import (
    AnyDecision,
    Approve,
    Edit,
    Hide,
    Merge,
    OutcomeIn,
    QueuedOut,
    Restore,
    Split,
    StatusList,
    Translate,
)
from bot.web.api.problems import ApiProblem
from bot.web.api.registry import ApiCall, operation


@operation("POST", "/proposals/{code}/decisions", answer=QueuedOut, given=AnyDecision, needs_version=True)
def decide(call: ApiCall) -> QueuedOut:
    """Approve, hide, edit, merge, split, translate or restore a proposal or an answer, as it was when it was read."""
    standing, about = call.standing(unreleased=True)
    _DECISIONS[type(call.given)](call, standing, call.given)
    after = load_items(call.connection, [standing.proposal.id])[standing.proposal.id]
    return serializers.serialize_queued(call.connection, call.chair.keys, [after], about.slug)[0]


@operation("POST", "/proposals/{code}/statuses", answer=StatusList, given=OutcomeIn, needs_version=True)
def set_status(call: ApiCall) -> StatusList:
    """Say what became of a proposal; everybody who wanted to know is told."""
    standing, _ = call.standing(unreleased=True)
    given: OutcomeIn = call.given
    outcome = OfficialAnswer(given.status, given.reason, given.body, given.link)
    after = official_answers.answer_proposal(call.chair, standing.proposal.id, outcome, seen=call.seen)
    return StatusList(items=[serializers.serialize_status(row) for row in after.steps])


def _approve(call: ApiCall, standing: ModerationItem, given: Approve) -> None:
    moderation_decisions.approve_text(call.chair, standing.proposal.id, seen=call.seen)


def _hide(call: ApiCall, standing: ModerationItem, given: Hide) -> None:
    moderation_decisions.hide_text(call.chair, standing.proposal.id, given.reason, seen=call.seen)


def _edit(call: ApiCall, standing: ModerationItem, given: Edit) -> None:
    wording = ProposalWording(given.title, given.text)
    moderation_decisions.edit_text(call.chair, standing.proposal.id, wording, given.reason, seen=call.seen)


def _merge(call: ApiCall, standing: ModerationItem, given: Merge) -> None:
    target = item_by_code(call.connection, given.into)
    # A key for one consultation learns nothing of others, not even that a code exists there.
    if target is None or target.proposal.consultation_id != standing.proposal.consultation_id:
        raise ApiProblem("unknown", 404, "There is no proposal with the code in `into` in this consultation.")
    merge_split.merge_proposals(call.chair, standing.proposal.id, target.proposal.id, given.reason, seen=call.seen)


def _split(call: ApiCall, standing: ModerationItem, given: Split) -> None:
    parts = [ProposalWording(part.title, part.text) for part in given.parts]
    merge_split.split_proposal(call.chair, standing.proposal.id, parts, given.reason, seen=call.seen)


def _translate(call: ApiCall, standing: ModerationItem, given: Translate) -> None:
    moderation_decisions.translate_text(
        call.chair,
        standing.proposal.id,
        given.language,
        ProposalWording(given.title, given.text),
        translator=given.translator,
        reviewed=given.reviewed,
        seen=call.seen,
    )


def _restore(call: ApiCall, standing: ModerationItem, given: Restore) -> None:
    merge_split.restore_text(call.chair, standing.proposal.id, given.reason, seen=call.seen)


_DECISIONS: Final[dict[type[Any], Callable[[ApiCall, ModerationItem, Any], None]]] = {
    Approve: _approve,
    Hide: _hide,
    Edit: _edit,
    Merge: _merge,
    Split: _split,
    Translate: _translate,
    Restore: _restore,
}
