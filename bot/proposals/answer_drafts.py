"""Drafts of official answers: saved, sent together, held back for a minute, taken back, and published.

Drafts are locked before their proposals, everywhere: two transactions then never wait for each other.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Final, NamedTuple

import structlog
from sqlalchemy import Connection

from bot.common.audit import Act, Actor, record_entry
from bot.common.keys import Keys
from bot.common.logs import error_place
from bot.proposals.moderation_decisions import LONGEST_REASON, ModerationContext
from bot.proposals.moderation_rules import DecisionRefused, ModerationItem, RefusalReason, check_decision, load_items
from bot.proposals.official_answers import (
    LONGEST_BODY,
    LONGEST_LINK,
    OfficialAnswer,
    answer_proposal,
    cleaned_reason,
    is_link,
    step_of,
)
from flows.languages import LANGUAGES
from flows.understanding.text import clean_text
from storage.core.errors import StorageError
from storage.core.store import Store
from storage.tables.answer_drafts import (
    AnswerDraft,
    answer_drafts_of,
    delete_answer_drafts,
    drafts_of_sending,
    next_due_draft,
    next_held_until,
    release_answer_draft,
    upsert_answer_drafts,
)
from storage.tables.consultations import consultation_slug
from storage.tables.proposals import PUBLIC_STATUSES, PublicStatus

log = structlog.get_logger()

HELD: Final = timedelta(seconds=60)
"""How long an answer that was sent can be taken back. It is not public until then."""
LOOK_SECONDS: Final = 1.0
"""How often the job looks for answers whose time has come."""


class DraftKey(NamedTuple):
    """A draft as an editor saw it; version 0: there was none."""

    proposal_id: int
    version: int


class DraftConflict(Exception):
    """The draft was changed, or deleted, after the editor loaded it; nothing was written. `stored`: as it is now."""

    def __init__(self, stored: AnswerDraft | None) -> None:
        super().__init__("the draft was changed")
        self.stored = stored


class Sending(NamedTuple):
    """What became of drafts that were sent together."""

    sending_id: int
    publish_at: datetime
    sent: tuple[int, ...]
    """Ids of proposals."""
    refused: dict[int, RefusalReason]


def outcome_of(draft: AnswerDraft) -> OfficialAnswer:
    """Returns the official answer that a draft contains."""
    return OfficialAnswer(draft.status, draft.reason, draft.body, draft.link, draft.is_correction)


def refusal_of(item: ModerationItem, draft: AnswerDraft, now: datetime) -> RefusalReason | None:
    """Returns why a draft cannot be sent as it is; None if it can."""
    if item.proposal.withdrawn_at is not None:
        return "withdrawn"
    if item.state not in {"waiting", "released"}:
        return "already"
    try:
        step_of(item, outcome_of(draft), now)
    except DecisionRefused as refused:
        return refused.reason
    return None if item.is_public else "not_public"


def save_draft(context: ModerationContext, key: DraftKey, outcome: OfficialAnswer) -> AnswerDraft:
    """Stores the draft for a proposal; reasons may be missing. Raises DraftConflict if it was changed since `key`, and
    DecisionRefused for an unknown proposal, a draft that is held back, and an overlong or unusable part.
    """
    text = _checked(outcome)
    item, stored = _locked(context, key)
    if stored and stored.publish_at:
        raise DecisionRefused("held")
    if (stored.version if stored else 0) != key.version:
        raise DraftConflict(stored)
    draft = AnswerDraft(
        proposal_id=key.proposal_id,
        consultation_id=item.proposal.consultation_id,
        status=_public_status(outcome),
        reason=dict(text.reason),
        body=text.body,
        link=text.link,
        is_correction=outcome.is_correction and bool(item.steps),
        version=key.version + 1,
        staff_id=context.staff_id,
        staff_name=context.actor.name,
        staff_role=context.actor.role,
        staff_door=context.actor.door,
        changed_at=context.now,
    )
    upsert_answer_drafts(context.connection, [draft])
    return draft


def drop_draft(context: ModerationContext, key: DraftKey) -> None:
    """Deletes a draft. Raises as `save_draft` does."""
    _, stored = _locked(context, key)
    if stored and stored.publish_at:
        raise DecisionRefused("held")
    if stored and stored.version != key.version:
        raise DraftConflict(stored)
    delete_answer_drafts(context.connection, [key.proposal_id])


def hold_drafts(
    context: ModerationContext, consultation_id: int, chosen: Sequence[DraftKey], *, may_wait: bool = False
) -> Sending:
    """Sends drafts of a consultation together: they are held back for a minute. Drafts that were changed since they
    were seen, and those that cannot be sent, stay drafts. `may_wait`: the proposals may still wait for their release;
    then only their authors hear of it.
    """
    keys = {key.proposal_id: key.version for key in chosen}
    stored = answer_drafts_of(context.connection, sorted(keys), lock=True)
    items = load_items(context.connection, sorted(keys), lock=True)
    sending, publish_at = context.new_id(), context.now + HELD
    refused: dict[int, RefusalReason] = {}
    held: list[AnswerDraft] = []
    for number, version in keys.items():
        draft, item = stored.get(number), items.get(number)
        if draft is None or item is None or draft.consultation_id != consultation_id:
            refused[number] = "unknown"
            continue
        reason = _reason_to_keep(item, draft, version, context.now)
        if reason is None or (may_wait and reason == "not_public"):
            held.append(_held(context, draft, sending, publish_at))
        else:
            refused[number] = reason
    upsert_answer_drafts(context.connection, held)
    _note(context, "answer.send", held, items)
    return Sending(sending, publish_at, tuple(it.proposal_id for it in held), refused)


def _reason_to_keep(item: ModerationItem, draft: AnswerDraft, version: int, now: datetime) -> RefusalReason | None:
    """Returns why a draft that was seen in this version cannot be sent; None if it can."""
    if draft.publish_at:
        return "held"
    return "changed" if draft.version != version else refusal_of(item, draft, now)


def own_key(context: ModerationContext, proposal_id: int) -> DraftKey:
    """Returns the key of a new draft, or of one that the same member saved on the same interface. Raises
    DecisionRefused for any other draft, because two members would answer one proposal.
    """
    _, stored = _locked(context, DraftKey(proposal_id, 0))
    if stored and stored.publish_at:
        raise DecisionRefused("held")
    if stored and (stored.staff_id, stored.staff_door) != (context.staff_id, context.actor.door):
        raise DecisionRefused("drafted", name=stored.staff_name)
    return DraftKey(proposal_id, stored.version if stored else 0)


def hold_answer(
    context: ModerationContext, proposal_id: int, outcome: OfficialAnswer, *, seen: str | None = None
) -> AnswerDraft:
    """Sends one answer without a draft: it is held back for a minute. Raises DecisionRefused as `own_key` and
    `answer_proposal` do.
    """
    key = own_key(context, proposal_id)
    item = load_items(context.connection, [proposal_id])[proposal_id]
    check_decision(item, "status", seen)
    step_of(item, outcome, context.now)
    draft = save_draft(context, key, outcome)
    held = _held(context, draft, context.new_id(), context.now + HELD)
    upsert_answer_drafts(context.connection, [held])
    _note(context, "answer.send", [held], {proposal_id: item})
    return held


def take_back(context: ModerationContext, consultation_id: int, sending_id: int, *, only: int | None = None) -> int:
    """Takes back what was sent together, within its minute; returns how many are drafts again, 0 if it is too late.
    `only`: the answer to this proposal alone.
    """
    found = [
        it
        for it in drafts_of_sending(context.connection, consultation_id, sending_id)
        if not _is_due(it, context.now) and only in {None, it.proposal_id}
    ]
    back = [it._replace(publish_at=None, sending_id=None, version=it.version + 1) for it in found]
    upsert_answer_drafts(context.connection, back)
    _note(context, "answer.undo", back, load_items(context.connection, [it.proposal_id for it in back]))
    return len(back)


def publish_next(connection: Connection, keys: Keys, new_id: Callable[[], int], now: datetime) -> bool:
    """Publishes one held back draft whose minute is over, as an official answer; returns whether there was one.

    The answer and the end of the draft are one transaction: a process that is killed publishes it once, or not yet. A
    draft that cannot be published any more, e.g. because the author withdrew the proposal, is an ordinary one again.
    """
    draft = next_due_draft(connection, now)
    if draft is None:
        return False
    actor = Actor(draft.staff_name, draft.staff_role, draft.staff_door)
    context = ModerationContext(
        connection, keys, new_id=new_id, now=now, staff_id=draft.staff_id, name=draft.staff_name, actor=actor
    )
    try:
        with connection.begin_nested():
            answer_proposal(context, draft.proposal_id, outcome_of(draft))
    except DecisionRefused as refused:
        release_answer_draft(connection, draft.proposal_id, refused.reason)
    else:
        delete_answer_drafts(connection, [draft.proposal_id])
    return True


async def run_publication(store: Store, keys: Keys, new_id: Callable[[], int]) -> None:
    """Publishes held back answers when their minute is over, until cancelled."""
    while True:
        try:
            due = await store.read(next_held_until)
            while due is not None and due <= datetime.now(UTC):
                if not await store.write(partial(publish_next, keys=keys, new_id=new_id, now=datetime.now(UTC))):
                    break
        except StorageError as error:
            log.error("answer_publication_failed", **error_place(error))
        await asyncio.sleep(LOOK_SECONDS)


def _checked(outcome: OfficialAnswer) -> OfficialAnswer:
    """Returns the parts as they are stored. Raises DecisionRefused."""
    if outcome.status not in PUBLIC_STATUSES:
        raise DecisionRefused("status")
    if any(len(text.strip()) > LONGEST_REASON for text in outcome.reason.values()):
        raise DecisionRefused("too_long", most=str(LONGEST_REASON))
    if not outcome.reason.keys() <= LANGUAGES.keys():
        raise DecisionRefused("reason_languages", languages=", ".join(sorted(outcome.reason.keys() - LANGUAGES.keys())))
    body, link = clean_text(outcome.body), outcome.link.strip()
    if len(body) > LONGEST_BODY or len(link) > LONGEST_LINK:
        raise DecisionRefused("too_long", most=str(LONGEST_BODY))
    if link and not is_link(link):
        raise DecisionRefused("link")
    return outcome._replace(reason=cleaned_reason(outcome.reason), body=body, link=link)


def _public_status(outcome: OfficialAnswer) -> PublicStatus:
    return next(status for status in PUBLIC_STATUSES if status == outcome.status)


def _locked(context: ModerationContext, key: DraftKey) -> tuple[ModerationItem, AnswerDraft | None]:
    """Locks a draft and its proposal. The draft is read again after that: another transaction may have made it."""
    answer_drafts_of(context.connection, [key.proposal_id], lock=True)
    item = load_items(context.connection, [key.proposal_id], lock=True).get(key.proposal_id)
    if item is None:
        raise DecisionRefused("unknown")
    if item.answer:
        raise DecisionRefused("only_proposals")
    return item, answer_drafts_of(context.connection, [key.proposal_id]).get(key.proposal_id)


def _held(context: ModerationContext, draft: AnswerDraft, sending_id: int, publish_at: datetime) -> AnswerDraft:
    return draft._replace(
        sending_id=sending_id,
        publish_at=publish_at,
        problem="",
        version=draft.version + 1,
        staff_id=context.staff_id,
        staff_name=context.actor.name,
        staff_role=context.actor.role,
        staff_door=context.actor.door,
        changed_at=context.now,
    )


def _is_due(draft: AnswerDraft, now: datetime) -> bool:
    return draft.publish_at is not None and draft.publish_at <= now


def _note(
    context: ModerationContext, act: Act, drafts: Sequence[AnswerDraft], items: dict[int, ModerationItem]
) -> None:
    """Records an act on each of these drafts in the audit log, without any text."""
    for draft in drafts:
        about = items[draft.proposal_id].proposal
        slug = consultation_slug(context.connection, about.consultation_id)
        entry = context.actor.did(act, f"{slug}/{about.code}", draft.status, context.now)
        record_entry(context.connection, context.keys, entry)
