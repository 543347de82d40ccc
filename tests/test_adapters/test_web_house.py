"""The web channel with the whole app behind it: what a page was told is stored is in the database, once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import ClientSession, CookieJar
from aiohttp.test_utils import TestServer
from sqlalchemy import text

from adapters.web.hub import WebHub
from adapters.web.sessions import COOKIE, WebConversation
from bot.web.context import SITE
from bot.web.server import build_application
from storage import migrate
from storage.core.store import Store
from tests.support.app import consultation, publish, running
from tests.test_adapters.pages import Socket


@pytest.fixture
def url(tmp_path):
    """A database with one open consultation."""
    url = f"sqlite:///{tmp_path / 'house.db'}"
    store = Store(url)
    migrate.upgrade(store)
    publish(store, consultation())
    store.dispose()
    return url


class Open:
    """A running app with a browser in front of it."""

    def __init__(self, server: TestServer, http: ClientSession, conversation: WebConversation) -> None:
        self.url = server.make_url("/c/park")
        self.http = http
        self.conversation = conversation

    async def ws(self) -> Socket:
        return Socket(await self.http.ws_connect(self.url / "ws", headers={"Origin": str(self.url.origin())}))


@asynccontextmanager
async def opened(url: str, conversation: WebConversation | None = None) -> AsyncIterator[Open]:
    """Each time another process, as far as the browser can tell."""
    async with running(Store(url), {"web": WebHub()}) as (app, _):
        pages = build_application(app)
        doors = pages[SITE].routes._doors
        known = conversation or doors.new("park")
        if conversation is None:  # as the door does, before it gives the cookie
            await pages[SITE].routes.hub.say(known.address, "begin", text="/start park")
        server = TestServer(pages)
        await server.start_server()
        async with ClientSession(cookie_jar=CookieJar(unsafe=True)) as http:
            http.cookie_jar.update_cookies({COOKIE: doors.cookie(known)}, server.make_url("/c/park/ws"))
            yield Open(server, http, known)
        await server.close()


def answers(url: str) -> list[Any]:
    store = Store(url)
    with store.reading() as connection:
        found = [tuple(row) for row in connection.execute(text("SELECT question_key, value FROM answers ORDER BY 1"))]
    store.dispose()
    return found


async def test_an_answer_is_stored_once_however_often_its_line_breaks(url):
    async with opened(url) as here:
        ws = await here.ws()
        await ws.until("text")
        await ws.say("m1", "Deutsch")
        await ws.until("ack")
        for _ in range(5):
            await ws.say("m2", "ja")
            await asyncio.sleep(0)
            ws.tear()
            ws = await here.ws()
        await ws.say("m2", "ja")
        assert await ws.until("ack") == {"ack": "m2"}
        assert answers(url) == [("lamps", '"yes"')]


async def test_the_way_goes_on_after_a_restart(url):
    async with opened(url) as here:
        ws = await here.ws()
        for number, words in enumerate(("Deutsch", "ja")):
            await ws.say(f"m{number}", words)
            await ws.until("ack")
        assert answers(url) == [("lamps", '"yes"')], "what is acknowledged is stored"
        conversation = here.conversation
    async with opened(url, conversation) as here:
        ws = await here.ws()
        assert "Was fehlt?" in (await ws.until("text"))["text"]
        # The page sends what was not acknowledged before the restart, though it was stored.
        await ws.say("m1", "ja")
        await ws.until("ack")
        await ws.say("m2", "Mehr Bänke")
        await ws.until("ack")
        assert answers(url) == [("lamps", '"yes"'), ("wish", '"Mehr Bänke"')]


async def test_two_people_at_once_and_two_tabs(url):
    async with opened(url) as here:
        one, two = await here.ws(), await here.ws()
        await asyncio.gather(one.until("text"), two.until("text"))
        await one.say("m1", "Deutsch")
        assert (await two.until("own"))["own"] == "Deutsch"
        await two.say("t1", "nein")
        await two.until("ack")
        assert (await one.until("own"))["own"] == "Deutsch"
        assert (await one.until("own"))["own"] == "nein"
        assert answers(url) == [("lamps", '"no"')]
