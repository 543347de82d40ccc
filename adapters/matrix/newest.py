"""The newest message of each chat, while several replies change it."""

from __future__ import annotations

from collections import OrderedDict
from typing import Final, NamedTuple

from flows.messages import IN_PLACE, MsgOut

MOST_CHATS: Final = 10_000


class _Changeable(NamedTuple):
    event: str
    reference: str


class NewestMessages:
    """Which event to replace. In memory only: on disk, beside an address, it would reveal participation. After a
    restart the next message is a new one.
    """

    def __init__(self) -> None:
        self._by_address: OrderedDict[str, _Changeable | None] = OrderedDict()
        """None: the newest message is not to be changed."""

    def event(self, address: str, msg: MsgOut) -> str:
        """Returns the event that a message replaces: the newest one of the chat, about the same question; else ""."""
        newest = self._by_address.get(address)
        return newest.event if newest and msg.replaces == newest.reference else ""

    def sent(self, address: str, msg: MsgOut, event: str) -> None:
        """Records a new event of the bot.

        The first state after a restart is not changed: before the restart it may have been sent already, as a change of
        another event. The homeserver then returns that event, which must not be changed itself.
        """
        is_certain = address in self._by_address or not msg.replaces
        is_changeable = is_certain and msg.expects in IN_PLACE and bool(msg.reference)
        self.forget(address)
        self._by_address[address] = _Changeable(event, msg.reference) if is_changeable else None
        if len(self._by_address) > MOST_CHATS:
            self._by_address.popitem(last=False)

    def forget(self, address: str) -> None:
        self._by_address.pop(address, None)
