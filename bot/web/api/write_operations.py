"""Write operations: moderation decisions and official answers, through the same functions as the staff chat."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from bot.broadcasts.outcome_audience import OutcomeAudience, audiences, outcome_message
from bot.proposals import answer_drafts, merge_split, moderation_decisions
from bot.proposals.answer_drafts import outcome_of
from bot.proposals.moderation_decisions import ProposalWording
from bot.proposals.moderation_rules import ModerationItem, check_decision, item_by_code, load_items
from bot.proposals.official_answers import OfficialAnswer, required_languages, step_of
from bot.web.api import serializers
from bot.web.api.models import (
    AnyDecision,
    Approve,
    Edit,
    HeldStatus,
    Hide,
    Merge,
    OutcomeIn,
    QueueItemOut,
    Restore,
    Split,
    StatusPreview,
    Translate,
    UndoneStatus,
)
from bot.web.api.problems import ApiProblem
from bot.web.api.registry import ApiCall, operation
from storage.tables.answer_drafts import AnswerDraft, answer_drafts_of
from storage.tables.proposals import NewProposalStatus


@operation("POST", "/proposals/{code}/decisions", answer=QueueItemOut, given=AnyDecision, needs_version=True)
def decide(call: ApiCall) -> QueueItemOut:
    """Approve, hide, edit, merge, split, translate or restore a proposal or an answer, as it was when it was read."""
    item, about = call.item(unreleased=True)
    _DECISIONS[type(call.given)](call, item, call.given)
    after = load_items(call.connection, [item.proposal.id])[item.proposal.id]
    return serializers.serialize_queue_items(call.connection, call.context.keys, [after], about.slug)[0]


@operation("POST", "/proposals/{code}/statuses/preview", answer=StatusPreview, given=OutcomeIn)
def preview_status(call: ApiCall) -> StatusPreview:
    """Show what people would read of a status, and how many; nothing is stored."""
    item, _ = call.item(unreleased=True)
    outcome = _outcome(call.given)
    check_decision(item, "status", None)
    step = step_of(item, outcome, call.context.now)
    _, everyone = audiences(call.connection, [item], call.context.keys)
    return StatusPreview(people=everyone.total, messages=_messages(item, step, everyone))


@operation("POST", "/proposals/{code}/statuses", answer=HeldStatus, given=OutcomeIn, needs_version=True)
def set_status(call: ApiCall) -> HeldStatus:
    """Set the status of a proposal; it is held back for 60 seconds, then public, and subscribers are notified."""
    item, _ = call.item(unreleased=True)
    held = answer_drafts.hold_answer(call.context, item.proposal.id, _outcome(call.given), seen=call.seen)
    _, everyone = audiences(call.connection, [item], call.context.keys)
    return _held_status(item, held, everyone)


@operation("POST", "/proposals/{code}/statuses/undo", answer=UndoneStatus)
def undo_status(call: ApiCall) -> UndoneStatus:
    """Take back a status that is held back."""
    item, _ = call.item(unreleased=True)
    about = item.proposal
    held = answer_drafts_of(call.connection, [about.id]).get(about.id)
    if held is None or held.sending_id is None:
        return UndoneStatus(undone=False)
    number = answer_drafts.take_back(call.context, about.consultation_id, held.sending_id, only=about.id)
    return UndoneStatus(undone=bool(number))


def _held_status(item: ModerationItem, held: AnswerDraft, everyone: OutcomeAudience) -> HeldStatus:
    """Returns a held back status with what people will read of it."""
    step = step_of(item, outcome_of(held), held.changed_at)
    return HeldStatus(
        status=held.status,
        reason=held.reason,
        publish_at=held.publish_at or held.changed_at,
        people=everyone.total,
        messages=_messages(item, step, everyone),
    )


def _outcome(given: OutcomeIn) -> OfficialAnswer:
    return OfficialAnswer(
        status=given.status,
        reason=given.reason,
        body=given.body,
        link=given.link,
        is_correction=given.is_correction,
    )


def _messages(item: ModerationItem, step: NewProposalStatus, everyone: OutcomeAudience) -> dict[str, str]:
    """Returns what people will read, by language."""
    tags = dict.fromkeys((*required_languages(item), *everyone.by_language()))
    return {tag: outcome_message(step, item.proposal.code, tag, "").text for tag in tags}


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
