"""`/queue`: shows proposals and free-text answers waiting for moderation, with buttons for decisions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from bot.consultations.stored_revisions import UnreadableError
from bot.proposals.codes import parse_contribution_code
from bot.proposals.contribution_status import contribution_statuses, status_lines
from bot.proposals.moderation_rules import ModerationItem, load_items
from bot.proposals.similar_proposals import SimilarProposal, find_similar_proposals
from bot.staff.chat.registry import StaffCall, staff_command
from flows.flow import Flow
from flows.languages import LANGUAGES
from flows.messages import MsgOut, QuickReply
from flows.phrase_families import FLAGS, PROPOSAL_STATES
from flows.questions.district import DISTRICTS
from storage.tables.moderation import count_moderation_states
from storage.tables.revisions import list_live_revision_heads, live_revision_of
from storage.tables.waiting_texts import moderation_queue

SEEN: Final = "="
"""Prefix of a proposal's version in buttons of commands whose typed form has other arguments."""
_SHOWN: Final = 120
"""Characters shown of a similar proposal."""


@staff_command("queue", "texts.read")
def show_queue(call: StaffCall) -> Iterable[MsgOut]:
    """Shows the oldest waiting item of one or all consultations; with a code that item, or the next one."""
    word, *more = call.argument.split() or [""]
    code = parse_contribution_code(word)
    if code is None:
        own = call.own_slugs()
        if word and word.casefold() not in own:
            return [call.reply("push.unknown", slug=word[:40], slugs=", ".join(own) or "–")]
        return [next_in_queue(call, word.casefold())]
    standing = call.own_item(code)
    if standing is None:
        return [call.reply("desk.refused.unknown")]
    if more:
        return [next_in_queue(call, more[1] if len(more) > 1 else "", standing.proposal.id)]
    return [show_queue_item(call, standing)]


def next_in_queue(call: StaffCall, slug: str = "", after_id: int = 0) -> MsgOut:
    """Shows the next waiting item of one or all consultations; else the number of earlier ones."""
    revisions = list_live_revision_heads(call.connection, ("open", "closed"))
    ids = [one.consultation_id for one in revisions if slug in {"", one.slug} and call.is_own(one.consultation_id)]
    waiting = [number for one in ids for number in moderation_queue(call.connection, one, after_id=after_id, limit=1)]
    if waiting:
        oldest = min(waiting)
        return show_queue_item(call, load_items(call.connection, [oldest])[oldest], slug)
    left = sum(count_moderation_states(call.connection, one).get("waiting", 0) for one in ids)
    if after_id and left:
        again = call.button("button.desk.first", "queue", *filter(None, [slug]))
        return call.reply("desk.queue.end", again, waiting=left)
    return call.reply("desk.queue.empty")


def show_queue_item(call: StaffCall, standing: ModerationItem, slug: str = "") -> MsgOut:
    """Shows an item with its state, flags and similar proposals; `slug`: the consultation being worked through."""
    about, say = standing.proposal, call.renderer.text
    alike = _alike(call, standing)
    lines = [_head(call, standing), *_asked(call, standing), "", *filter(None, (about.title, about.text))]
    lines += [f"\n{LANGUAGES[tag].name}: {text.text}" for tag, text in sorted(standing.texts.items())]
    if found := flags_to_check(call, standing):
        flags = ", ".join(say(FLAGS[flag]) for flag in found)
        lines += ["", say("desk.queue.flags", flags=flags)]
    for other in alike:
        text = " ".join(other.proposal.text.split())[:_SHOWN]
        lines += ["", say("desk.queue.similar", likeness=other.likeness, code=other.proposal.code, text=text)]
    told = _told(call, standing)
    return call.renderer.message(
        "\n".join([*lines, *([""] if told else []), *told]), _buttons(call, standing, alike, slug)
    )


def _told(call: StaffCall, standing: ModerationItem) -> list[str]:
    """Describes the public status; for waiting items only earlier outcomes."""
    about, say = standing.proposal, call.renderer.text
    if standing.answer is None:
        told = status_lines(
            contribution_statuses(call.connection, [about.code])[about.code], say, call.renderer.language
        )
        return told[1:] if standing.state == "waiting" else told
    if standing.state == "waiting":
        return []
    reason = standing.reason_of("hide") if standing.state == "hidden" else ""
    return [say(PROPOSAL_STATES[standing.state]), *([say("account.reason", reason=reason)] if reason else [])]


def _asked(call: StaffCall, standing: ModerationItem) -> list[str]:
    """Returns the question of an answer in the reader's language; empty for proposals."""
    flow, key = _flow(call, standing), standing.proposal.question_key
    if flow is None or key not in flow.questions:
        return []
    localized = flow.localized.get(call.renderer.language) or flow.localized[flow.consultation.main_language]
    return ["", localized.titles[key]]


def flags_to_check(call: StaffCall, standing: ModerationItem) -> list[str]:
    """Returns the flags of the text, and whether the question is sensitive."""
    flow, key = _flow(call, standing), standing.proposal.question_key
    is_sensitive = flow is not None and key in flow.questions and flow.question(key).sensitive
    return [*standing.flags, *(["sensitive"] if is_sensitive else [])]


def _flow(call: StaffCall, standing: ModerationItem) -> Flow | None:
    """Returns the flow of an answer's revision; None for proposals and incompatible revisions."""
    if standing.answer is None:
        return None
    try:
        return call.catalogue.revision(call.connection, standing.answer.revision_id).flow
    except UnreadableError:
        return None


def _head(call: StaffCall, standing: ModerationItem) -> str:
    """Formats code, consultation, number of waiting items, and the author's language and district."""
    about = standing.proposal
    revision = live_revision_of(call.connection, about.consultation_id)
    waiting = count_moderation_states(call.connection, about.consultation_id).get("waiting", 0)
    slug = revision.slug if revision else "?"
    parts = [call.renderer.text("desk.queue.head", code=about.code, slug=slug, waiting=waiting)]
    parts += [LANGUAGES[about.language].name] if about.language in LANGUAGES else []
    return " · ".join([*parts, *filter(None, [DISTRICTS.get(about.district or "", about.district)])])


def decision_buttons(call: StaffCall, standing: ModerationItem) -> list[QuickReply]:
    """Returns the decision buttons again, since a tap removes them in messengers."""
    return list(_buttons(call, standing, _alike(call, standing), ""))


def _alike(call: StaffCall, standing: ModerationItem) -> list[SimilarProposal]:
    about = standing.proposal
    return [] if standing.answer else find_similar_proposals(call.connection, about.consultation_id, [about])[about.id]


def _buttons(
    call: StaffCall, standing: ModerationItem, alike: Iterable[SimilarProposal], slug: str
) -> Iterator[QuickReply]:
    """Yields the decision buttons, with the shown version; for decisions with text a tap explains the usage."""
    code = standing.proposal.code
    if standing.state == "waiting":
        yield call.button("button.desk.approve", "approve", code, standing.version)
        for other in alike:
            arguments = (code, other.proposal.code, f"{SEEN}{standing.version}")
            yield call.button("button.desk.merge", "merge", *arguments, code=other.proposal.code)
        yield call.button("button.desk.hide", "hide", code)
        yield call.button("button.desk.reword", "reword", code)
    yield call.button("button.desk.next", "queue", code, "next", *filter(None, [slug]))
