"""Texts of broadcast messages: consultation, duration, the matching subscription and how to unsubscribe."""

from __future__ import annotations

from typing import Final

from bot.consultations.catalogue import Catalogue, PublishedFlow
from bot.privacy.subscriptions import subscription_in_words
from flows.commands.words import Command
from flows.messages import MsgIn, MsgOut, QuickReply
from flows.tokens import START, Token

CODE: Final = "push"
"""Marks buttons of broadcast messages, which work at any time, also within another consultation."""
STOP: Final = Token.of_command(CODE, Command.STOP).format()


def broadcast_message(
    published: PublishedFlow, language: str, why: tuple[str, str], catalogue: Catalogue, *, is_reminder: bool
) -> MsgOut:
    """Builds the message in one language for recipients with this subscription."""
    flow = published.flow
    renderer, consultation = flow.localized[language].renderer, flow.consultation
    lines = [
        renderer.text("push.reminder" if is_reminder else "push.new", title=renderer.localized(consultation.title)),
        renderer.text("push.asks", asks=renderer.localized(consultation.asks)),
        renderer.text("push.minutes", minutes=renderer.minutes(consultation.minutes)),
        renderer.text("push.how", slug=published.slug),
        "",
        renderer.text("push.because", what=subscription_in_words(*why, renderer, catalogue)),
        renderer.text("push.stop"),
    ]
    start = "button.continue" if is_reminder else "button.start"
    buttons = [
        QuickReply(Token(CODE, START, published.slug).format(), renderer.text(start)),
        QuickReply(STOP, renderer.text("button.stop")),
    ]
    return renderer.message("\n".join(lines), buttons)


def as_typed(msg: MsgIn) -> MsgIn:
    """Converts a tap on a broadcast button to its command; returns other messages unchanged."""
    tapped = msg.tapped
    if tapped is None or tapped.code != CODE:
        return msg
    if tapped.key == START:
        return msg._replace(choice="", text=f"/{Command.START} {tapped.value}")
    return msg._replace(choice="", text=f"/{Command.STOP}") if tapped.command == Command.STOP else msg
