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
    """Somebody at the counterpart. What they do is taken by the counterpart, whether the house runs or not."""

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

    @abstractmethod
    def heard(self) -> list[str]:
        """Everything the bot said to them, in order, as the counterpart has it."""

    def times(self, words: str) -> int:
        """How many of the messages they heard contain these words."""
        return sum(words in text for text in self.heard())

    async def hears(self, words: str, times: int = 1, seconds: float = PATIENCE) -> None:
        """Waits until so many messages contain these words."""
        try:
            await until(lambda: self.times(words) >= times, seconds)
        except TimeoutError:
            raise AssertionError(f"{words!r} did not come; heard: {self.heard()}") from None


class Harness(ABC):
    """A channel with its counterpart. The house can be stopped and started; the counterpart goes on."""

    cannot: ClassVar[dict[str, str]] = {}
    """Promises that make no sense with this channel, each with the reason; `docs/reliability.md` lists them."""
    asks_where_it_stands: ClassVar[bool] = False
    """Whether the person's end asks for the question once more when the house is back."""
    recipients: ClassVar[int] = 1000
    """So many messages has the large broadcast."""

    people: ClassVar[int] = 60
    """So many write while the house is down."""

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
        """A new channel to the counterpart, as a house opens it at each start."""

    def section(self) -> dict[str, Any]:
        """What an operator writes into the settings to get this channel."""
        raise NotImplementedError

    @abstractmethod
    async def resident(self) -> Resident:
        """Somebody new."""

    async def crowd(self) -> list[Resident]:
        """Those who get the large broadcast, known to the house, all equally often."""
        people = [await self.resident() for _ in range(self.recipients)]
        for who in people:
            await who.says("/start")
        for who in people:
            await until(lambda who=who: bool(who.heard()), 60)  # type: ignore[misc]  # mypy cannot infer the default
        return people

    @asynccontextmanager
    async def house(self) -> AsyncIterator[App]:
        """A running house with this channel; each time another process, as far as the counterpart can tell."""
        channel = self.channel()
        async with running(Store(self.database), {channel.name: channel}) as (app, _):
            self.app = app
            await self.ready()
            yield app

    async def ready(self) -> None:
        """Returns when the channel hears and can be heard."""
        return

    async def repeat(self) -> None:
        """Hands the last message over once more, as networks do."""
        raise NotImplementedError

    def flood(self, times: int) -> None:
        """The next so many messages of the bot are refused as too fast."""
        raise NotImplementedError

    async def block(self, resident: Resident, *, is_blocked: bool = True) -> None:
        raise NotImplementedError

    async def move(self, resident: Resident) -> None:
        """The chat goes on under another address."""
        raise NotImplementedError

    async def disturb(self, resident: Resident) -> None:
        """Events of every kind the counterpart has and nobody here knows, broken ones too."""
        raise NotImplementedError

    def hang(self) -> None:
        """The next message the bot sends is never answered."""
        raise NotImplementedError

    def address(self, resident: Resident) -> str:
        """The person's address, as the channel calls it."""
        raise NotImplementedError


def harness_of(name: str) -> type[Harness]:
    """Raises AssertionError, which says what to write, for a channel that nobody can try yet."""
    assert (Path(__file__).parent / f"{name}.py").exists(), (
        f"adapters/{name} is a channel without tests/test_adapters/harness/{name}.py; see docs/channels.md"
    )
    found: type[Harness] = import_module(f"tests.test_adapters.harness.{name}").Harness
    return found
