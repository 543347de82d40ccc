"""What the suite needs to try a channel: its counterpart, residents there, and what can go wrong between them.

One file per channel, named like its module in `adapters/`, with a class `Harness`.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar

import pytest

from adapters.base import Channel
from bot.app import App
from storage.core.store import Store
from tests.support.app import running
from tests.support.timeouts import PATIENCE


async def until(condition: Callable[[], bool], seconds: float = PATIENCE) -> None:
    """Waits until something is so; TimeoutError where it does not come about."""
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.005)


class Resident(ABC):
    """A person at the counterpart. What they do is taken by the counterpart, whether the app runs or not."""

    @abstractmethod
    async def says(self, text: str) -> None: ...

    @abstractmethod
    async def taps(self, label: str) -> None:
        """Takes the newest answer that was offered with this label, in the channel's own way."""

    @abstractmethod
    async def taps_again(self, question: str, label: str) -> None:
        """Takes an answer that was offered with this question, however long ago."""

    @abstractmethod
    async def edits(self, text: str) -> None:
        """Replaces what they said last."""

    async def deletes(self) -> None:
        """Deletes what they said last."""
        raise NotImplementedError

    async def replies(self, question: str, text: str) -> None:
        """Writes as a reply to the message of the bot with this question."""
        raise NotImplementedError

    async def shows(self, *pictures: bytes) -> None:
        """Sends pictures together, as one message."""
        raise NotImplementedError

    @abstractmethod
    def heard(self) -> list[str]:
        """Everything the bot said to them, in order, as the counterpart has it."""

    def seen(self) -> list[bytes]:
        """The files of all images that the bot sent to them, in order, as the counterpart has them."""
        raise NotImplementedError

    def times(self, words: str) -> int:
        """How many of the messages they heard contain these words."""
        return sum(words in text for text in self.heard())

    async def hears(self, words: str, times: int = 1, seconds: float = PATIENCE) -> None:
        """Waits until this number of messages contain these words."""
        try:
            await until(lambda: self.times(words) >= times, seconds)
        except TimeoutError:
            raise AssertionError(f"{words!r} did not come; heard: {self.heard()}") from None


class Harness(ABC):
    """A channel with its counterpart. The app can be stopped and started; the counterpart goes on."""

    asks_where_it_stands: ClassVar[bool] = False
    """Whether the person's end asks for the question once more when the app is back."""
    recipients: ClassVar[int] = 1000
    """This number of messages has the large broadcast."""

    people: ClassVar[int] = 60
    """The number of residents that write while the app is down."""
    written: ClassVar[int] = 300
    """The number of messages that they write then, at least."""

    fixture: ClassVar[str] = ""
    """A fixture that is the counterpart, or starts it: where it takes long, one for all tests."""

    def __init__(self, database: str, folder: Path, given: Any = None) -> None:
        self.given = given
        self.database = database
        self.folder = folder
        self.app: App

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Harness]:
        """The counterpart is there."""
        yield self

    @abstractmethod
    def channel(self) -> Channel:
        """A new channel to the counterpart, as an app opens it at each start."""

    def section(self) -> dict[str, Any]:
        """What an operator writes into the settings to get this channel."""
        raise NotImplementedError

    @abstractmethod
    async def resident(self) -> Resident:
        """A person new."""

    async def crowd(self) -> list[Resident]:
        """Those who get the large broadcast, known to the app, all equally often."""
        people = [await self.resident() for _ in range(self.recipients)]
        for who in people:
            await who.says("/start")
        for who in people:
            await until(lambda who=who: bool(who.heard()), 60)  # type: ignore[misc]  # mypy cannot infer the default
        return people

    @asynccontextmanager
    async def house(self) -> AsyncIterator[App]:
        """A running app with this channel; each time another process, as far as the counterpart can tell."""
        channel = self.channel()
        async with running(Store(self.database), {channel.name: channel}) as (app, _):
            self.app = app
            await self.ready()
            yield app

    async def ready(self) -> None:
        """Returns when the channel hears and can be heard."""
        return

    def shorten_history(self, patch: pytest.MonkeyPatch) -> None:
        """Lets the app read less at once than one person writes while it is down, if the channel has such a limit."""
        return

    async def repeat(self) -> None:
        """Hands the last message over once more, as networks do."""
        raise NotImplementedError

    def flood(self, times: int) -> None:
        """The next this number of messages of the bot are refused as too fast."""
        raise NotImplementedError

    async def block(self, resident: Resident, *, is_blocked: bool = True) -> None:
        raise NotImplementedError

    async def move(self, resident: Resident) -> None:
        """The chat goes on under another address."""
        raise NotImplementedError

    async def disturb(self, resident: Resident) -> None:
        """Events of all kinds of the counterpart that the app does not know, also malformed ones."""
        raise NotImplementedError

    def hang(self) -> None:
        """The next message the bot sends is never answered."""
        raise NotImplementedError

    def address(self, resident: Resident) -> str:
        """The person's address, as the channel calls it."""
        raise NotImplementedError


def has_harness(name: str) -> bool:
    """Whether a channel can be tested."""
    return (Path(__file__).parent / f"{name}.py").exists()


def fixture_of(name: str) -> str:
    """The fixture that the counterpart of a channel needs; "" if none."""
    return harness_of(name).fixture


def harness_of(name: str) -> type[Harness]:
    """Raises AssertionError with instructions for a channel without a harness."""
    assert has_harness(name), (
        f"adapters/{name} is a channel without tests/test_adapters/harness/{name}.py; see docs/develop/channels.md"
    )
    found: type[Harness] = import_module(f"tests.test_adapters.harness.{name}").Harness
    return found
