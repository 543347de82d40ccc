"""Invitations in groups: rare, with a link to the private chat and the words to write there."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from flows.messages import MsgOut
from flows.parts import BodyPart

MOST_AN_HOUR: Final = 3
"""Invitations per group: each member of the group reads them."""
_HOUR: Final = 3600.0


class GroupInvitations:
    """Counts the invitations of the last hour per room; in memory only. `now`: monotonic seconds."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._sent: dict[str, list[float]] = {}

    def is_enough(self, room: str) -> bool:
        """Whether this group was invited often enough in the last hour."""
        since = self._now() - _HOUR
        self._sent = {
            name: recent for name, times in self._sent.items() if (recent := [it for it in times if it > since])
        }
        return len(self._sent.get(room, ())) >= MOST_AN_HOUR

    def note(self, room: str) -> None:
        """Counts an invitation that was sent."""
        self._sent.setdefault(room, []).append(self._now())


def group_invitation(msg: MsgOut, bot: str) -> MsgOut:
    """Returns an invitation for a group, where nothing can be tapped or answered: with a link to the bot, and each
    consultation with the word that begins it.

    >>> from flows.messages import QuickReply
    >>> print(group_invitation(MsgOut("Privat:", (QuickReply("group..park", "Parks"),)), "@b:x").text)
    Privat:
    https://matrix.to/#/@b:x
      park: Parks
    """
    words = [f"  {reply.parsed.value}: {reply.label}" for reply in msg.quick_replies]
    return msg._replace(parts=(*msg.parts, BodyPart("\n".join([matrix_link(bot), *words]))), quick_replies=())


def matrix_link(user: str) -> str:
    """Returns the link that opens a chat with a user (https://spec.matrix.org/latest/appendices/#matrixto-navigation)."""
    return f"https://matrix.to/#/{user}"
