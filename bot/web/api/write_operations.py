"""Write operations: moderation decisions and official answers, through the same functions as the staff chat."""

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
    item, about = call.item(unreleased=True)
    _DECISIONS[type(call.given)](call, item, call.given)
    after = load_items(call.connection, [item.proposal.id])[item.proposal.id]
    return serializers.serialize_queued(call.connection, call.context.keys, [after], about.slug)[0]


@operation("POST", "/proposals/{code}/statuses", answer=StatusList, given=OutcomeIn, needs_version=True)
def set_status(call: ApiCall) -> StatusList:
    """Set the status of a proposal; subscribers are notified."""
    item, _ = call.item(unreleased=True)
    given: OutcomeIn = call.given
    outcome = OfficialAnswer(given.status, given.reason, given.body, given.link)
    after = official_answers.answer_proposal(call.context, item.proposal.id, outcome, seen=call.seen)
    return StatusList(items=[serializers.serialize_status(row) for row in after.steps])


def _approve(call: ApiCall, item: ModerationItem, given: Approve) -> None:
    moderation_decisions.approve_text(call.context, item.proposal.id, seen=call.seen)


def _hide(call: ApiCall, item: ModerationItem, given: Hide) -> None:
    moderation_decisions.hide_text(call.context, item.proposal.id, given.reason, seen=call.seen)


def _edit(call: ApiCall, item: ModerationItem, given: Edit) -> None:
    wording = ProposalWording(given.title, given.text)
    moderation_decisions.edit_text(call.context, item.proposal.id, wording, given.reason, seen=call.seen)


def _merge(call: ApiCall, item: ModerationItem, given: Merge) -> None:
    target = item_by_code(call.connection, given.into)
    # A key for one consultation gets no data of others, not even whether a code exists there.
    if target is None or target.proposal.consultation_id != item.proposal.consultation_id:
        raise ApiProblem("unknown", 404, "There is no proposal with the code in `into` in this consultation.")
    merge_split.merge_proposals(call.context, item.proposal.id, target.proposal.id, given.reason, seen=call.seen)


def _split(call: ApiCall, item: ModerationItem, given: Split) -> None:
    parts = [ProposalWording(part.title, part.text) for part in given.parts]
    merge_split.split_proposal(call.context, item.proposal.id, parts, given.reason, seen=call.seen)


def _translate(call: ApiCall, item: ModerationItem, given: Translate) -> None:
    moderation_decisions.translate_text(
        call.context,
        item.proposal.id,
        given.language,
        ProposalWording(given.title, given.text),
        translator=given.translator,
        reviewed=given.reviewed,
        seen=call.seen,
    )


def _restore(call: ApiCall, item: ModerationItem, given: Restore) -> None:
    merge_split.restore_text(call.context, item.proposal.id, given.reason, seen=call.seen)


_DECISIONS: Final[dict[type[Any], Callable[[ApiCall, ModerationItem, Any], None]]] = {
    Approve: _approve,
    Hide: _hide,
    Edit: _edit,
    Merge: _merge,
    Split: _split,
    Translate: _translate,
    Restore: _restore,
}
