"""Renders messages for channels without buttons: answers have numbers that can be typed."""

from __future__ import annotations

from typing import Final

from flows.messages import MsgIn, MsgOut, message_as_text

MOST_CHATS: Final = 10_000


def numbered_text(msg: MsgOut) -> str:
    """Returns a message with its quick replies as text.

    >>> from flows.messages import QuickReply
    >>> print(numbered_text(MsgOut("Park?", (QuickReply("a", "Ja", 1), QuickReply("b", "Überspringen")))))
    Park?
      1  Ja
      [Überspringen]
    """
    lines = [message_as_text(msg)]
    for reply in msg.quick_replies:
        if reply.number:
            lines.append(f"  {reply.number}  {reply.label}")
    if unnumbered := [f"[{reply.label}]" for reply in msg.quick_replies if not (reply.number or reply.link)]:
        lines.append("  " + " ".join(unnumbered))
    lines += [f"  {reply.label}: {reply.link}" for reply in msg.quick_replies if reply.link]
    return "\n".join(lines)


class Offers:
    """The bracketed replies of the last question in each chat: typing one has the effect of a tap.

    In memory only: on disk, beside an address, they would reveal in what the contact takes part. After a restart typed
    replies are read as plain text.

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
        """Records a sent message. A message without replies and without a question leaves the previous question
        open."""
        if not (msg.quick_replies or msg.expects):
            return
        self.forget(address)
        self._by_address[address] = {
            _plain(reply.label): reply.token for reply in msg.quick_replies if not (reply.number or reply.link)
        }
        if len(self._by_address) > MOST_CHATS:
            self.forget(next(iter(self._by_address)))

    def read(self, msg: MsgIn) -> MsgIn:
        """Returns the message as a tap if its text is an offered reply; otherwise unchanged."""
        token = self._by_address.get(msg.address, {}).get(_plain(msg.text))
        return msg._replace(text="", choice=token) if token and not (msg.edits or msg.is_group) else msg

    def forget(self, address: str) -> None:
        self._by_address.pop(address, None)


def _plain(label: str) -> str:
    return label.strip().removeprefix("[").removesuffix("]").strip().casefold()
