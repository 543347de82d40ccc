"""Moderation decisions, one function each: texts of residents are released only after review.

Each function runs in the transaction of the caller and locks its text, so that the second of two concurrent decisions
is refused (`DecisionRefused`). `seen` is the version the decision is about; None accepts any version.
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
from bot.proposals.moderation_rules import DecisionRefused, ModerationItem, approvers, check_decision, load_items
from flows.languages import LANGUAGES
from flows.understanding.flags import flags_of
from flows.understanding.text import clean_text
from storage.tables import moderation
from storage.tables.consultations import consultation_slug
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
from storage.tables.revisions import live_revision_of

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
"""Decisions with a code as reason: a status, a language."""


class ModerationContext(NamedTuple):
    """The connection, keys, id generator, time and staff member of a decision."""

    connection: Connection
    keys: Keys
    new_id: Callable[[], int]
    now: datetime
    staff_id: int | None
    name: str = ""
    actor: Actor = SYSTEM
    """The staff member or the API key, for the audit log."""


class ProposalWording(NamedTuple):
    """A text with an optional title."""

    title: str | None
    text: str


def approve_text(context: ModerationContext, proposal_id: int, *, seen: str | None = None) -> ModerationItem:
    """Approves a text. With the four-eyes rule it is released by the second approval of another staff member."""
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
    """Hides a text, also a released one. Its author can read the reason."""
    item = lock_for_decision(context, proposal_id, "hide", seen)
    record_decision(context, proposal_id, "hide", require_reason(reason))
    set_moderation_state(context, item, "hidden")
    return reload_item(context, proposal_id)


def edit_text(
    context: ModerationContext, proposal_id: int, wording: ProposalWording, reason: str, *, seen: str | None = None
) -> ModerationItem:
    """Removes personal details from a text. The original is kept encrypted; the author sees the public text.

    Translations are deleted because they no longer match. With the four-eyes rule the text is reviewed again.
    """
    item = lock_for_decision(context, proposal_id, "edit", seen)
    about, wording = item.proposal, check_wording_for(item, wording)
    if item.answer:  # the mark still tells whether it was a recording or a picture
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
    """Stores a translation with its translator and whether a speaker of the language has reviewed it."""
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


def review_translation(
    context: ModerationContext, proposal_id: int, language: str, *, reviewed: bool = True, seen: str | None = None
) -> ModerationItem:
    """Marks a translation as reviewed by a speaker of the language, or takes the mark back; its words stay."""
    item = lock_for_decision(context, proposal_id, "translate", seen)
    found = item.texts.get(language)
    if found is None or found.reviewed == reviewed:
        raise DecisionRefused("changed", language=language)
    record_decision(context, proposal_id, "translate", language)
    upsert_translations(context.connection, [found._replace(reviewed=reviewed, at=context.now)])
    return reload_item(context, proposal_id)


def remove_translation(
    context: ModerationContext, proposal_id: int, language: str, *, seen: str | None = None
) -> ModerationItem:
    """Deletes one translation of a text."""
    item = lock_for_decision(context, proposal_id, "translate", seen)
    if language not in item.texts:
        raise DecisionRefused("changed", language=language)
    record_decision(context, proposal_id, "translate", language)
    others = [row for tag, row in item.texts.items() if tag != language]
    erase_translations(context.connection, [proposal_id])
    upsert_translations(context.connection, others)
    return reload_item(context, proposal_id)


def lock_for_decision(
    context: ModerationContext, proposal_id: int, kind: DecisionKind, seen: str | None
) -> ModerationItem:
    """Loads and locks a proposal or open answer. Raises DecisionRefused if this decision is not possible now."""
    item = load_items(context.connection, [proposal_id], lock=True).get(proposal_id)
    if item is None:
        raise DecisionRefused("unknown")
    check_decision(item, kind, seen)
    return item


def record_decision(
    context: ModerationContext,
    proposal_id: int,
    kind: DecisionKind,
    reason: str | None = None,
    *,
    act: Act | None = None,
) -> None:
    """Records a decision with its reason; the audit log gets no reason, because reasons may quote the text. `act`: how
    the audit log names it, if not by its kind.
    """
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
    entry = context.actor.did(act or _ACTS[kind], f"{slug}/{about.code}", purpose, context.now)
    audit.record_entry(context.connection, context.keys, entry)


def set_moderation_state(
    context: ModerationContext, item: ModerationItem, state: ModerationState, merged_into: int | None = None
) -> None:
    """Sets the state of a text; only released texts are visible. The decision is recorded before."""
    number = item.proposal.id
    set_moderation_states(context.connection, [ModerationChange(number, state, merged_into, context.now)])
    if not item.answer:
        release_proposals(context.connection, [ProposalRelease(number, context.now if state == "released" else None)])


def reload_item(context: ModerationContext, proposal_id: int) -> ModerationItem:
    """Loads the text again after the decision."""
    return load_items(context.connection, [proposal_id])[proposal_id]


def require_reason(reason: str) -> str:
    """Returns a reason, trimmed. Raises DecisionRefused for an empty one."""
    found = clean_text(reason).strip()[:LONGEST_REASON]
    if not found:
        raise DecisionRefused("no_reason")
    return found


def check_wording(wording: ProposalWording) -> ProposalWording:
    """Returns title and text, trimmed. Raises DecisionRefused for an empty or overlong text."""
    title, text = clean_text(wording.title or "").strip(), clean_text(wording.text).strip()
    if not text or len(text) > LONGEST_TEXT or len(title) > LONGEST_TITLE:
        raise DecisionRefused("no_text", most=str(LONGEST_TEXT), title=str(LONGEST_TITLE))
    return ProposalWording(title or None, text)


def check_wording_for(item: ModerationItem, wording: ProposalWording) -> ProposalWording:
    """Checks a wording for this item; open answers have no title. Raises DecisionRefused."""
    found = check_wording(wording)
    if item.answer and found.title:
        raise DecisionRefused("only_proposals")
    return found


def wording_flags(wording: ProposalWording, language: str) -> list[str]:
    """Returns the flags of title and text."""
    return flags_of("\n".join(filter(None, wording)), language)


def encrypt_original(keys: Keys, item: ModerationItem, wording: ProposalWording) -> bytes:
    """Encrypts the original wording of a text."""
    return keys.encrypt(to_json(wording).decode(), original_binding(item.kind, item.proposal.id))


def original_binding(kind: Literal["proposal", "answer"], number: int) -> bytes:
    """Returns the associated data that binds an encrypted original to its text."""
    return f"{kind}/{number}".encode()


def decrypt_original(keys: Keys, item: ModerationItem) -> ProposalWording | None:
    """Returns the wording before the first edit; None for a text that was not edited. Raises SecretError."""
    sealed = item.moderation.original
    if sealed is None:
        return None
    title, text = from_json(keys.decrypt(sealed, original_binding(item.kind, item.proposal.id)))
    return ProposalWording(title, text)


def needs_two_approvals(connection: Connection, consultation_id: int) -> bool:
    """Tells whether texts of this consultation need two approvals."""
    revision = live_revision_of(connection, consultation_id)
    return bool(revision and from_json(revision.content).get("four_eyes", False))


def proposal_ids_by_code(connection: Connection, codes: Sequence[str]) -> dict[str, int]:
    """Returns the ids of proposals by code."""
    return {code: row.id for code, row in proposals_by_code(connection, codes).items()}
