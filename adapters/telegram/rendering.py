"""Renders messages for Telegram: plain text with a keyboard. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from adapters.splitting import split_text, utf16_length
from flows.messages import MsgOut, QuickReply, message_as_text

TEXT_UNITS: Final = 4096
TOKEN_BYTES: Final = 64
BUTTON_LETTERS: Final = 32
"""The characters of a full-width button that a phone shows; a longer label is repeated in the text."""

MOST_BUTTONS: Final = 100
"""Telegram refuses a keyboard with more; further options are in the text only, to be typed."""

Keyboard = dict[str, list[list[dict[str, str]]]]


class Photo(NamedTuple):
    """An image with its caption, which numbers it and says what it shows."""

    media: str
    caption: str


class Rendered(NamedTuple):
    """The parts of a message in order; the last one is a text and has the keyboard."""

    parts: list[str | Photo]
    keyboard: Keyboard | None


def render_message(msg: MsgOut, *, deep_link: str = "") -> Rendered:
    """Renders a message. With a `deep_link` (in groups) buttons open the private chat.

    Images come first, each as a photo of its own: an album shows its captions only after a tap on it.
    """
    replies = [reply for reply in msg.quick_replies if len(reply.token.encode()) <= TOKEN_BYTES]
    text = message_as_text(msg.without_images())
    numbered = len(replies) > MOST_BUTTONS or any(len(reply.label) > BUTTON_LETTERS for reply in replies)
    if numbered:
        lines = [f"{reply.number}. {reply.label}" for reply in replies if reply.number]
        text = "\n".join((text, "", *lines))
    unlinked = [reply for reply in replies if reply.link and not _opens(reply.link)]
    text = "\n".join((text, *(f"{reply.label}: {reply.link}" for reply in unlinked)))
    shown = [reply for reply in replies if reply not in unlinked]
    rows = [[_button(reply, deep_link, numbered=numbered)] for reply in _first(shown)]
    photos = [Photo(image.media, image.text) for image in msg.images]
    parts: list[str | Photo] = [*photos, *(split_text(text, TEXT_UNITS) or ["…"])]
    return Rendered(parts, {"inline_keyboard": rows} if rows else None)


def _opens(link: str) -> bool:
    """Whether Telegram accepts the link in a button; it refuses a message with a button to a local address."""
    return link.startswith("https://")


def _first(replies: Sequence[QuickReply]) -> Sequence[QuickReply]:
    """Returns the replies without the last options, if there are too many for a keyboard."""
    too_many = len(replies) - MOST_BUTTONS
    if too_many <= 0:
        return replies
    left_out = [reply for reply in replies if reply.number][-too_many:]
    return [reply for reply in replies if reply not in left_out]


def _button(reply: QuickReply, deep_link: str, *, numbered: bool) -> dict[str, str]:
    label = f"{reply.number}. {reply.label}" if numbered and reply.number else reply.label
    if reply.link:
        return {"text": label, "url": reply.link}
    if deep_link:
        return {"text": label, "url": f"{deep_link}?start={reply.parsed.value}"}
    return {"text": label, "callback_data": reply.token}


def question_of(msg: MsgOut) -> tuple[str, str]:
    """Returns revision and key of the question that a message asks with buttons; empty if there are none."""
    return msg.quick_replies[0].parsed[:2] if msg.quick_replies else ("", "")


def with_choice(text: str, label: str) -> str:
    """Returns the text of a message with the chosen answer added. "" if it does not fit."""
    marked = f"{text}\n\n✓ {label}"
    return marked if text and utf16_length(marked) <= TEXT_UNITS else ""


def label_of(keyboard: Any, token: str) -> str:
    """Returns the label of the button with this token; "" if there is none."""
    rows = keyboard.get("inline_keyboard", []) if isinstance(keyboard, dict) else []
    buttons = (button for row in rows if isinstance(row, list) for button in row if isinstance(button, dict))
    return next((str(button.get("text", "")) for button in buttons if button.get("callback_data") == token), "")
