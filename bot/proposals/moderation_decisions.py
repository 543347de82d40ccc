"""Decisions about what people wrote, one function each: a proposal, or an answer in own words, comes out only after a
person read it.

Each runs in the caller's transaction and locks what it decides about, so that of two people who decide at once the
second gets an answer (`DecisionRefused`) and nothing is lost. `seen` is the version the decision is about; None: any.
Merging and splitting: `bot.proposals.merge_split`; official answers: `bot.proposals.official_answers`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final, Literal, NamedTuple

from pydantic_core import from_json, to_json
from sqlalchemy import Connection

from bot.common import audit
from bot.common.audit import SYSTEM, Act, Actor
from bot.common.keys import Keys
from bot.consultations import answer_text
from bot.proposals.flags import flags_of
from bot.proposals.moderation_rules import DecisionRefused, ModerationItem, approvers, check_decision, load_items
from flows.languages import LANGUAGES
from flows.understanding.text import clean_text
from storage.tables import moderation
from storage.tables.consultations import consultation_slug, live_revision_of
from storage.tables.moderation import (
    DecisionKind,
    EncryptedOriginal,
    ModerationChange,
    ModerationFlags,
    ModerationState,
    NewDecision,
    NewProposalText,
    erase_translations,
    set_moderation_flags,
    set_moderation_states,
    upsert_translations,
)
from storage.tables.proposals import (
    ProposalRelease,
    ProposalRewording,
    proposals_by_code,
    release_proposals,
    reword_proposals,
)

LONGEST_TITLE: Final = 200
LONGEST_TEXT: Final = 10_000
LONGEST_REASON: Final = 2_000
_ACTS: Final[dict[DecisionKind, Act]] = {
    "approve": "text.approve",
    "hide": "text.hide",
    "edit": "text.edit",
    "merge": "text.merge",
    "split": "text.split",
    "translate": "text.translate",
    "status": "text.status",
    "restore": "text.restore",
}
_PLAIN_REASONS: Final = frozenset({"status", "translate"})
"""Decisions whose reason is a code: a status, a language."""


class ModerationContext(NamedTuple):
    """Who decides, and what is needed to write that down."""

    connection: Connection
    keys: Keys
    new_id: Callable[[], int]
    now: datetime
    staff_id: int | None
    name: str = ""
    actor: Actor = SYSTEM
    """The same person in the audit log, or the key that decides for them."""


class ProposalWording(NamedTuple):
    """A title, if any, and a text."""

    title: str | None
    text: str


def approve_text(context: ModerationContext, proposal_id: int, *, seen: str | None = None) -> ModerationItem:
    """Lets it out. Where four eyes are asked for, the first approval waits for one by somebody else."""
    item = lock_for_decision(context, proposal_id, "approve", seen)
    before = approvers(item.decisions)
    if context.staff_id is not None and context.staff_id in before:
        raise DecisionRefused("twice")
    record_decision(context, proposal_id, "approve")
    wanted = 2 if needs_two_approvals(context.connection, item.proposal.consultation_id) else 1
    if len({*before, context.staff_id}) >= wanted:
        set_moderation_state(context, item, "released")
    return reload_item(context, proposal_id)


def hide_text(context: ModerationContext, proposal_id: int, reason: str, *, seen: str | None = None) -> ModerationItem:
    """Keeps it from everybody, or takes it back. Its author can read the reason."""
    item = lock_for_decision(context, proposal_id, "hide", seen)
    record_decision(context, proposal_id, "hide", require_reason(reason))
    set_moderation_state(context, item, "hidden")
    return reload_item(context, proposal_id)


def edit_text(
    context: ModerationContext, proposal_id: int, wording: ProposalWording, reason: str, *, seen: str | None = None
) -> ModerationItem:
    """Takes personal details out of it. What the person wrote is kept sealed; its author sees what is public.

    Translations go, because they say what is not said any more. Where four eyes are asked for, two people read anew.
    """
    item = lock_for_decision(context, proposal_id, "edit", seen)
    about, wording = item.proposal, check_wording_for(item, wording)
    if item.answer:  # it still says whether it was spoken or a picture
        wording = wording._replace(text=answer_text.copy_media_mark(about.text, wording.text))
    if wording == ProposalWording(about.title, about.text):
        raise DecisionRefused("same_text")
    record_decision(context, proposal_id, "edit", require_reason(reason))
    if item.moderation.original is None:
        sealed = encrypt_original(context.keys, item, ProposalWording(about.title, about.text))
        moderation.keep_originals(context.connection, [EncryptedOriginal(proposal_id, sealed)])
    if item.answer:
        answer_text.reword_answer(context.connection, item.answer, wording.text)
    else:
        reword_proposals(context.connection, [ProposalRewording(proposal_id, *wording)])
    set_moderation_flags(context.connection, [ModerationFlags(proposal_id, wording_flags(wording, about.language))])
    erase_translations(context.connection, [proposal_id])
    if item.state == "released" and needs_two_approvals(context.connection, about.consultation_id):
        set_moderation_state(context, item, "waiting")
    return reload_item(context, proposal_id)


def translate_text(
    context: ModerationContext,
    proposal_id: int,
    language: str,
    wording: ProposalWording,
    *,
    translator: str = "",
    reviewed: bool = False,
    seen: str | None = None,
) -> ModerationItem:
    """Stores it in another language, with who translated it and whether a speaker of it has read that."""
    item = lock_for_decision(context, proposal_id, "translate", seen)
    if language not in LANGUAGES or language == item.proposal.language:
        raise DecisionRefused("language", language=language)
    record_decision(context, proposal_id, "translate", language)
    by = clean_text(translator).strip()[:LONGEST_TITLE] or context.name
    title, text = check_wording_for(item, wording)
    row = NewProposalText(
        moderation_id=proposal_id,
        language=language,
        title=title,
        text=text,
        translator=by,
        reviewed=reviewed,
        at=context.now,
    )
    upsert_translations(context.connection, [row])
    return reload_item(context, proposal_id)


def lock_for_decision(
    context: ModerationContext, proposal_id: int, kind: DecisionKind, seen: str | None
) -> ModerationItem:
    """The proposal or answer, locked, if this may be decided about it now. Raises DecisionRefused."""
    item = load_items(context.connection, [proposal_id], lock=True).get(proposal_id)
    if item is None:
        raise DecisionRefused("unknown")
    check_decision(item, kind, seen)
    return item


def record_decision(
    context: ModerationContext, proposal_id: int, kind: DecisionKind, reason: str | None = None
) -> None:
    """Takes down who decided what, and why; in the audit log without the reason, which may quote the text."""
    row = NewDecision(
        id=context.new_id(),
        moderation_id=proposal_id,
        staff_id=context.staff_id,
        kind=kind,
        reason=reason,
        at=context.now,
    )
    moderation.add_decisions(context.connection, [row])
    about = load_items(context.connection, [proposal_id])[proposal_id].proposal
    slug = consultation_slug(context.connection, about.consultation_id)
    purpose = reason or "" if kind in _PLAIN_REASONS else ""
    entry = context.actor.did(_ACTS[kind], f"{slug}/{about.code}", purpose, context.now)
    audit.record_entry(context.connection, context.keys, entry)


def set_moderation_state(
    context: ModerationContext, item: ModerationItem, state: ModerationState, merged_into: int | None = None
) -> None:
    """Moves it into a state; only what is released can be seen. The decision is noted before."""
    number = item.proposal.id
    set_moderation_states(context.connection, [ModerationChange(number, state, merged_into, context.now)])
    if not item.answer:
        release_proposals(context.connection, [ProposalRelease(number, context.now if state == "released" else None)])


def reload_item(context: ModerationContext, proposal_id: int) -> ModerationItem:
    """How it stands after the decision."""
    return load_items(context.connection, [proposal_id])[proposal_id]


def require_reason(reason: str) -> str:
    """A reason, tidied. Raises DecisionRefused where there is none."""
    found = clean_text(reason).strip()[:LONGEST_REASON]
    if not found:
        raise DecisionRefused("no_reason")
    return found


def check_wording(wording: ProposalWording) -> ProposalWording:
    """Title and text, tidied. Raises DecisionRefused where there is no text, or far too much."""
    title, text = clean_text(wording.title or "").strip(), clean_text(wording.text).strip()
    if not text or len(text) > LONGEST_TEXT or len(title) > LONGEST_TITLE:
        raise DecisionRefused("no_text", most=str(LONGEST_TEXT), title=str(LONGEST_TITLE))
    return ProposalWording(title or None, text)


def check_wording_for(item: ModerationItem, wording: ProposalWording) -> ProposalWording:
    """The same; an answer has no title. Raises DecisionRefused."""
    found = check_wording(wording)
    if item.answer and found.title:
        raise DecisionRefused("only_proposals")
    return found


def wording_flags(wording: ProposalWording, language: str) -> list[str]:
    """What to look at in these words."""
    return flags_of("\n".join(filter(None, wording)), language)


def encrypt_original(keys: Keys, item: ModerationItem, wording: ProposalWording) -> bytes:
    """What a person wrote, so that only this house can read it."""
    return keys.encrypt(to_json(wording).decode(), original_binding(item.kind, item.proposal.id))


def original_binding(kind: Literal["proposal", "answer"], number: int) -> bytes:
    """What seals the words of a person to what they belong to."""
    return f"{kind}/{number}".encode()


def decrypt_original(keys: Keys, item: ModerationItem) -> ProposalWording | None:
    """What the person wrote before it was edited; None where nothing was. Raises SecretError."""
    sealed = item.moderation.original
    if sealed is None:
        return None
    title, text = from_json(keys.decrypt(sealed, original_binding(item.kind, item.proposal.id)))
    return ProposalWording(title, text)


def needs_two_approvals(connection: Connection, consultation_id: int) -> bool:
    """Whether two people have to approve what comes out of this consultation."""
    revision = live_revision_of(connection, consultation_id)
    return bool(revision and from_json(revision.content).get("four_eyes", False))


def proposal_ids_by_code(connection: Connection, codes: Sequence[str]) -> dict[str, int]:
    """The ids behind these codes."""
    return {code: row.id for code, row in proposals_by_code(connection, codes).items()}
