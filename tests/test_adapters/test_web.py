"""The web channel's lines: nothing is lost, nothing is doubled, and every line shows the same log."""

from __future__ import annotations

import asyncio

from tests.test_adapters.pages import house


async def test_a_first_visit_starts_the_consultation_and_an_answer_is_acknowledged():
    async with house() as here:
        page = here.page()
        await page.load()
        ws = await page.ws()
        assert (await ws.next())["epoch"] == here.hub.epoch
        first = await ws.until("text")
        assert first["text"] == "answer to /start park"
        assert first["quick_replies"][0] == {"token": "p.lamps.yes", "label": "Ja", "number": 1, "chosen": False}
        assert (first["language"], first["dir"], first["expects"], first["title"]) == ("de", "ltr", "one", "Licht?")
        await ws.say("a1", choice="p.lamps.yes")
        own = await ws.until("own")
        assert own == {"seq": 2, "own": "Ja", "id": "a1"}
        assert await ws.until("ack") == {"ack": "a1"}
        assert here.bot.said() == ["p.lamps.yes"]


async def test_the_acknowledgement_waits_for_the_commit():
    async with house() as here:
        page = here.page()
        await page.load()
        ws = await page.ws()
        await ws.until("text")
        here.bot.gate.clear()
        await ws.say("a1", "Ja")
        assert (await ws.until("own"))["own"] == "Ja"
        waiting = asyncio.ensure_future(ws.until("ack"))
        done, _ = await asyncio.wait([waiting], timeout=0.2)
        assert not done
        here.bot.gate.set()
        assert await waiting == {"ack": "a1"}
