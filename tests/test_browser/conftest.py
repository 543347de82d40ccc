"""A running app, a real browser, and devices in it. Without Chromium these tests skip and say so."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import pytest
from sqlalchemy import text

from storage.core.store import Store
from tests.support.browser import House, serving
from tests.support.houses import copy_samples
from tests.test_browser.browser import Chromium, Device, Line, Tab, connected, device, find_chromium
from tests.test_browser.relay import Relay

SCREENSHOTS: Final = "MITSPRACHE_SCREENSHOTS"


@pytest.fixture(scope="session")
def chromium() -> Iterator[Chromium]:
    program = find_chromium()
    if program is None:
        pytest.skip("no Chromium here (on Debian: apt install chromium)")
    chromium = Chromium(program)
    yield chromium
    chromium.stop()


@pytest.fixture(scope="session")
def album(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the pictures of all states go: MITSPRACHE_SCREENSHOTS. Without it only states with a fault have a picture,
    in a temporary folder.
    """
    wished = os.environ.get(SCREENSHOTS)
    folder = Path(wished) if wished else tmp_path_factory.mktemp("screenshots")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


class World:
    """One app, the line to it, and the devices of the people of a test."""

    def __init__(self, line: Line, store: Store, album: Path) -> None:
        self._line, self.store, self._album = line, store, album
        self.relay = Relay(0)
        self.devices: list[Device] = []
        self.house: House
        self._serving = AsyncExitStack()
        self._things = AsyncExitStack()

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.relay.port}"

    async def open(self, **web: Any) -> None:
        self.house = await self._serving.enter_async_context(serving(self.store, **web))
        assert self.house.server.port
        self.relay.upstream = self.house.server.port
        await self.relay.mend()

    async def stop(self) -> None:
        """The app goes down; the browser notices by its line."""
        await self.relay.cut()
        await self._serving.aclose()

    async def restart(self, **web: Any) -> None:
        """Another process would have another store object and nothing in memory."""
        self.store = Store(str(self.store.writer.url))
        await self.open(**web)

    async def device(self) -> Device:
        found = await self._things.enter_async_context(device(self._line, self.origin))
        self.devices.append(found)
        return found

    async def tab(self, path: str = "") -> Tab:
        """A tab on a device of its own."""
        return await (await self.device()).tab(path)

    async def picture(self, tab: Tab, name: str, *, shows_fault: bool = False) -> None:
        """A picture of the page, where the album is wanted or it shows a fault: it takes a third of a second."""
        if not (shows_fault or SCREENSHOTS in os.environ):
            return
        await tab.still()
        await tab.picture(self._album / f"{name}.png")

    def keep(self, name: str, content: bytes) -> None:
        """A file beside the pictures."""
        (self._album / name).write_bytes(content)

    def check(self) -> None:
        """No page has complained (policy, scripts), and none has asked anyone but us."""
        for tab in (tab for owner in self.devices for tab in owner.tabs):
            assert tab.complaints == []
            hosts = {urlsplit(url).netloc for url in tab.requests if urlsplit(url).scheme not in {"data", "about"}}
            assert hosts <= {f"127.0.0.1:{self.relay.port}", f"localhost:{self.relay.port}"}

    async def close(self) -> None:
        await self._things.aclose()
        await self.stop()
        self.store.dispose()

    def answers(self) -> dict[str, str]:
        """What is stored: by question key; an answer that stands twice is a fault."""
        with self.store.reading() as connection:
            rows = list(connection.execute(text("SELECT question_key, value, missing FROM answers")))
        assert len({row[0] for row in rows}) == len(rows), rows
        return {key: value if missing is None else f"({missing})" for key, value, missing in rows}

    def states(self) -> list[str]:
        with self.store.reading() as connection:
            return [row[0] for row in connection.execute(text("SELECT status FROM sessions"))]


@pytest.fixture
async def world(
    chromium: Chromium, sample_database: Path, album: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> AsyncIterator[World]:
    file = tmp_path / "web.db"
    copy_samples(sample_database, file)
    async with connected(chromium) as line:
        world = World(line, Store(f"sqlite:///{file}"), album)
        await world.open(**getattr(request, "param", {}))
        try:
            yield world
            world.check()
        finally:
            await world.close()
