"""Live figures: the page, one producer for all viewers, and viewers who leave or do not read."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from aiohttp import ClientResponse

from bot.results.live_progress import GroupSizes, LiveProgress
from bot.web.console import live_streams
from bot.web.console.live_streams import LIVE_STREAMS, LiveProducer
from storage.core.store import Store
from storage.tables.participations import Tally
from storage.tables.revisions import find_live_revision
from tests.support.browser import Browser, House, serving
from tests.support.console import hired, signed_in
from tests.support.databases import only_sqlite
from tests.support.ideas import open_consultation
from tests.support.rows import stored_session
from tests.support.timeouts import PATIENCE

LIVE = "/console/consultations/park/live"


def begin(store: Store, first: int, number: int) -> None:
    with store.begin() as connection:
        revision = find_live_revision(connection, "park")
        assert revision
        for person in range(first, first + number):
            stored_session(connection, revision, person)


async def stream(house: House, browser: Browser) -> ClientResponse:
    return await browser.http.get(house.server.make_url(f"{LIVE}/events"), headers={"Accept": "text/event-stream"})


async def until(response: ClientResponse, words: str) -> str:
    """Reads events until one says this."""
    text = ""
    async with asyncio.timeout(PATIENCE):
        async for line in response.content:
            text += line.decode()
            if words in text:
                return text
    raise AssertionError(text)


@only_sqlite
async def test_figures_reach_all_viewers_also_after_one_has_left(store: Store, monkeypatch: Any) -> None:
    monkeypatch.setattr(live_streams, "SECONDS", 0.05)
    open_consultation(store)
    begin(store, 0, 7)
    async with serving(store) as house:
        browser, other = signed_in(house, hired(store)), signed_in(house, hired(store, "Cem"))
        await browser.get(LIVE)
        assert "begonnen 7" in browser.text.casefold()
        first, second = await stream(house, browser), await stream(house, other)
        await until(first, "<dd>7</dd>")
        first.close()
        begin(store, 100, 3)
        await until(second, "<dd>10</dd>")
        producers = list(house.server.app[LIVE_STREAMS]._producers.values())
        assert len(producers) == 1, "one for all viewers"
        async with asyncio.timeout(PATIENCE):
            while producers[0].viewers > 1:
                begin(store, int(time.monotonic() * 1000), 1)  # a write finds out that the other one has left
                await asyncio.sleep(0.05)
        second.close()
        await browser.get(f"{LIVE}?stopped=1")
        assert "sse-connect" not in browser.page.html
        assert (await browser.get(f"{LIVE}/events")).path == LIVE, "a person who opens the stream gets the page"


async def test_a_database_without_an_answer_does_not_hold_the_page(monkeypatch: Any) -> None:
    monkeypatch.setattr(live_streams, "PATIENCE_SECONDS", 0.05)
    answers: asyncio.Queue[LiveProgress] = asyncio.Queue()
    progress = LiveProgress(Tally(3, 2, 1), (), GroupSizes({}, 0), GroupSizes({}, 0), 0)
    producer = LiveProducer(answers.get)
    async with asyncio.timeout(PATIENCE):
        state = await producer.look()
        assert (state.progress, state.is_late) == (None, True)
        answers.put_nowait(progress)
        state = await producer.look()
    assert (state.progress, state.is_late) == (progress, False)


async def test_a_slow_count_rests_long(monkeypatch: Any) -> None:
    """A count that takes 20 ms runs at most every 2 s, also with a shorter interval."""
    monkeypatch.setattr(live_streams, "SECONDS", 0.01)
    counted: list[float] = []

    async def count() -> LiveProgress:
        await asyncio.sleep(0.02)
        counted.append(time.monotonic())
        return LiveProgress(Tally(len(counted), 0, 0), (), GroupSizes({}, 0), GroupSizes({}, 0), 0)

    producer = LiveProducer(count)
    producer.viewers = 1
    await producer.watch(0, PATIENCE)
    await producer.watch(1, 0.5)
    await producer.close()
    assert len(counted) == 1
