"""While nothing can be stored, visitors are informed within three seconds, and keep their texts."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from bot.conversations import inbox
from bot.web.consultation_cache import ConsultationCache
from storage.core.errors import StoreBusy, StoreFull, StoreLost
from storage.core.store import Store
from tests.support.browser import Browser, serving
from tests.support.timeouts import PATIENCE

SOON = 3.0
SLUG = "mein-kiez"
CHAT = f"/c/{SLUG}"


@pytest.fixture
def store(sample_store, monkeypatch):
    monkeypatch.setattr("bot.conversations.inbox.LONGEST_PAUSE_SECONDS", 0.5)
    # As they are in a service, where tests are more patient otherwise (`unhurried`).
    for limit, seconds in {
        "conversations.inbox.PROBE_TIMEOUT": 0.8,
        "web.server.KNOWN": 2.5,
        "web.consultation_cache.PATIENCE": 0.6,
    }.items():
        monkeypatch.setattr(f"bot.{limit}_SECONDS", seconds)
    return sample_store


@asynccontextmanager
async def away(store: Store, how: str) -> AsyncIterator[None]:
    """The disk is full, the database is gone, or it does not answer at all."""
    write, read, is_back = store.write, store.read, asyncio.Event()

    async def failing(work: Any, **more: Any) -> Any:
        if is_back.is_set():
            return await write(work, **more)
        if how == "hangs":
            await is_back.wait()
            return await write(work, **more)
        raise StoreFull if how == "full" else StoreLost

    async def unreadable(work: Any) -> Any:
        if is_back.is_set() or how == "full":
            return await read(work)
        if how == "hangs":
            await is_back.wait()
        raise StoreLost

    store.write, store.read = failing, unreadable  # type: ignore[method-assign]
    try:
        yield
    finally:
        is_back.set()
        await asyncio.sleep(0)


async def soon(asked: Awaitable[Any]) -> Any:
    """The answer, which comes although nothing can be stored. How soon on a quiet machine is told by the limits."""
    assert inbox.PATIENCE_SECONDS + inbox.POLL_SECONDS <= SOON
    return await asyncio.wait_for(asked, PATIENCE)


HOW = pytest.mark.parametrize("how", ["full", "gone", "hangs"])


async def begin(page: Browser) -> None:
    """Until the first question is there: on a busy machine the two seconds of these tests may pass before."""
    async with asyncio.timeout(PATIENCE):
        while "Senden" not in (labels := {label for form in page.page.forms for _, _, label in form.buttons}):
            await (page.press("Lieber ein Chat?") if "Los geht es" in labels else page.get(CHAT))
            await asyncio.sleep(0.1)


@HOW
async def test_a_form_says_so_keeps_the_text_and_sends_it_again(store, how):
    async with serving(store) as house:
        page = house.browser()
        await page.get(CHAT)
        await begin(page)
        async with away(store, how):
            await soon(page.press("Senden", text="Mehr Bänke"))
            assert page.status == 503
            assert "Gerade können wir nichts speichern" in page.text
            form = next(form for form in page.page.forms if dict(form.fields).get("text") == "Mehr Bänke")
            await soon(page.get(CHAT))
            assert page.status == 200  # where the bot has said nothing yet, there is a page as well
        async with asyncio.timeout(PATIENCE):  # at the next attempt of the app
            while (await page.post(form.action, form.fields)).status != 200:
                await asyncio.sleep(0.3)
        assert page.text.count("Gerade können wir") == 0
        assert "Störung" not in page.text


@HOW
async def test_a_new_person_is_told(store, how):
    async with serving(store) as house:
        page = house.browser()
        await page.get(CHAT)
        async with away(store, how):
            await soon(page.press("Los geht es"))
            assert page.status == 503
            await soon(page.get("/"))
            assert page.status == 200


@HOW
@pytest.mark.parametrize("line", ["script", "socket"])
async def test_a_page_is_told_and_sends_again_by_id(store, how, line):
    async with serving(store) as house:
        page = house.browser()
        await page.get(CHAT)
        await begin(page)
        url, origin = page.server.make_url(CHAT), str(page.server.make_url("/")).rstrip("/")
        words = {"id": "w1", "text": "Mehr Bänke"}

        async def say() -> dict[str, Any]:
            if line == "script":
                async with page.http.post(f"{url}/say", json=words, headers={"Origin": origin}) as answer:
                    return dict(await answer.json())
            async with page.http.ws_connect(f"{url}/ws", headers={"Origin": origin}) as socket:
                await socket.send_str(json.dumps(words))
                async for frame in socket:
                    data = json.loads(frame.data)
                    if data.keys() & {"error", "ack"}:
                        return dict(data)
            raise AssertionError("the line ended")

        async with away(store, how):
            refused = await soon(say())
            assert (refused["error"], refused["id"]) == ("held", "w1")
            assert refused["retry"] > 0
        async with asyncio.timeout(PATIENCE):
            while "ack" not in (answer := await say()):
                await asyncio.sleep(0.3)
        assert answer == {"ack": "w1"}
        assert (await page.get(CHAT)).text.count("Störung") == 0


async def test_slow_first_load_is_shared_by_all_visitors(store, monkeypatch):
    monkeypatch.setattr("bot.web.consultation_cache.FIRST_SECONDS", 0.1)
    read, looks = store.read, 0

    async def slowly(work: Any) -> Any:
        nonlocal looks
        looks += 1
        await asyncio.sleep(1)
        return await read(work)

    monkeypatch.setattr(store, "read", slowly)
    cache = ConsultationCache(store)
    for _ in range(2):
        with pytest.raises(StoreBusy):
            await cache.refresh()
    monkeypatch.setattr("bot.web.consultation_cache.FIRST_SECONDS", PATIENCE)
    await cache.refresh()
    assert (cache.find(SLUG) is not None, looks) == (True, 1)
