"""`/push`: sends a broadcast to subscribers after a dry run and a confirmation, and reports its progress."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from bot.broadcasts import second_person, service, texts
from bot.broadcasts.sending import BroadcastProcessor
from bot.broadcasts.service import TRANSITIONS, BroadcastDraft, PushError, parse_time
from bot.common.ids import parse_id
from bot.staff.chat import argument_parser
from bot.staff.chat.argument_parser import PushArguments
from bot.staff.chat.registry import StaffCall, staff_command
from flows.messages import MsgOut, QuickReply
from flows.phrase_families import PUSH_BUTTONS
from flows.understanding.text import fold
from storage.tables.broadcasts import (
    StoredBroadcast,
    broadcast_by_id,
    delete_draft_broadcast,
    draft_broadcast_of,
    insert_broadcasts,
    newest_broadcasts,
)


@staff_command("push", "push")
def manage_pushes(call: StaffCall) -> Iterable[MsgOut]:
    """`/push SLUG SEGMENT [at TIME] [N per hour] [reminder]` starts a dry run; verbs change an existing push."""
    words = argument_parser.vocabulary(call.catalogue.lists("words.push"))
    verb, _, number = call.argument.partition(" ")
    if not call.catalogue.is_known(verb.casefold()):
        verb = next((plain for plain in ("yes", "no") if call.means(f"words.{plain}")), words.get(fold(verb), verb))
    try:
        if not verb or verb == "status":
            return [_overview(call, is_help=not verb)]
        if verb in _VERBS and (not number or number.isdecimal()):
            return [_VERBS[verb](call, _meant(call, verb, number))]
        return [_draft(call, verb, argument_parser.parse_push_arguments(number, words))]
    except PushError as refused:
        return [call.reply(refused.phrase, **refused.values)]


def _draft(call: StaffCall, slug: str, typed: PushArguments) -> MsgOut:
    """Stores a draft; the dry run follows in the background and takes some seconds with many contacts."""
    at = parse_time(typed.at, call.settings.zone()) if typed.at else None
    wish = BroadcastDraft(
        slug.casefold(),
        typed.segment or "everybody",
        at,
        typed.per_hour,
        typed.is_reminder,
        is_sample=typed.is_sample,
    )
    draft = service.create_draft(_processor(call), call.connection, wish, call.now, _limit(call))
    insert_broadcasts(call.connection, [draft._replace(member_id=call.member.staff_id)])
    return call.reply("push.counting")


def _overview(call: StaffCall, *, is_help: bool) -> MsgOut:
    """Shows the last pushes; shows the usage if asked for or if there are none."""
    processor = _processor(call)
    paragraphs: list[str] = []
    buttons: list[QuickReply] = []
    limit = _limit(call)
    for one in newest_broadcasts(call.connection, 3, limit):
        paragraphs.append(
            "\n".join(
                service.describe_broadcast(
                    processor, call.connection, one, call.renderer.text, call.renderer.words("words.push")
                )
            )
        )
        buttons = buttons or _buttons(call, one)
    if is_help or not paragraphs:
        catalogue = processor.catalogue
        slugs = [it.slug for it in catalogue.main_menu.entries if limit is None or it.slug in limit]
        slugs = [slug for slug in slugs if not catalogue.is_sample(slug)]
        paragraphs.insert(0, _help(call, slugs))
        buttons += [_button_for(call, slug) for slug in slugs]
    return call.renderer.message("\n\n".join(paragraphs), buttons)


def _limit(call: StaffCall) -> frozenset[str] | None:
    """Returns the consultations that a member with assignments may push in; None for all."""
    return frozenset(call.own_slugs()) if call.member.assigned_only else None


def _button_for(call: StaffCall, slug: str) -> QuickReply:
    """Returns a button that counts the audience of an open consultation: all matching subscribers."""
    return QuickReply(call.renderer.command_token("push", slug), call.catalogue.title(slug, call.renderer.language))


def _help(call: StaffCall, slugs: list[str]) -> str:
    say = call.renderer.text
    lines = [say("push.usage", slug=slugs[0] if slugs else "…"), say("push.segments")]
    return "\n".join([*lines, say("push.open", slugs=", ".join(slugs) or "–")])


def _buttons(call: StaffCall, one: StoredBroadcast) -> list[QuickReply]:
    """Returns the buttons for the state of a push."""
    again = call.button("button.push.status", "push", "status")
    pause, resume, recall = (
        call.button(PUSH_BUTTONS[verb], "push", verb, one.id) for verb in ("pause", "resume", "recall")
    )
    match one.state:
        case "planning" | "sending":
            return [again, pause, recall]
        case "paused":
            return [again, resume, recall]
    return []


def _meant(call: StaffCall, verb: str, number: str) -> StoredBroadcast:
    """Returns the push with this number, else the newest one. Raises PushError."""
    limit = _limit(call)
    if number:
        found = broadcast_by_id(call.connection, parse_id(number))
    elif verb in {"yes", "surely", "no"}:
        found = draft_broadcast_of(call.connection, call.member.staff_id)
    else:
        found = next(iter(newest_broadcasts(call.connection, 1, limit)), None)
    if found is None or (limit is not None and found.slug not in limit):
        raise PushError("push.stale")
    return found


def _confirm(call: StaffCall, draft: StoredBroadcast, *, surely: bool = False) -> MsgOut:
    """Starts a push; a large audience needs a second confirmation, or the agreement of a second member."""
    if draft.state != "draft" or draft.counted is None:
        raise PushError("push.stale")
    if service.is_large(call.settings, draft.counted) and not surely:
        yes = call.button("button.push.surely", "push", "surely", draft.id)
        return call.reply(
            "push.really", yes, call.button("button.push.no", "push", "no", draft.id), number=draft.counted
        )
    processor = _processor(call)
    if not service.start_broadcast(processor, call.connection, draft, call.now, call.actor):
        return call.reply("push.asked", **second_person.where_to_agree(call.settings, draft.slug))
    when = texts.describe_time(call.settings, draft, call.now, call.renderer.text, call.renderer.language)
    text = f"{call.renderer.text('push.begun', slug=draft.slug)} {when}"
    return call.renderer.message(text, _buttons(call, draft._replace(state="planning")))


def _cancel(call: StaffCall, draft: StoredBroadcast) -> MsgOut:
    if draft.state != "draft" or not delete_draft_broadcast(call.connection, draft.id):
        raise PushError("push.stale")
    return call.reply("push.cancelled")


def _mover(verb: str, phrase: str) -> Callable[[StaffCall, StoredBroadcast], MsgOut]:
    after = TRANSITIONS[verb][1]

    def move(call: StaffCall, one: StoredBroadcast) -> MsgOut:
        if not service.change_state(_processor(call), call.connection, one, verb, call.actor):
            raise PushError("push.stale")
        return call.renderer.message(
            call.renderer.text(phrase, slug=one.slug), _buttons(call, one._replace(state=after))
        )

    return move


_VERBS: Final[dict[str, Callable[[StaffCall, StoredBroadcast], MsgOut]]] = {
    "yes": _confirm,
    "surely": lambda call, draft: _confirm(call, draft, surely=True),
    "no": _cancel,
    "pause": _mover("pause", "push.paused"),
    "resume": _mover("resume", "push.resumed"),
    "recall": _mover("recall", "push.recalled"),
}


def _processor(call: StaffCall) -> BroadcastProcessor:
    """Builds a processor with the catalogue of the writing thread, where commands run."""
    return BroadcastProcessor(call.settings, call.keys, call.proactive, call.channels, call.catalogue)
