"""What is remembered of each chat: its newest message with buttons. In memory only: after a restart nothing is lost but
that a message is sent anew instead of changed.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Any, Final

from adapters.telegram.rendering import label_of, question_of
from flows.messages import MsgOut

MOST: Final = 20_000


@dataclass(slots=True)
class ChatQuestion:
    """The newest message with buttons in a chat."""

    message_id: int
    question: tuple[str, str]
    """Revision and key."""
    is_tapped: bool = False
    """Whether the person's last word was a tap on it."""
    text: str = ""
    chosen: str = ""
    """Label of the button that was tapped."""


class Chats:
    """The newest messages with buttons, of the chats in which most lately something happened."""

    def __init__(self) -> None:
        self._asked: OrderedDict[str, ChatQuestion] = OrderedDict()

    def said(self, address: str) -> None:
        """The person wrote something: what comes next is a message of its own."""
        if asked := self._asked.get(address):
            asked.is_tapped = False

    def tapped(self, address: str, message: dict[str, Any], token: str) -> None:
        """The person tapped a button; on older messages nothing changes."""
        asked = self._asked.get(address)
        if asked is None or asked.message_id != message.get("message_id"):
            return
        asked.is_tapped = True
        asked.text = str(message.get("text") or "")
        asked.chosen = label_of(message.get("reply_markup"), token)

    def forget(self, address: str) -> None:
        """Nothing is left of a chat."""
        self._asked.pop(address, None)

    def to_change(self, address: str, msg: MsgOut) -> int | None:
        """The message to change instead of sending this one: the same question, in which something was just ticked."""
        asked = self._asked.get(address)
        if (
            msg.expects in {"many", "order", "amounts"}
            and asked
            and asked.is_tapped
            and asked.question == question_of(msg)
        ):
            return asked.message_id
        return None

    def take_tapped(self, address: str) -> ChatQuestion | None:
        """The tapped message, once: its buttons have done their work."""
        asked = self._asked.get(address)
        return self._asked.pop(address) if asked and asked.is_tapped else None

    def sent(self, address: str, msg: MsgOut, message_id: int) -> None:
        """A message with buttons is there now."""
        self._asked[address] = ChatQuestion(message_id, question_of(msg))
        self._asked.move_to_end(address)
        if len(self._asked) > MOST:
            self._asked.popitem(last=False)
