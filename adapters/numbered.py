"""Messages for channels without buttons: answers are numbered where typing the number answers."""

from __future__ import annotations

from typing import Final

from flows import plain_text
from flows.messages import MsgIn, MsgOut

MOST_CHATS: Final = 10_000


def numbered_text(msg: MsgOut) -> str:
    """A message with its quick replies as text.

    >>> from flows.messages import QuickReply
    >>> print(as_text(MsgOut("Park?", (QuickReply("a", "Ja", 1), QuickReply("b", "Überspringen")))))
    Park?
      1  Ja
      [Überspringen]
    """
    lines = [plain_text.message_as_text(msg)]
    for reply in msg.quick_replies:
        if reply.number:
            lines.append(f"  {reply.number}  {reply.label}")
    if unnumbered := [f"[{reply.label}]" for reply in msg.quick_replies if not reply.number]:
        lines.append("  " + " ".join(unnumbered))
    return "\n".join(lines)


class Offers:
    """What stands in brackets in the last question of each chat: writing it is what a tap is elsewhere.

    Kept in memory only: beside an address on disk it would say what somebody takes part in. After a restart the words
    are read as words.

    >>> from datetime import UTC, datetime
    >>> from flows.messages import QuickReply
    >>> offers = Offers()
    >>> offers.note("@anna", MsgOut("Neu: Park", (QuickReply("push.start.park", "Start"),)))
    >>> offers.read(MsgIn("matrix", "@anna", "1", datetime.now(UTC), text="[start]")).choice
    'push.start.park'
    """

    def __init__(self) -> None:
        self._by_address: dict[str, dict[str, str]] = {}

    def note(self, address: str, msg: MsgOut) -> None:
        """This was just said there. What offers and asks nothing leaves the question before it open."""
        if not (msg.quick_replies or msg.expects):
            return
        self.forget(address)
        self._by_address[address] = {
            _plain(reply.label): reply.token for reply in msg.quick_replies if not reply.number
        }
        if len(self._by_address) > MOST_CHATS:
            self.forget(next(iter(self._by_address)))

    def read(self, msg: MsgIn) -> MsgIn:
        """The message as a tap, if it says what was offered; else as it is."""
        token = self._by_address.get(msg.address, {}).get(_plain(msg.text))
        return msg._replace(text="", choice=token) if token and not (msg.edits or msg.is_group) else msg

    def forget(self, address: str) -> None:
        self._by_address.pop(address, None)


def _plain(label: str) -> str:
    return label.strip().removeprefix("[").removesuffix("]").strip().casefold()
