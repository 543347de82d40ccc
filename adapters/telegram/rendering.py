"""Renders messages for Telegram: plain text with a keyboard. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from adapters.splitting import split_text, utf16_length
from flows.messages import IN_PLACE, MsgOut, QuickReply, message_as_text

TEXT_UNITS: Final = 4096
TOKEN_BYTES: Final = 64
BUTTON_LETTERS: Final = 32
"""The characters of a full-width button that a phone shows; a longer label is repeated in the text."""

MOST_BUTTONS: Final = 100
"""Telegram refuses a keyboard with more; further options are in the text only, to be typed."""

Row = list[dict[str, str]]
Keyboard = dict[str, list[Row]]


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
    msg = msg.whole(is_typed=False)
    replies = [reply for reply in msg.quick_replies if len(reply.token.encode()) <= TOKEN_BYTES]
    text = message_as_text(msg.without_images())
    numbered = len(replies) > MOST_BUTTONS or any(len(reply.label) > BUTTON_LETTERS for reply in replies)
    if numbered:
        lines = [f"{reply.number}. {reply.label}" for reply in replies if reply.number]
        text = "\n".join((text, "", *lines))
    unlinked = [reply for reply in replies if reply.link and not _opens(reply.link)]
    text = "\n".join((text, *(f"{reply.label}: {reply.link}" for reply in unlinked)))
    shown = [reply for reply in replies if reply not in unlinked]
    if msg.expects in IN_PLACE and not deep_link:
        rows = _steady_rows(shown, numbered=numbered)
    else:
        rows = [[_button(reply, deep_link, numbered=numbered)] for reply in _first(shown)]
    photos = [Photo(image.media, image.text) for image in msg.images]
    parts: list[str | Photo] = [*photos, *(split_text(text, TEXT_UNITS) or ["…"])]
    return Rendered(parts, {"inline_keyboard": rows} if rows else None)


def _steady_rows(replies: Sequence[QuickReply], *, numbered: bool) -> list[Row]:
    """Returns the rows of a message that is changed in place: no row ever moves, so that fast taps on one button never
    hit another. Options with steps have a row for these; what ends the question shares the last row.
    """
    options = [reply for reply in replies if reply.role == "answer"]
    ends = [_button(reply, "", numbered=False) for reply in replies if reply.role not in {"answer", "less"}]
    free = MOST_BUTTONS - len(ends)
    is_crowded = sum(1 + len(reply.steps) for reply in options) > free
    rows: list[Row] = []
    for reply in options:
        steps = [step for step in reply.steps if len(step.token.encode()) <= TOKEN_BYTES]
        if is_crowded:  # the button with the name does the same as one of the steps
            steps = [step for step in steps if step.token != reply.token]
        free -= 1 + len(steps)
        if free < 0:
            break
        shown = reply._replace(label=_with_amount(reply)) if steps else reply
        rows.append([_button(shown, "", numbered=numbered)])
        rows += [[{"text": step.label, "callback_data": step.token} for step in steps]] if steps else []
    return [*rows, ends] if ends else rows


def _with_amount(reply: QuickReply) -> str:
    return f"{reply.name}: {reply.amount:,}".replace(",", "\u202f")


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


def with_choice(text: str, label: str) -> str:
    """Returns the text of a message with the chosen answer added. "" if it does not fit."""
    marked = f"{text}\n\n✓ {label}"
    return marked if text and utf16_length(marked) <= TEXT_UNITS else ""


def label_of(keyboard: Any, token: str) -> str:
    """Returns the label of the button with this token; "" if there is none."""
    rows = keyboard.get("inline_keyboard", []) if isinstance(keyboard, dict) else []
    buttons = (button for row in rows if isinstance(row, list) for button in row if isinstance(button, dict))
    return next((str(button.get("text", "")) for button in buttons if button.get("callback_data") == token), "")
