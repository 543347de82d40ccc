"""The web chat: pages that keep what is not acknowledged and send it again, as the script of the page does.

The lines between page and app (WebSocket, events, polling, forms) have tests of their own, which end where this
begins: at the numbered log of a conversation.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, ClassVar

from adapters.base import Channel
from adapters.web.hub import NotRunning, WebHub
from tests.test_adapters import harness


class Page(harness.Resident):
    """One browser."""

    def __init__(self, owner: Harness, number: int) -> None:
        self.address = f"park/page-{number}"
        self.unconfirmed: dict[str, dict[str, Any]] = {}
        self._owner = owner
        self._number = 0
        self._sending: set[asyncio.Task[None]] = set()

    async def says(self, text: str) -> None:
        self._hand_over({"text": text})

    async def taps(self, label: str) -> None:
        for entry in reversed(self._owner.hub.chat(self.address).entries):
            for reply in entry.msg.quick_replies if entry.msg else ():
                if reply.label == label:
                    self._hand_over({"choice": reply.token})
                    return
        raise LookupError(label)

    async def taps_again(self, question: str, label: str) -> None:
        await self.taps(label)

    async def edits(self, text: str) -> None:
        raise NotImplementedError

    def heard(self) -> list[str]:
        """What the page shows: the log, which restarts with every run of the app."""
        return [entry.msg.text for entry in self._owner.hub.chat(self.address).entries if entry.msg]

    def _hand_over(self, words: dict[str, Any]) -> None:
        self._number += 1
        self.unconfirmed[f"m{self._number}"] = words
        self.send_again()

    async def comes_back(self) -> None:
        """The line is there again: the page asks where it stands, and sends what is not acknowledged."""
        hub, ask = self._owner.hub, f"repeat-{self._owner.hub.epoch}"
        await hub.open(self.address, lambda: hub.say(self.address, ask, text="repeat"))
        self.send_again()

    def send_again(self) -> None:
        """Everything that is not acknowledged, in order."""
        task = asyncio.ensure_future(self._send(dict(self.unconfirmed)))
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)

    async def _send(self, words: dict[str, dict[str, Any]]) -> None:
        for client_id, said in words.items():
            try:
                await self._owner.hub.say(self.address, client_id, **said)
            except NotRunning:
                return
            self.unconfirmed.pop(client_id, None)


class Harness(harness.Harness):
    asks_where_it_stands: ClassVar[bool] = True

    def __init__(self, database: str, folder: Path, given: Any = None) -> None:
        super().__init__(database, folder, given)
        self.pages: list[Page] = []

    def channel(self) -> Channel:
        self.hub = WebHub()
        return self.hub

    async def ready(self) -> None:
        for page in self.pages:
            await page.comes_back()

    async def resident(self) -> Page:
        self.pages.append(Page(self, len(self.pages)))
        return self.pages[-1]

    async def repeat(self) -> None:
        page = self.pages[-1]
        await self.hub.say(page.address, f"m{page._number}", text="etwas anderes")

    def address(self, resident: harness.Resident) -> str:
        assert isinstance(resident, Page)
        return resident.address
