"""`/answer`: an official answer, shown as people will read it, sent after a tap, and held back for a minute."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from bot.broadcasts.outcome_audience import audiences, outcome_message
from bot.common.ids import parse_id
from bot.proposals import answer_drafts
from bot.proposals.answer_drafts import DraftConflict, DraftKey, outcome_of
from bot.proposals.codes import parse_contribution_code
from bot.proposals.moderation_decisions import ModerationContext
from bot.proposals.moderation_rules import DecisionRefused, ModerationItem, check_decision
from bot.proposals.official_answers import REQUIRED_LANGUAGE, OfficialAnswer, required_languages, step_of
from bot.staff.chat.moderate import explain_refusal, moderation_context
from bot.staff.chat.registry import StaffCall, command_usage, staff_command
from flows.languages import LANGUAGES
from flows.messages import MsgOut
from flows.understanding.text import fold
from storage.tables.answer_drafts import AnswerDraft
from storage.tables.proposals import PUBLIC_STATUSES, ProposalStatus

_LANGUAGE: Final = re.compile(r"^([a-z]{2}(?:-simple)?):\s*", re.MULTILINE)
_TAP: Final = re.compile(r"=(send|drop|undo) (\d{1,19})")
"""What the buttons add to the code: send or drop the draft of this version, take this sending back."""


@staff_command("answer", "answers.publish")
def answer(call: StaffCall) -> Iterable[MsgOut]:
    """`/answer CODE STATUS REASON` shows what people will read; a tap sends it, another one takes it back."""
    word, rest = (*call.argument.split(maxsplit=1), "", "")[:2]
    item = call.own_item(parse_contribution_code(word))
    if item is None:
        phrase = "desk.refused.unknown" if word else "desk.refused.words"
        return [call.reply(phrase, usage=command_usage(call.renderer, "answer"))]
    context = moderation_context(call)
    try:
        if tap := _TAP.fullmatch(rest.strip()):
            return [_tapped(call, context, item, tap.group(1), parse_id(tap.group(2)))]
        return [_drafted(call, context, item, rest)]
    except (DecisionRefused, DraftConflict) as error:
        refusal = error if isinstance(error, DecisionRefused) else DecisionRefused("changed")
        return [explain_refusal(call, "answer", item, refusal, is_bare=not rest)]


def _drafted(call: StaffCall, context: ModerationContext, item: ModerationItem, rest: str) -> MsgOut:
    """Saves the answer as a draft and shows what people will read. Raises DecisionRefused, also if another member, or
    the console, has saved a draft.
    """
    word, _, reasons = rest.strip().partition(" ")
    status = _status(call, word)
    if status is None:
        raise DecisionRefused("status")
    first, *others = _LANGUAGE.split(reasons)
    reason = {REQUIRED_LANGUAGE: first.strip()} | dict(zip(others[::2], map(str.strip, others[1::2]), strict=True))
    outcome = OfficialAnswer(status, reason)
    check_decision(item, "status", None)
    step_of(item, outcome, call.now)
    draft = answer_drafts.save_draft(context, answer_drafts.own_key(context, item.proposal.id), outcome)
    return _preview(call, item, draft)


def _preview(call: StaffCall, item: ModerationItem, draft: AnswerDraft) -> MsgOut:
    """Shows the message in each language of those who will hear, with their number."""
    code = item.proposal.code
    _, everyone = audiences(call.connection, [item], call.keys)
    numbers = dict.fromkeys(required_languages(item), 0) | everyone.by_language()
    step = step_of(item, outcome_of(draft), call.now)
    texts = [
        f"{LANGUAGES[tag].name}: {number}\n{outcome_message(step, code, tag, call.settings.web.public_url).text}"
        for tag, number in numbers.items()
    ]
    head = call.renderer.text("desk.answer.preview", code=code, number=everyone.total)
    buttons = [
        call.button("button.desk.send", "answer", code, f"=send {draft.version}"),
        call.button("button.desk.drop", "answer", code, f"=drop {draft.version}"),
    ]
    return call.renderer.message("\n\n".join([head, *texts]), buttons)


def _tapped(call: StaffCall, context: ModerationContext, item: ModerationItem, verb: str, number: int) -> MsgOut:
    about = item.proposal
    key = DraftKey(about.id, number)
    if verb == "undo":
        is_back = answer_drafts.take_back(context, about.consultation_id, number)
        return call.reply("desk.answer.undone" if is_back else "desk.answer.late", code=about.code)
    if verb == "drop":
        answer_drafts.drop_draft(context, key)
        return call.reply("desk.answer.dropped", code=about.code)
    sending = answer_drafts.hold_drafts(context, about.consultation_id, [key], may_wait=True)
    if reason := sending.refused.get(about.id):
        raise DecisionRefused(reason)
    undo = call.button("button.desk.undo", "answer", about.code, f"=undo {sending.sending_id}")
    return call.reply("desk.answer.sent", undo, code=about.code)


def _status(call: StaffCall, word: str) -> ProposalStatus | None:
    """Parses a status, by its word in any available language or its name in files and the API."""
    plain = fold(word)
    for status in PUBLIC_STATUSES:
        if plain in {fold(status), *call.catalogue.words(f"words.desk.status.{status}")}:
            return status
    return None
