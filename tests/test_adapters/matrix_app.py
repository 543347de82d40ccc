"""What the Matrix tests share: a channel on the test homeserver, heard directly or through a whole app."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import text

from adapters.base import Replies
from adapters.matrix import open_channel
from adapters.matrix.channel import MatrixChannel
from bot.app import App, build
from bot.settings import ChannelSettings, Settings
from flows.definition import Consultation
from flows.messages import MsgIn
from storage.core.store import Store
from tests.support.app import CIPHER, KEYS, publish
from tests.support.databases import Database
from tests.support.synapse import Synapse, User
from tests.support.timeouts import PATIENCE

CLIENT = "/_matrix/client/v3"
_numbers = count(1)


def section(server: Synapse, bot: User, **more: Any) -> ChannelSettings:
    given = {"type": "matrix", "homeserver": server.url, "user_id": bot.user_id, "password": bot.password} | more
    return ChannelSettings.model_validate(given)


class Listener:
    """A channel without an app: what it hands over piles up in `heard`. `fails`: nothing can be stored."""

    def __init__(self, channel: MatrixChannel, *, fails: bool = False) -> None:
        self.channel = channel
        self.heard: list[MsgIn] = []
        self.fails = fails
        self._news = asyncio.Event()

    async def receive(self, messages: Sequence[MsgIn]) -> Sequence[Replies]:
        self.heard += messages
        self._news.set()
        if self.fails and messages:
            raise ConnectionError("no database")
        return [()] * len(messages)

    def texts(self) -> list[str]:
        return [msg.text for msg in self.heard]

    async def until(self, fits: Callable[[], bool]) -> None:
        """Waits until something is true, looking whenever something was heard, and now and then."""
        until = time.monotonic() + PATIENCE
        while not fits():
            assert time.monotonic() < until, f"{len(self.heard)} heard: {self.texts()[-5:]} {self.channel.trouble()}"
            self._news.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._news.wait(), 0.05)


@asynccontextmanager
async def listening(
    server: Synapse, bot: User, folder: Path, *, fails: bool = False, **more: Any
) -> AsyncIterator[Listener]:
    listener = Listener(open_channel("matrix", section(server, bot, **more), folder, CIPHER), fails=fails)
    await listener.channel.start(listener.receive)
    try:
        yield listener
    finally:
        await listener.channel.stop()


@asynccontextmanager
async def running(server: Synapse, bot: User, folder: Path, database: Database, **more: Any) -> AsyncIterator[App]:
    """An app that can be left and entered again: the database and the channel's folder stay."""
    channel = open_channel("matrix", section(server, bot, **more), folder, CIPHER)
    app = build(Settings(data=folder), {"matrix": channel}, store=Store(database.url), keys=KEYS)
    async with app.running():
        yield app


@contextmanager
def opened(database: Database) -> Iterator[Store]:
    store = Store(database.url)
    try:
        yield store
    finally:
        store.dispose()


def publish_to(database: Database, *published: Consultation) -> None:
    with opened(database) as store:
        publish(store, *published)


def answers(database: Database) -> list[tuple[str, str, str]]:
    """Question, value and language of every stored answer."""
    query = text("SELECT question_key, value, language FROM answers ORDER BY 1, 2")
    with opened(database) as store, store.reading() as connection:
        return [(key, value, language) for key, value, language in connection.execute(query)]


def device_of(listener: Listener) -> str:
    assert listener.channel._client
    return str(listener.channel._client.device_id)


async def claim(server: Synapse, claimer: User, bot: User, device: str) -> dict[str, Any]:
    """One of the keys with which a device is written to for the first time."""
    body = {"one_time_keys": {bot.user_id: {device: "signed_curve25519"}}}
    answer = await server.call("POST", f"{CLIENT}/keys/claim", body, token=claimer.token)
    [key] = answer["one_time_keys"][bot.user_id][device].values()
    return dict(key)


class Person:
    """A person who uses the homeserver's API directly, without encryption."""

    def __init__(self, server: Synapse, user: User) -> None:
        self.server = server
        self.user = user

    async def ask(self, method: str, where: str, body: Any = None) -> Any:
        return await self.server.call(method, CLIENT + where, body, token=self.user.token)

    async def room(self, *people: User, is_direct: bool = True, **more: Any) -> str:
        names = [person.user_id for person in people]
        body = {"preset": "private_chat", "is_direct": is_direct, "invite": names} | more
        return str((await self.ask("POST", "/createRoom", body))["room_id"])

    async def send(self, room: str, kind: str, content: dict[str, Any]) -> str:
        where = f"/rooms/{quote(room)}/send/{kind}/t{next(_numbers)}"
        return str((await self.ask("PUT", where, content))["event_id"])

    async def say(self, room: str, words: str, **more: Any) -> str:
        return await self.send(room, "m.room.message", {"msgtype": "m.text", "body": words} | more)

    async def read(self, room: str) -> list[dict[str, Any]]:
        """The newest events, the oldest of them first."""
        found: list[dict[str, Any]] = (await self.ask("GET", f"/rooms/{quote(room)}/messages?dir=b&limit=100"))["chunk"]
        return found[::-1]

    async def members(self, room: str) -> set[str]:
        return set((await self.ask("GET", f"/rooms/{quote(room)}/joined_members"))["joined"])


async def person(server: Synapse, name: str = "anna") -> Person:
    return Person(server, await server.user(name))
