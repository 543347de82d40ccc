"""Unreadable messages in a queue with valid ones: on Telegram, on Matrix, and over the connections of the web page."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from contextlib import AsyncExitStack, suppress
from typing import Any

import pytest
from aiohttp import ClientError, ClientSession, ClientTimeout, DummyCookieJar

from adapters.matrix import channel as matrix_channel
from tests import botapi
from tests.botapi.limits import FREE
from tests.chaos.crowd import SLUG
from tests.chaos.fault import Fault, Result, until
from tests.chaos.mangling import JUNK, mangled
from tests.chaos.service import UnderLoad
from tests.support import synapse
from tests.support.timeouts import PATIENCE
from tests.test_adapters.between import between
from tests.test_adapters.matrix_app import listening, person
from tests.test_adapters.test_telegram_troubles import receiving
from tests.test_adapters.test_unreadable_updates import Raw

GOOD = "gut "
_WHO = {"id": 7, "is_bot": False, "first_name": "M", "language_code": "de"}
_CHAT = {"id": 7, "type": "private", "first_name": "M"}
_HEAD: dict[str, Any] = {"message_id": 1, "date": 1_764_000_000, "chat": _CHAT, "from": _WHO}
UPDATES: list[dict[str, Any]] = [
    {"message": {**_HEAD, "text": "Ja", "entities": [{"type": "bold", "offset": 0, "length": 2}]}},
    {"message": {**_HEAD, "caption": "Bild", "photo": [{"file_id": "f", "file_unique_id": "u", "width": 1}]}},
    {"message": {**_HEAD, "location": {"latitude": 52.5, "longitude": 13.4}}},
    {"message": {**_HEAD, "voice": {"file_id": "f", "file_unique_id": "u", "duration": 3, "file_size": 9}}},
    {"message": {**_HEAD, "text": "Ja", "reply_to_message": {**_HEAD, "text": "?"}}},
    {"edited_message": {**_HEAD, "edit_date": 1_764_000_001, "text": "Nein"}},
    {"callback_query": {"id": "9", "from": _WHO, "chat_instance": "x", "data": "a", "message": _HEAD}},
    {"my_chat_member": {"chat": _CHAT, "from": _WHO, "date": 1, "old_chat_member": {"status": "member", "user": _WHO},
                        "new_chat_member": {"status": "kicked", "user": _WHO, "until_date": 0}}},
    {"poll_answer": {"poll_id": "1", "user": _WHO, "option_ids": [0]}},
]  # fmt: skip
EVENTS: list[dict[str, Any]] = [
    {"msgtype": "m.text", "body": "Ja", "format": "org.matrix.custom.html", "formatted_body": "<b>Ja</b>"},
    {"msgtype": "m.text", "body": "* Ja", "m.new_content": {"msgtype": "m.text", "body": "Ja"},
     "m.relates_to": {"rel_type": "m.replace", "event_id": "$x"}},
    {"msgtype": "m.image", "body": "x", "url": "mxc://a/b", "info": {"mimetype": "image/png", "size": 3}},
    {"msgtype": "m.location", "body": "x", "geo_uri": "geo:52.5,13.4"},
]  # fmt: skip


class Unreadable(Fault):
    """Every good message has to be read, once and in order."""

    unit = "unreadable messages"
    slice = 40

    async def prepare(self) -> None:
        self.things = AsyncExitStack()
        self.good = 0
        self.patched = pytest.MonkeyPatch()
        self.things.callback(self.patched.undo)

    async def clean_up(self) -> None:
        await self.things.aclose()

    def texts(self) -> list[str]:
        """What the channel has handed over."""
        raise NotImplementedError

    def trouble(self) -> str:
        """What the channel says is wrong with it."""
        raise NotImplementedError

    async def check(self, result: Result) -> None:
        expected = [f"{GOOD}{number}" for number in range(self.good)]
        with suppress(AssertionError):
            await until(lambda: expected[-1] in self.texts(), PATIENCE, "the last good message")
        read = [it for it in self.texts() if it.startswith(GOOD)]
        result.figures |= {"good between them": self.good, "of these read": len(set(read))}
        if read != expected:
            result.wrong.append("not every good message was read once and in order")
        if self.trouble():
            result.wrong.append(self.trouble())


class UnreadableTelegram(Unreadable):
    name = "unreadable-telegram"
    does = "updates of Telegram with any value replaced by what nobody can read, between good ones"

    async def prepare(self) -> None:
        await super().prepare()
        self.api = await self.things.enter_async_context(botapi.running(FREE))
        self.raw = Raw(self.api)
        self.patched.setattr("tests.botapi.server.encode", self.raw.dumps)
        self.person = self.api.resident()
        self.channel, self.inbox = await self.things.enter_async_context(receiving(self.api))

    async def disturb(self, number: int) -> None:
        self.raw.add(mangled(self.chance.choice(UPDATES), self.chance)[1:-1] or b'"nothing": 1')
        if self.chance.random() < 0.5 or number == self.times - 1:
            self.person.say(f"{GOOD}{self.good}")
            self.good += 1

    def texts(self) -> list[str]:
        return self.inbox.texts

    def trouble(self) -> str:
        return self.channel.trouble()


class UnreadableMatrix(Unreadable):
    name = "unreadable-matrix"
    does = "the same with events of Matrix, mangled between a real homeserver and the channel"
    homeserver: synapse.Synapse | None = None

    async def prepare(self) -> None:
        await super().prepare()
        self.patched.setattr(matrix_channel, "FIRST_PAUSE_SECONDS", 0.05)
        homeserver = self.homeserver
        if homeserver is None:
            homes = self.folder / "synapse"
            homes.mkdir()
            homeserver = self.things.enter_context(synapse.running(homes))
        bot, self.anna = await homeserver.user("bot"), await person(homeserver)
        url, middle = await self.things.enter_async_context(between(homeserver))
        middle.mangled = {f'"@@{name}@@"'.encode(): junk for name, junk in JUNK.items()}
        self.listener = await self.things.enter_async_context(listening(homeserver, bot, self.folder, homeserver=url))
        self.room = await self.anna.room(bot)

    async def disturb(self, number: int) -> None:
        event = dict(self.chance.choice(EVENTS))
        event[self.chance.choice(sorted(event))] = f"@@{self.chance.choice(sorted(JUNK))}@@"
        with suppress(synapse.NotTaken):  # this homeserver itself looks at some of it
            await self.anna.send(self.room, "m.room.message", event)
        if self.chance.random() < 0.5 or number == self.times - 1:
            await self.anna.say(self.room, f"{GOOD}{self.good}")
            self.good += 1

    def texts(self) -> list[str]:
        return self.listener.texts()

    def trouble(self) -> str:
        return self.listener.channel.trouble()


class UnreadableWeb(UnderLoad):
    name = "unreadable-web"
    does = "the same with posts and frames of the web page, beside a crowd that goes on"
    unit = "unreadable messages"
    slice = 30

    async def prepare(self) -> None:
        self.answers = Counter[int]()
        await super().prepare()
        self.http = ClientSession(cookie_jar=DummyCookieJar(), timeout=ClientTimeout(total=20))
        headers = {"Origin": self.house.url, "X-Forwarded-For": "10.9.9.9"}
        to = f"{self.house.url}/c/{SLUG}/start"
        async with self.http.post(to, data={"lang": "de"}, headers=headers, allow_redirects=False) as answer:
            cookie = answer.headers["Set-Cookie"].split(";")[0]
        self.headers = headers | {"Cookie": cookie}

    async def disturb(self, number: int) -> None:
        said = {"id": f"x{number}", "text": "Ja", "shown": "Licht?"} | ({"choice": "a.b"} if number % 4 == 0 else {})
        body = mangled(said, self.chance)
        if self.chance.random() < 0.2:
            body = body[: self.chance.randrange(len(body))]
        url = f"{self.house.url}/c/{SLUG}"
        if self.chance.random() < 0.5:
            kind = self.chance.choice(["application/json", "application/x-www-form-urlencoded", "text/plain", "x"])
            headers = self.headers | {"Content-Type": kind}
            async with self.http.post(f"{url}/say", data=body, headers=headers, allow_redirects=False) as answer:
                self.answers[answer.status] += 1
        else:
            with suppress(ClientError, asyncio.TimeoutError):
                async with self.http.ws_connect(f"{url}/ws", headers=self.headers) as line:
                    await (line.send_bytes(body) if self.chance.random() < 0.3 else line.send_str(_as_text(body)))
                    await line.receive(timeout=5)
        if number % 10 == 9:
            await self.crowd.more(3)

    async def check(self, result: Result) -> None:
        await super().check(result)
        failed = {status: times for status, times in self.answers.items() if status >= 500}
        result.figures["answers"] = json.dumps(dict(sorted(self.answers.items()))).replace('"', "")
        if failed:
            result.wrong.append(f"answered with {failed}")

    async def clean_up(self) -> None:
        if hasattr(self, "http"):
            await self.http.close()
        await super().clean_up()


def _as_text(body: bytes) -> str:
    return body.decode("utf-8", "replace")
