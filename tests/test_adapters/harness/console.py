"""The terminal: its person sits in the same process, so there is no counterpart that could outlive the app."""

from __future__ import annotations

from adapters.base import Channel
from adapters.console import ConsoleChannel
from flows.messages import MsgOut
from tests.test_adapters import harness


class Typist(harness.Resident):
    def __init__(self, owner: Harness) -> None:
        self._owner = owner
        self._last = 0

    async def says(self, text: str) -> None:
        await self._owner.terminal.type(text)
        self._last = self._owner.terminal.number

    async def taps(self, label: str) -> None:
        for msg in reversed(self._owner.shown):
            for reply in msg.quick_replies:
                if reply.label == label:
                    await self._owner.terminal.type("", choice=reply.token)
                    return
        raise LookupError(label)

    async def taps_again(self, question: str, label: str) -> None:
        await self.taps(label)

    async def edits(self, text: str) -> None:
        await self._owner.terminal.type(text, edits=self._last)

    def heard(self) -> list[str]:
        return [msg.text for msg in self._owner.shown]


class Harness(harness.Harness):
    def channel(self) -> Channel:
        self.shown: list[MsgOut] = []
        self.terminal = ConsoleChannel(self.shown.append)
        return self.terminal

    async def resident(self) -> Typist:
        return Typist(self)

    def address(self, resident: harness.Resident) -> str:
        return self.terminal.address
