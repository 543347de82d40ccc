"""The widget's line, tried in node where there is one; in real browsers it is tried elsewhere."""

from __future__ import annotations

import asyncio
import gzip
import json
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from adapters.web.routes import STATIC
from adapters.web.scripts import without_comments
from tests.support.timeouts import PATIENCE
from tests.test_adapters.pages import House, Page, house

CHAT = STATIC / "chat.js"
NODE = shutil.which("node")
needs_node = pytest.mark.skipif(NODE is None, reason="node is not installed: the widget is tried in the browser only")


class Widget:
    """The line of the widget in a process of its own."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process

    def say(self, **words: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(words).encode() + b"\n")

    async def until(self, key: str) -> Any:
        assert self.process.stdout is not None
        async with asyncio.timeout(PATIENCE):
            while line := await self.process.stdout.readline():
                data = json.loads(line)
                if key in data:
                    return data[key]
        raise AssertionError("the widget ended")


@asynccontextmanager
async def widget(here: House, page: Page, epoch: str = "", after: int = 0) -> AsyncIterator[Widget]:
    conversation = here.conversation(page)
    cookie = f"talk={here.routes._doors.cookie(conversation)}"
    arguments = [str(CHAT), str(page.url), cookie, page.origin, epoch, str(after)]
    assert NODE is not None
    pipe = asyncio.subprocess.PIPE
    script = str(Path(__file__).with_name("chat_line.js"))
    process = await asyncio.create_subprocess_exec(NODE, script, *arguments, stdin=pipe, stdout=pipe)
    try:
        yield Widget(process)
    finally:
        process.kill()
        await process.wait()


def test_the_widget_is_small():
    assert len(gzip.compress(without_comments(CHAT.read_bytes()))) <= 6 * 1024


@needs_node
async def test_the_widget_falls_back_to_polling_and_sends():
    async with house() as here:
        page = here.page()
        await page.load()
        async with widget(here, page) as line:
            assert (await line.until("show"))["text"] == "answer to /start park"
            line.say(id="w1", text="Mehr Bänke")
            assert await line.until("sent") == "w1"
            assert here.bot.said() == ["Mehr Bänke"]
            line.say(id="w2", text="x" * 4001)
            assert await line.until("refused") == "w2"


@needs_node
async def test_the_widget_sends_again_what_was_not_acknowledged():
    async with house() as here:
        page = here.page()
        await page.load()
        async with widget(here, page) as line:
            await line.until("show")
            here.bot.gate.clear()  # the widget's patience is 0.2 s here, so it will ask several times
            line.say(id="w1", text="Mehr Bänke")
            while here.bot.arrived < 4:
                await asyncio.sleep(0.05)
            here.bot.gate.set()
            assert await line.until("sent") == "w1"
            line.say(id="w2", text="Und Licht")
            assert await line.until("sent") == "w2"
            assert here.bot.said() == ["Mehr Bänke", "Und Licht"]


@needs_node
async def test_the_widget_notices_that_the_log_is_another_one():
    async with house() as here:
        page = here.page()
        await page.load()
        async with widget(here, page, epoch="gone", after=500) as line:
            assert await line.until("clear") is True
            assert (await line.until("show"))["seq"] == 1


@needs_node
async def test_the_widget_stops_where_waiting_does_not_help():
    async with house() as here:
        page = here.page()
        await page.load()
        here.bot.doors = {"park": "closed"}
        async with widget(here, page) as line:
            assert "web.error.closed" in await line.until("trouble")
            line.say(id="w1", text="Mehr Bänke")
            assert await line.until("refused") == "w1", "what is written then does not wait for ever"
