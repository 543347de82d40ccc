"""Moderation commands: approve, hide, reword, merge, split, restore and translate."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from bot.proposals import merge_split, moderation_decisions
from bot.proposals.codes import parse_contribution_code
from bot.proposals.moderation_decisions import ModerationContext, ProposalWording
from bot.proposals.moderation_rules import DecisionRefused, ModerationItem, RefusalReason
from bot.staff.chat.queue import SEEN, decision_buttons, flags_to_check, next_in_queue, show_queue_item
from bot.staff.chat.registry import StaffCall, command_usage, staff_command
from flows.messages import MsgOut
from flows.phrase_families import DECISIONS, DECISIONS_REFUSED, FLAGS

_PERSONAL: Final = ("email", "phone", "iban", "sensitive")
"""Reliable flags for personal data: flagged items are published only after a second confirmation."""
_THEN_NEXT: Final = frozenset({"approve", "hide", "merge", "split"})
"""After these commands the next item is shown; after all others the changed one."""
_PHRASES: Final[dict[RefusalReason, str]] = {
    "unknown": "unknown",
    "changed": "changed",
    "withdrawn": "changed",
    "already": "changed",
    "twice": "twice",
    "itself": "target",
    "merged": "target",
    "elsewhere": "target",
    "reason_languages": "reason_languages",
    "only_proposals": "only_proposals",
    "held": "held",
    "drafted": "drafted",
}
"""Phrases of refusals; all others concern missing or unusable text."""


def moderation_context(call: StaffCall) -> ModerationContext:
    """Returns the context of decisions of the member who calls."""
    return ModerationContext(
        call.connection,
        call.keys,
        new_id=call.batch.ids,
        now=call.now,
        staff_id=call.member.staff_id,
        name=call.member.name,
        actor=call.actor,
    )


Decide = Callable[[StaffCall, ModerationContext, ModerationItem, str], ModerationItem]


def _decision(name: str, decide: Decide) -> None:
    """Registers a command with a proposal code and arguments; it replies with the result and the next item."""

    def run(call: StaffCall) -> Iterable[MsgOut]:
        word, rest = (*call.argument.split(maxsplit=1), "", "")[:2]
        standing = call.own_item(parse_contribution_code(word))
        if standing is None:
            yield call.reply(
                "desk.refused.unknown" if word else "desk.refused.words", usage=command_usage(call.renderer, name)
            )
            return
        about = standing.proposal
        if name == "approve" and (asked := _really(call, standing, rest)):
            yield asked
            return
        chair = moderation_context(call)
        try:
            after = decide(call, chair, standing, rest.strip())
        except DecisionRefused as refusal:
            yield explain_refusal(call, name, standing, refusal, is_bare=not rest)
            return
        is_half = name == "approve" and after.state == "waiting"
        yield call.reply("desk.second" if is_half else DECISIONS[name], code=about.code)
        if name in _THEN_NEXT:
            # An item with one of two approvals waits for another person: continue with the next one.
            yield next_in_queue(call, after_id=about.id if is_half else 0)
        else:
            yield show_queue_item(call, after)

    staff_command(name, "texts.decide")(run)


def explain_refusal(
    call: StaffCall, name: str, standing: ModerationItem, refusal: DecisionRefused, *, is_bare: bool
) -> MsgOut:
    """Explains a refusal; with a bare code, as buttons send it, explains the usage instead."""
    phrase, code = _PHRASES.get(refusal.reason, "words"), standing.proposal.code
    how = command_usage(call.renderer, name, code)
    if is_bare and phrase == "words":
        return call.reply("desk.how", *decision_buttons(call, standing), usage=how)
    values = {"languages": "", "name": "", **refusal.values}
    return call.reply(
        DECISIONS_REFUSED[phrase], code=code, languages=values["languages"], name=values["name"], usage=how
    )


def _really(call: StaffCall, standing: ModerationItem, rest: str) -> MsgOut | None:
    """Asks for confirmation before personal data becomes public; None if none is flagged."""
    found = [flag for flag in _PERSONAL if flag in flags_to_check(call, standing)]
    if not found or rest.startswith(SEEN) or standing.state != "waiting":
        return None
    say, code = call.renderer.text, standing.proposal.code
    surely = call.button("button.desk.surely", "approve", code, f"{SEEN}{rest or standing.version}")
    reword = call.button("button.desk.reword", "reword", code)
    flags = ", ".join(say(FLAGS[flag]) for flag in found)
    return call.reply("desk.really", reword, surely, code=code, flags=flags)


def _approve(call: StaffCall, chair: ModerationContext, standing: ModerationItem, rest: str) -> ModerationItem:
    return moderation_decisions.approve_text(chair, standing.proposal.id, seen=rest.removeprefix(SEEN) or None)


def _hide(call: StaffCall, chair: ModerationContext, standing: ModerationItem, rest: str) -> ModerationItem:
    return moderation_decisions.hide_text(chair, standing.proposal.id, rest)


def _reword(call: StaffCall, chair: ModerationContext, standing: ModerationItem, rest: str) -> ModerationItem:
    reason, _, text = rest.partition("\n")
    return moderation_decisions.edit_text(
        chair, standing.proposal.id, ProposalWording(standing.proposal.title, text), reason
    )


def _merge(call: StaffCall, chair: ModerationContext, standing: ModerationItem, rest: str) -> ModerationItem:
    code, _, reason = rest.partition(" ")
    target = call.own_item(parse_contribution_code(code))
    if target is None:
        raise DecisionRefused("unknown" if code else "no_text")
    if reason.startswith(SEEN):  # a tap, not a reason
        return merge_split.merge_proposals(
            chair, standing.proposal.id, target.proposal.id, seen=reason.removeprefix(SEEN)
        )
    return merge_split.merge_proposals(chair, standing.proposal.id, target.proposal.id, reason)


def _split(call: StaffCall, chair: ModerationContext, standing: ModerationItem, rest: str) -> ModerationItem:
    parts = [ProposalWording(None, line.strip()) for line in rest.splitlines() if line.strip()]
    return merge_split.split_proposal(chair, standing.proposal.id, parts)[0]


def _restore(call: StaffCall, chair: ModerationContext, standing: ModerationItem, rest: str) -> ModerationItem:
    return merge_split.restore_text(chair, standing.proposal.id, rest)


def _translate(call: StaffCall, chair: ModerationContext, standing: ModerationItem, rest: str) -> ModerationItem:
    language, _, text = rest.partition(" ")
    # A translation typed here counts as reviewed.
    return moderation_decisions.translate_text(
        chair, standing.proposal.id, language, ProposalWording(None, text), reviewed=True
    )


_ALL: Final[dict[str, Decide]] = {
    "approve": _approve,
    "hide": _hide,
    "reword": _reword,
    "merge": _merge,
    "split": _split,
    "restore": _restore,
    "translate": _translate,
}
for _name, _decide in _ALL.items():
    _decision(_name, _decide)
