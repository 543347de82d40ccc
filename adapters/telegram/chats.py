"""The newest message with buttons of each chat. In memory only: after a restart a message is sent again instead of
edited.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from adapters.telegram.rendering import label_of
from flows.messages import IN_PLACE, MsgOut, reference_of

MOST: Final = 20_000
REPEAT_SECONDS: Final = 10.0
"""A second tap on the same button within this time is a repeat."""


@dataclass(slots=True)
class ChatQuestion:
    """The newest message with buttons in a chat."""

    message_id: int
    reference: str
    """The question (`MsgOut.reference`)."""
    is_in_place: bool = False
    """Whether each tap changes the message."""
    is_tapped: bool = False
    """Whether the contact's last message was a tap on it."""
    text: str = ""
    """Of a message that is changed in place: its newest text, because a tap may show an earlier one."""
    chosen: str = ""
    """Label of the button that was tapped."""


class _Tap(NamedTuple):
    """The newest tap in a chat on a button that counts once."""

    button: tuple[Any, str]
    """Message id and token."""
    number: str
    at: float


class Chats:
    """The newest messages with buttons, of the most recently active chats."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._asked: OrderedDict[str, ChatQuestion] = OrderedDict()
        self._taps: OrderedDict[str, _Tap] = OrderedDict()

    def said(self, address: str) -> None:
        """Records a message of the contact: the next message of the bot is a new one."""
        if asked := self._asked.get(address):
            asked.is_tapped = False

    def is_repeated(self, address: str, tap: Mapping[str, Any]) -> bool:
        """Whether the same button was tapped a moment ago. The same tap, delivered again, is no repeat."""
        made = _Tap((tap["message"].get("message_id"), str(tap["data"])), str(tap["id"]), self._now())
        before = self._taps.get(address)
        if before and before.button == made.button and made.at - before.at < REPEAT_SECONDS:
            return before.number != made.number
        asked = self._asked.get(address)
        if asked and not asked.is_in_place and asked.message_id == made.button[0]:
            self._taps[address] = made
            if len(self._taps) > MOST:
                self._taps.popitem(last=False)
        return False

    def tapped(self, address: str, message: dict[str, Any], token: str) -> int | None:
        """Records a tap on a button. Returns the message if it is an older one of a question that has a newer one: that
        shows what the tap changes, and the buttons of the older one are no longer needed.
        """
        number, reference = int(message["message_id"]), reference_of(token)
        asked = self._asked.get(address)
        if asked is None:  # after a restart
            asked = self._note(address, ChatQuestion(number, reference, is_in_place=True))
        if asked.message_id != number:
            if not (asked.is_in_place and asked.reference == reference):
                return None
            asked.is_tapped, asked.chosen = True, ""
            return number
        asked.is_tapped = True
        asked.text = asked.text or str(message.get("text") or "")
        asked.chosen = label_of(message.get("reply_markup"), token)
        return None

    def forget(self, address: str) -> None:
        """Deletes the entry of a chat."""
        self._asked.pop(address, None)
        self._taps.pop(address, None)

    def to_change(self, address: str, msg: MsgOut) -> int | None:
        """Returns the message to edit instead of sending this one: it shows the question that a tap on it changed. What
        was typed is answered below it."""
        asked = self._asked.get(address)
        if msg.replaces and asked and asked.is_tapped and asked.reference == msg.replaces:
            return asked.message_id
        return None

    def changed(self, address: str, text: str) -> None:
        """Records the new text of the newest message with buttons."""
        if asked := self._asked.get(address):
            asked.text, asked.is_in_place = text, True

    def take_tapped(self, address: str) -> ChatQuestion | None:
        """Returns the tapped message, once: its buttons are no longer needed."""
        asked = self._asked.get(address)
        return self._asked.pop(address) if asked and asked.is_tapped else None

    def sent(self, address: str, msg: MsgOut, message_id: int, text: str) -> int | None:
        """Records a sent message with buttons. Returns the earlier message of the same question that it replaces."""
        before = self._asked.get(address)
        asked = ChatQuestion(message_id, msg.reference, msg.expects in IN_PLACE)
        if asked.is_in_place:
            asked.text = text
        self._note(address, asked)
        is_replaced = before and before.is_in_place and asked.is_in_place and before.reference == asked.reference
        return before.message_id if before and is_replaced else None

    def _note(self, address: str, asked: ChatQuestion) -> ChatQuestion:
        self._asked[address] = asked
        self._asked.move_to_end(address)
        if len(self._asked) > MOST:
            self._asked.popitem(last=False)
        return asked
