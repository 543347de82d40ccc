"""Decisions about texts as the form of the reading page names them, and how to take them back.

Each text carries the version that the member saw: a text that changed meanwhile is refused and shown again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, Literal, NamedTuple, get_args

from sqlalchemy import Connection

from bot.common.i18n.locale import Locale
from bot.proposals import merge_split, moderation_decisions
from bot.proposals.moderation_decisions import ModerationContext, ProposalWording
from bot.proposals.moderation_rules import DecisionRefused, ModerationItem, load_items
from bot.web.console.labels import HIDE_REASONS
from bot.web.console.reading_list import PAGE_SIZE, PERSONAL_FLAGS, flags_shown, questions_of
from bot.web.console.visit import Visit, id_in

MOST_AT_ONCE: Final = 2 * PAGE_SIZE
"""Texts decided with one form: those of a page, or one text and all that resemble it."""

Decision = Literal["approve", "hide", "edit", "merge", "review"]
Outcome = Literal[
    "approve", "hide", "edit", "merge", "review", "half", "changed", "flagged", "refused", "restore", "unreview"
]
UNDOABLE: Final[frozenset[Outcome]] = frozenset({"approve", "hide", "merge", "review"})


class SeenText(NamedTuple):
    """A text as the form names it: its id, the version that was seen, and the language of a translation."""

    number: int
    version: str
    language: str = ""


class Decided(NamedTuple):
    """What was done about one text; `undo` names it for the form that takes it back, "" if that is not possible."""

    number: int
    outcome: Outcome
    undo: str = ""


def wanted(visit: Visit) -> tuple[Decision | None, list[SeenText]]:
    """Returns the decision of the form and its texts.

    A button of one text has the value DECISION:ID:VERSION, for a translation followed by its language. The decision
    "alike" releases one text and those ticked below it.
    """
    name, _, rest = visit.field("one").partition(":")
    if name == "alike":
        number = rest.partition(":")[0]
        return "approve", _choices([rest, *visit.form.get(f"alike-{number}", [])[:MOST_AT_ONCE]])
    if name:
        return _known(name), _choices([rest])
    return _known(visit.field("all")), _choices(visit.form.get("item", [])[:MOST_AT_ONCE])


def decide_all(
    visit: Visit, connection: Connection, consultation_id: int, kind: Decision, choices: Sequence[SeenText]
) -> list[Decided]:
    """Decides about these texts, each on its own: one that is refused keeps no other from its decision."""
    context, is_single = visit.moderation(connection), bool(visit.field("one")) and len(choices) == 1
    known = own_items(connection, consultation_id, [choice.number for choice in choices])
    questions = questions_of(connection, known.values(), visit.locale.tag)
    found: list[Decided] = []
    for choice in choices:
        item = known.get(choice.number)
        if item is None:
            found.append(Decided(choice.number, "refused"))
        elif kind == "approve" and not is_single and not PERSONAL_FLAGS.isdisjoint(flags_shown(item, questions)):
            found.append(Decided(choice.number, "flagged"))
        else:
            found.append(_decided(visit, context, item, kind, choice))
    return found


def take_back(visit: Visit, connection: Connection, consultation_id: int, names: Sequence[str]) -> list[Decided]:
    """Takes decisions back: the texts wait again, a translation is unreviewed again."""
    context = visit.moderation(connection)
    asked = [(id_in(number), language) for number, _, language in (name.partition(":") for name in names)]
    known = own_items(connection, consultation_id, [number for number, _ in asked if number])
    return [_restored(context, number, language) for number, language in asked if number in known]


def own_items(connection: Connection, consultation_id: int, numbers: Sequence[int]) -> dict[int, ModerationItem]:
    """Returns the texts with these ids that belong to this consultation."""
    found = load_items(connection, list(numbers))
    return {number: it for number, it in found.items() if it.proposal.consultation_id == consultation_id}


def _decided(visit: Visit, context: ModerationContext, item: ModerationItem, kind: Decision, seen: SeenText) -> Decided:
    number, name = item.proposal.id, f"{item.proposal.id}:{seen.language}".rstrip(":")
    try:
        with context.connection.begin_nested():
            after = _DECIDE[kind](visit, context, item, seen)
    except DecisionRefused as refused:
        is_over = refused.reason in ("changed", "withdrawn", "already")
        return Decided(number, "changed" if is_over else "refused")
    if kind == "approve" and after.state == "waiting":
        return Decided(number, "half")
    return Decided(number, kind, name if kind in UNDOABLE else "")


def _approve(visit: Visit, context: ModerationContext, item: ModerationItem, seen: SeenText) -> ModerationItem:
    return moderation_decisions.approve_text(context, item.proposal.id, seen=seen.version)


def _hide(visit: Visit, context: ModerationContext, item: ModerationItem, seen: SeenText) -> ModerationItem:
    return moderation_decisions.hide_text(context, item.proposal.id, _reason(visit, item), seen=seen.version)


def _edit(visit: Visit, context: ModerationContext, item: ModerationItem, seen: SeenText) -> ModerationItem:
    wording = ProposalWording(item.proposal.title, visit.field(f"text-{item.proposal.id}"))
    reason = Locale.of(item.proposal.language).text(HIDE_REASONS["personal"])
    return moderation_decisions.edit_text(context, item.proposal.id, wording, reason, seen=seen.version)


def _merge(visit: Visit, context: ModerationContext, item: ModerationItem, seen: SeenText) -> ModerationItem:
    target = id_in(visit.field(f"into-{item.proposal.id}"))
    into = own_items(context.connection, item.proposal.consultation_id, [target] if target else [])
    return merge_split.merge_proposals(context, item.proposal.id, next(iter(into), 0), "", seen=seen.version)


def _review(visit: Visit, context: ModerationContext, item: ModerationItem, seen: SeenText) -> ModerationItem:
    return moderation_decisions.review_translation(context, item.proposal.id, seen.language, seen=seen.version)


_DECIDE: Final[dict[Decision, Callable[[Visit, ModerationContext, ModerationItem, SeenText], ModerationItem]]] = {
    "approve": _approve,
    "hide": _hide,
    "edit": _edit,
    "merge": _merge,
    "review": _review,
}


def _restored(context: ModerationContext, number: int, language: str) -> Decided:
    try:
        with context.connection.begin_nested():
            if language:
                moderation_decisions.review_translation(context, number, language, reviewed=False)
            else:
                merge_split.restore_text(context, number)
    except DecisionRefused:
        return Decided(number, "changed")
    return Decided(number, "unreview" if language else "restore")


def _reason(visit: Visit, item: ModerationItem) -> str:
    """Returns the reason for the author: the words of the form, else the chosen template in the author's language."""
    suffix = f"-{item.proposal.id}" if visit.field("one") else ""
    if written := visit.field(f"words{suffix}"):
        return written
    phrase = HIDE_REASONS.get(visit.field(f"reason{suffix}"))
    return Locale.of(item.proposal.language).text(phrase) if phrase else ""


def _choices(texts: Sequence[str]) -> list[SeenText]:
    found: list[SeenText] = []
    for text in texts:
        number, _, rest = text.partition(":")
        version, _, language = rest.partition(":")
        if (id_ := id_in(number)) and version:
            found.append(SeenText(id_, version, language))
    return found


def _known(name: str) -> Decision | None:
    decisions: tuple[Decision, ...] = get_args(Decision)
    return next((decision for decision in decisions if decision == name), None)
