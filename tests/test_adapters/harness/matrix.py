"""Matrix: a real homeserver, residents with a client that is not ours and trusts signed devices only."""

from __future__ import annotations

import urllib.request
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, ClassVar
from urllib.parse import quote

import pytest
from nio.crypto.attachments import decrypt_attachment

from adapters.base import Channel
from adapters.matrix import open_channel, syncing
from adapters.matrix.channel import MatrixChannel
from adapters.matrix.syncing import SINCE
from bot.settings import ChannelSettings
from tests.support import matrix_client, synapse
from tests.support.app import CIPHER
from tests.test_adapters import harness


class Guest(harness.Resident):
    """One person in a direct, encrypted room with the bot."""

    def __init__(self, owner: Harness, person: matrix_client.Resident) -> None:
        self.person = person
        self._owner = owner
        self._last = ""

    async def says(self, text: str) -> None:
        self._owner.note_position()
        self._last = await self.person.say(text)

    async def taps(self, label: str) -> None:
        """There are no buttons: people write the number that stands before the answer."""
        for body in reversed(self.heard()):
            for line in body.splitlines():
                number, _, words = line.strip().partition(" ")
                if words.strip() == label and number.isdecimal():
                    await self.says(number)
                    return
        raise LookupError(label)

    async def taps_again(self, question: str, label: str) -> None:
        """Writes the answer as a reply to the old question."""
        await self.replies(question, label)

    async def deletes(self) -> None:
        await self.person.do("redact", room=self.person.room, event=self._last)

    async def replies(self, question: str, text: str) -> None:
        event = next(event for event in self.person.heard() if question in event["content"]["body"])
        relation = {"m.in_reply_to": {"event_id": event["id"]}}
        await self.person.say(text, **{"m.relates_to": relation})

    async def edits(self, text: str) -> None:
        await self.person.edit(self._last, text)

    def heard(self) -> list[str]:
        return self.person.read()

    def seen(self) -> list[bytes]:
        contents = [event["content"] for event in self.person.heard()]
        return [self._owner.file_of(content) for content in contents if content["msgtype"] == "m.image"]


class Harness(harness.Harness):
    fixture: ClassVar[str] = "homeserver"
    # Every message is encrypted, and every resident a program of its own: fewer of both. Two who write 60 messages
    # while the app is down leave a gap in each room: a sync brings the newest 40 of `shorten_history`.
    recipients: ClassVar[int] = 100
    people: ClassVar[int] = 2
    written: ClassVar[int] = 120
    made: MatrixChannel | None = None

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Harness]:
        self.server: synapse.Synapse = self.given
        self.bot = await self.server.user("bot")
        async with AsyncExitStack() as self.clients:
            yield self

    def section(self) -> dict[str, Any]:
        bot = self.bot
        return {"type": "matrix", "homeserver": self.server.url, "user_id": bot.user_id, "password": bot.password}

    def channel(self) -> Channel:
        settings = ChannelSettings.model_validate(self.section())
        self.made = open_channel("matrix", settings, self.folder / "store", CIPHER)
        return self.made

    async def resident(self) -> Guest:
        person = await self.clients.enter_async_context(matrix_client.resident(self.server))
        await person.invite(self.bot.user_id)
        return Guest(self, person)

    async def crowd(self) -> list[harness.Resident]:
        people = [await self.resident() for _ in range(2)]
        for who in people:
            await who.says("/start")
            await who.hears("Welche Sprache")
        return list(people)

    def shorten_history(self, patch: pytest.MonkeyPatch) -> None:
        usual, short = (quote(f'"timeline":{{"limit":{limit}}}') for limit in (100, 40))
        assert usual in syncing._FILTER
        patch.setattr(syncing, "_FILTER", syncing._FILTER.replace(usual, short))

    def note_position(self) -> None:
        """How far the channel has read before something is said, so that it can be handed over again."""
        if self.made and self.made._state:
            self._position = self.made._state.mark(SINCE)

    async def repeat(self) -> None:
        """The channel begins once more where it stood before: as after a sync whose token was not kept."""
        assert self.made
        await self.made.stop()
        assert self.made._state
        with self.made._state.writing():
            self.made._state.set_mark(SINCE, self._position)
        await self.made.start(self.app.conversations.receive)

    def flood(self, times: int) -> None:
        """The homeserver's own limit, one message a second."""
        where = f"/_synapse/admin/v1/users/{self.bot.user_id}/override_ratelimit"
        self.server.ask("POST", where, {"messages_per_second": 1, "burst_count": 1}, token=self.server.admin)

    async def block(self, who: harness.Resident, *, is_blocked: bool = True) -> None:
        assert isinstance(who, Guest)
        if is_blocked:
            await who.person.do("leave", room=who.person.room)
            await self._left(who)
        else:
            room = await who.person.invite(self.bot.user_id)
            # It has no key for messages from before the bot joined; the event of the first room does not count.
            joined = {"room": room, "sender": self.bot.user_id, "kind": "m.room.member"}
            await who.person.find(
                lambda event: joined.items() <= event.items() and event["content"]["membership"] == "join",
                "the bot joining the new room",
            )

    async def _left(self, who: Guest) -> None:
        """Waits until the bot has heard that a person is not in the room any more."""
        assert self.made
        assert self.made._sender
        rooms, person = self.made._sender._client.rooms, who.person
        await harness.until(lambda: person.room not in rooms or person.user.user_id not in rooms[person.room].users)

    async def disturb(self, who: harness.Resident) -> None:
        assert isinstance(who, Guest)
        send = who.person.send
        await send("org.example.kind_of_the_future", {"body": "?"})
        await send("m.room.message", {"msgtype": "org.example.hologram", "body": ""})
        await send("m.call.invite", {"call_id": "1", "version": "1", "lifetime": 1000})
        await send("m.room.message", {"msgtype": 7, "body": ["no", "text"]})

    def file_of(self, content: dict[str, Any]) -> bytes:
        """The file of an image, decrypted."""
        file = content["file"]
        where = file["url"].removeprefix("mxc://")
        url = f"{self.server.url}/_matrix/client/v1/media/download/{where}"
        request = urllib.request.Request(url, headers={"Authorization": f"Bearer {self.server.admin}"})
        with urllib.request.urlopen(request, timeout=30) as answer:
            return bytes(decrypt_attachment(answer.read(), file["key"]["k"], file["hashes"]["sha256"], file["iv"]))

    def address(self, who: harness.Resident) -> str:
        assert isinstance(who, Guest)
        return who.person.user.user_id
