"""Deleting on the web: the final message is shown, and a page that keeps polling creates no contact."""

from __future__ import annotations

import asyncio
import json

import pytest
from aiohttp import WSMsgType

from bot.delivery.message_codec import payload_of
from tests.support.app import rows
from tests.support.browser import serving
from tests.support.timeouts import PATIENCE
from tests.test_web.test_journeys import at_the_first_question

DONE = "gelöscht. Den Chatverlauf"


@pytest.fixture
def store(sample_store):
    return sample_store


async def people(house, store):
    await house.app.outbox.drained()
    return [rows(store, f"SELECT count(*) FROM {table}")[0][0] for table in ("contacts", "addresses", "sessions")]


@pytest.mark.parametrize("view", ["Chat", "Formular"])
async def test_deletion_without_script_is_confirmed_and_logs_out(store, view):
    async with serving(store) as house:
        page = await at_the_first_question(house, view)
        await page.get("/c/mein-kiez?view=chat")
        await page.press("Senden", text="löschen")
        await page.press("Senden", text="alles löschen")
        assert DONE in page.text
        assert await people(house, store) == [0, 0, 0], "looking at the page makes nobody known"
        assert not [it for it in page.http.cookie_jar if it.key == "talk" and it.value], "the browser forgets them too"
        await page.get("/c/mein-kiez")
        assert DONE not in page.text
        assert await people(house, store) == [0, 0, 0]


@pytest.mark.parametrize("path", ["/c/mein-kiez", "/c/mein-kiez/form", "/c/mein-kiez/poll", "/c/mein-kiez/events"])
async def test_a_page_left_open_elsewhere_makes_nobody_known(store, path):
    async with serving(store) as house:
        page = await at_the_first_question(house)
        kept = {"talk": next(it.value for it in page.http.cookie_jar if it.key == "talk")}
        await page.press("Senden", text="löschen")
        await page.press("Senden", text="alles löschen")
        url = house.server.make_url(path)
        async with page.http.get(url, headers={"Cookie": f"talk={kept['talk']}"}) as answer:
            assert answer.status in {200, 401}
        assert await people(house, store) == [0, 0, 0]


async def test_the_open_chat_hears_the_last_word_before_its_line_ends(store):
    async with serving(store) as house:
        page = await at_the_first_question(house)
        url, heard = house.server.make_url("/c/mein-kiez/ws"), []
        async with page.http.ws_connect(url, headers={"Origin": str(url.origin())}) as ws:
            for number, words in enumerate(("löschen", "alles löschen")):
                await ws.send_str(json.dumps({"id": f"w{number}", "text": words}))
                await asyncio.sleep(0.3)
            async with asyncio.timeout(PATIENCE):
                while (frame := await ws.receive()).type is WSMsgType.TEXT:
                    heard.append(json.loads(frame.data))
        assert any(DONE in entry.get("text", "") for entry in heard)
        assert {"ack": "w1"} in heard
        assert (frame.type, frame.data) == (WSMsgType.CLOSE, 4401)
        async with page.http.ws_connect(url, headers={"Origin": str(url.origin())}) as again:
            refused = json.loads((await again.receive()).data)
        assert refused["error"] == "session"
        assert "gespeichert" not in refused["text"], "nothing is stored any more"
        assert await people(house, store) == [0, 0, 0]


async def test_no_memory_keeps_what_was_said(store):
    """Repeated messages are cached for speed; a participant's own repeated answers are cached as well."""
    async with serving(store) as house:
        page = await at_the_first_question(house)
        await page.press("Mitte")
        for _ in range(3):
            await page.press("Senden", text="meine daten")
        hub = house.app.channels["web"]
        kept = [repr(vars(hub)), repr(vars(payload_of))]
        assert all("→ Mitte" in memory for memory in kept), "else this test sees nothing"
        await page.press("Senden", text="löschen")
        await page.press("Senden", text="alles löschen")
        await house.app.outbox.drained()
        kept = [repr(vars(hub)), repr(vars(payload_of))]
        assert not any("→ Mitte" in memory for memory in kept)
