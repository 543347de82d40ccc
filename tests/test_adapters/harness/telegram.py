"""Telegram: the strict stand-in of the Bot API in tests/botapi, by polling."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from adapters.base import Channel
from tests import botapi
from tests.botapi.limits import FREE
from tests.support import leak_check
from tests.support.telegram import channel_to
from tests.test_adapters import harness


class Chat(harness.Resident):
    """One chat: private, or a group that can move."""

    def __init__(self, person: botapi.Resident) -> None:
        self.person = person
        self._last = 0
        self._read = 0
        self._mine: list[botapi.ledger.Sent] = []
        self._offered: dict[tuple[str, str], tuple[botapi.ledger.Sent, str]] = {}

    async def says(self, text: str) -> None:
        self._last = self.person.say(text)

    async def taps(self, label: str) -> None:
        self.person.tap(label)

    async def taps_again(self, question: str, label: str) -> None:
        sent, data = next(
            offer for (text, button), offer in self._offered.items() if question in text and button == label
        )
        self.person.tap_data(sent, data)

    async def edits(self, text: str) -> None:
        self.person.edit(self._last, text)

    async def replies(self, question: str, text: str) -> None:
        self.heard()
        self.person.reply(next(sent for sent in self._mine if question in sent.text), text)

    async def shows(self, *pictures: bytes) -> None:
        for picture in pictures:
            self.person.photo(picture, album="G1")

    def heard(self) -> list[str]:
        sent_to_all = self.person.state.ledger.sent
        self._mine += [sent for sent in sent_to_all[self._read :] if sent.chat_id == self.person.chat_id]
        self._read = len(sent_to_all)
        for sent in self._mine:
            for button in (button for row in sent.keyboard for button in row):
                self._offered[sent.text, button["text"]] = (sent, button["callback_data"])
        return [sent.text for sent in self._mine]

    def seen(self) -> list[bytes]:
        self.heard()
        return [sent.photo for sent in self._mine if sent.photo]


class Harness(harness.Harness):
    @asynccontextmanager
    async def open(self) -> AsyncIterator[Harness]:
        async with botapi.running(FREE) as self.api:
            self.api._people = int(f"{leak_check.TELEGRAM_IDS}00000")
            self._remember_updates()
            yield self

    def _remember_updates(self) -> None:
        """The stand-in forgets what is confirmed; a repeat needs it once more."""
        self.updates: dict[int, dict[str, Any]] = {}
        add = self.api.state.add_update

        def remember(kind: str, content: dict[str, Any]) -> int:
            number = add(kind, content)
            self.updates[number] = {"update_id": number, kind: content}
            return number

        self.api.state.add_update = remember  # type: ignore[method-assign]

    def section(self) -> dict[str, Any]:
        return {"type": "telegram", "token": self.api.token, "base_url": self.api.url}

    def channel(self) -> Channel:
        return channel_to(self.api)

    async def resident(self) -> Chat:
        return Chat(self.api.resident())

    async def repeat(self) -> None:
        """As after an update that was handed out and never confirmed. It was: only then is the next poll waiting, which
        would confirm it unseen otherwise.
        """
        number = max(self.updates)
        await harness.until(lambda: number in self.api.state.ledger.confirmed)
        self.api.state.queue[number] = (self.api.state.now(), self.updates[number])
        self.api.state.arrived.set()

    def flood(self, times: int) -> None:
        words = "Too Many Requests: retry after 1"
        fault = botapi.Fault("error", "sendMessage", times, status=429, description=words, retry_after=1)
        self.api.faults.append(fault)

    async def block(self, resident: harness.Resident, *, is_blocked: bool = True) -> None:
        assert isinstance(resident, Chat)
        if is_blocked:
            self.api.state.blocked.add(resident.person.number)
        else:
            self.api.state.blocked.discard(resident.person.number)

    async def disturb(self, resident: harness.Resident) -> None:
        assert isinstance(resident, Chat)
        person, state = resident.person, self.api.state
        for kind in ("poll", "chat_join_request", "kind_of_the_future"):
            state.add_update(kind, {"id": "1", "from": person.user, "chat": state.chats[person.chat_id]})
        for broken in ({}, {"chat": None}, {"message_id": "x", "chat": {"id": person.chat_id}}, {"date": "gestern"}):
            state.add_update("message", broken)

    async def move(self, resident: harness.Resident) -> None:
        assert isinstance(resident, Chat)
        person, state = resident.person, self.api.state
        old, person.chat_id = person.chat_id, person.chat_id + 1_000_000
        state.chats[person.chat_id] = {**state.chats[old], "id": person.chat_id}
        state.heard[person.chat_id] = state.heard[old]
        state.moved[old] = person.chat_id

    def hang(self) -> None:
        self.api.faults.append(botapi.Fault("hang", "sendMessage", 1))

    def address(self, resident: harness.Resident) -> str:
        assert isinstance(resident, Chat)
        return str(resident.person.chat_id)
