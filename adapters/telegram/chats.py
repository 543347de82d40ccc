"""The newest message with buttons of each chat. In memory only: after a restart a message is sent again instead of
edited.
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
    """Whether the contact's last message was a tap on it."""
    text: str = ""
    chosen: str = ""
    """Label of the button that was tapped."""


class Chats:
    """The newest messages with buttons, of the most recently active chats."""

    def __init__(self) -> None:
        self._asked: OrderedDict[str, ChatQuestion] = OrderedDict()

    def said(self, address: str) -> None:
        """Records a message of the contact: the next message of the bot is a new one."""
        if asked := self._asked.get(address):
            asked.is_tapped = False

    def tapped(self, address: str, message: dict[str, Any], token: str) -> None:
        """Records a tap on a button; a tap on an older message changes nothing."""
        asked = self._asked.get(address)
        if asked is None or asked.message_id != message.get("message_id"):
            return
        asked.is_tapped = True
        asked.text = str(message.get("text") or "")
        asked.chosen = label_of(message.get("reply_markup"), token)

    def forget(self, address: str) -> None:
        """Deletes the entry of a chat."""
        self._asked.pop(address, None)

    def to_change(self, address: str, msg: MsgOut) -> int | None:
        """Returns the message to edit instead of sending this one: the same question, in which a box was just
        ticked."""
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
        """Returns the tapped message, once: its buttons are no longer needed."""
        asked = self._asked.get(address)
        return self._asked.pop(address) if asked and asked.is_tapped else None

    def sent(self, address: str, msg: MsgOut, message_id: int) -> None:
        """Records a sent message with buttons."""
        self._asked[address] = ChatQuestion(message_id, question_of(msg))
        self._asked.move_to_end(address)
        if len(self._asked) > MOST:
            self._asked.popitem(last=False)
