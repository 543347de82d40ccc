"""The line of docs/operate/web.md in the page of a city: the conversation works in it, and in no page not named."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer

from tests.support.timeouts import PATIENCE
from tests.test_browser.browser import BrowserError, Tab
from tests.test_browser.conftest import World

PAGE = Path(__file__).parents[2] / "docs" / "operate" / "web.md"


def the_line(origin: str) -> str:
    """The frame as operators copy it, with the address of this app."""
    (line,) = re.findall(r"^<iframe .*?</iframe>$", PAGE.read_text(encoding="utf-8"), re.M | re.S)
    return str(line.replace("https://mitsprache.example", origin))


@asynccontextmanager
async def city(origin: str) -> AsyncIterator[TestServer]:
    """Another person's web server, with a page that holds the line."""

    async def page(request: web.Request) -> web.Response:
        text = f"<!doctype html><html lang=de><title>Stadt</title><h1>Unsere Stadt</h1>{the_line(origin)}"
        return web.Response(text=text, content_type="text/html")

    app = web.Application()
    app.router.add_get("/", page)
    server = TestServer(app)
    await server.start_server()
    try:
        yield server
    finally:
        await server.close()


class Frame:
    """What stands in the only frame of a tab."""

    def __init__(self, tab: Tab) -> None:
        self._tab = tab

    async def url(self) -> str:
        return str((await self._frame())["url"])

    async def evaluate(self, script: str) -> Any:
        made = await self._tab.call("Page.createIsolatedWorld", frameId=(await self._frame())["id"])
        answer = await self._tab.call(
            "Runtime.evaluate", expression=script, contextId=made["executionContextId"], returnByValue=True
        )
        return answer["result"].get("value")

    async def until(self, condition: str) -> None:
        async with asyncio.timeout(PATIENCE):
            while True:
                with suppress(BrowserError):  # between two pages there is nothing to evaluate in
                    if await self.evaluate(f"!!({condition})"):
                        return
                await asyncio.sleep(0.05)

    async def click(self, selector: str) -> None:
        await self.until(f"document.readyState === 'complete' && document.querySelector(\"{selector}\")")
        with suppress(BrowserError):  # the page that was left tells nothing more
            await self.evaluate(f'document.querySelector("{selector}").click()')

    async def _frame(self) -> dict[str, Any]:
        tree = await self._tab.call("Page.getFrameTree")
        return dict(tree["frameTree"]["childFrames"][0]["frame"])


def forget(tab: Tab) -> None:
    """What the city's page asks for and complains about is no fault of ours."""
    tab.requests.clear()
    tab.complaints.clear()


async def test_only_allowed_origins_can_embed_the_chat(world: World):
    async with city(world.origin) as named, city(world.origin) as other:
        await world.stop()
        await world.restart(embed_origins=[str(named.make_url("")).rstrip("/")])
        tab = await world.tab(str(named.make_url("/?")))
        frame = Frame(tab)
        await frame.until("document.querySelector('form[action*=\"/start\"]')")
        assert not await frame.evaluate("document.querySelector('.bar .brand[href=\"/\"]')"), "no way out of the frame"
        await frame.click("form[action*='/start'] button")
        await frame.click("[value$='.district.01']")
        await frame.click("[value$='.good.green']")
        await frame.click("#go")
        await frame.until("document.querySelector('[value*=\".liking.\"]')")
        assert world.answers() == {"district": '"01"', "good": '["green"]'}
        await world.picture(tab, "embedded")
        forget(tab)
        stranger = await world.tab(str(other.make_url("/?")))
        assert not (await Frame(stranger).url()).startswith(world.origin), "who is not named sees nothing"
        forget(stranger)
