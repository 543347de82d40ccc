"""The web channel's lines: nothing is lost, nothing is doubled, and every line shows the same log."""

from __future__ import annotations

import asyncio

from adapters.base import Outgoing
from adapters.web.hub import WebHub
from flows.messages import MsgOut
from tests.support.timeouts import PATIENCE
from tests.test_adapters.pages import visit


async def test_first_visit_starts_and_answers_are_acknowledged():
    async with visit() as (here, page):
        ws = await page.ws()
        assert (await ws.next())["epoch"] == here.hub.epoch
        first = await ws.until("text")
        assert first["text"] == "answer to /start park"
        offered = {"token": "p.lamps.yes", "label": "Ja", "number": 1, "chosen": False, "amount": 0, "aside": ""}
        assert first["quick_replies"][0] == offered
        assert (first["language"], first["dir"], first["expects"], first["title"]) == ("de", "ltr", "one", "Licht?")
        await ws.say("a1", choice="p.lamps.yes")
        assert await ws.until("own") == {"seq": 2, "own": "Ja", "id": "a1"}
        assert await ws.until("ack") == {"ack": "a1"}
        assert here.bot.said() == ["p.lamps.yes"]


async def test_the_acknowledgement_waits_for_the_commit():
    async with visit() as (here, page):
        ws = await page.ws()
        await ws.until("text")
        here.bot.gate.clear()
        await ws.say("a1", "Ja")
        posting = asyncio.ensure_future(page.post({"id": "a2", "text": "Nein"}))
        waiting = asyncio.ensure_future(ws.until("ack"))
        done, _ = await asyncio.wait([waiting, posting], timeout=0.3)
        assert not done
        here.bot.gate.set()
        assert await waiting == {"ack": "a1"}
        assert await posting == (200, {"ack": "a2"})


async def test_a_repeat_is_acknowledged_and_changes_nothing():
    async with visit() as (here, page):
        ws = await page.ws()
        await ws.until("text")
        for _ in range(3):
            await ws.say("a1", "Ja")
            assert await ws.until("ack") == {"ack": "a1"}
        assert await page.post({"id": "a1", "text": "Ja"}) == (200, {"ack": "a1"})
        assert here.bot.said() == ["Ja"]
        _, log = await page.poll()
        assert [entry["own"] for entry in log["entries"] if "own" in entry] == ["Ja"]


async def test_resend_after_a_lost_acknowledgement_counts_once():
    async with visit() as (here, page):
        ws = await page.ws()
        await ws.until("text")
        here.bot.gate.clear()
        await ws.say("a1", "Ja")
        while here.bot.arrived < 2:
            await asyncio.sleep(0.01)
        ws.tear()
        again = await page.ws(after=1, epoch=here.hub.epoch)
        await again.say("a1", "Ja")
        here.bot.gate.set()
        assert await again.until("ack") == {"ack": "a1"}
        assert (await again.until("text"))["text"] == "answer to Ja"
        assert here.bot.said() == ["Ja"]


async def test_a_message_goes_on_when_its_line_is_gone():
    async with visit() as (here, page):
        ws = await page.ws()
        await ws.until("text")
        here.bot.gate.clear()
        await ws.say("a1", "Ja")
        while here.bot.arrived < 2:
            await asyncio.sleep(0.01)
        ws.tear()
        await asyncio.sleep(0.1)
        here.bot.gate.set()
        again = await page.ws(after=2, epoch=here.hub.epoch)
        assert (await again.until("text"))["text"] == "answer to Ja"
        assert here.bot.said() == ["Ja"]


async def test_every_line_shows_the_same_log():
    async with visit() as (_, page):
        await page.post({"id": "a1", "text": "Ja"})
        assert await page.form({"csrf": page.csrf, "id": "a2", "text": "Nein"}) == (303, "/c/park#latest")
        ws = await page.ws()
        await ws.next()
        over_ws = [await ws.next() for _ in range(5)]
        over_events = [data for _, data in await page.events(6)][1:]
        _, over_poll = await page.poll()
        assert over_ws == over_events == over_poll["entries"]
        assert [entry["seq"] for entry in over_ws] == [1, 2, 3, 4, 5]
        assert [entry.get("own") for entry in over_ws] == [None, "Ja", None, "Nein", None]


async def test_two_tabs_of_one_conversation_show_the_same():
    async with visit() as (here, page):
        one, two = await asyncio.gather(page.ws(), page.ws())
        assert await one.until("text") == await two.until("text")
        assert [msg.text for msg in here.bot.stored] == ["/start park"]
        await one.say("a1", "Ja")
        assert await two.until("own") == await one.until("own")
        assert await two.until("text") == await one.until("text")


async def test_a_line_goes_on_after_the_entry_it_names():
    async with visit() as (here, page):
        await page.post({"id": "a1", "text": "Ja"})
        ws = await page.ws(after=2, epoch=here.hub.epoch)
        assert (await ws.next())["seq"] == 3
        assert (await ws.next())["seq"] == 3
        events = await page.events(2, **{"Last-Event-ID": f"{here.hub.epoch}-1"})
        assert events[1] == (f"{here.hub.epoch}-2", {"seq": 2, "own": "Ja", "id": "a1"})
        status, log = await page.poll(after=2, epoch=here.hub.epoch)
        assert (status, [entry["seq"] for entry in log["entries"]]) == (200, [3])


async def test_numbers_of_another_process_count_for_nothing():
    async with visit() as (_, page):
        await page.post({"id": "a1", "text": "Ja"})
        _, log = await page.poll(after=2, epoch="gone")
        assert [entry["seq"] for entry in log["entries"]] == [1, 2, 3]
        assert (await page.events(2, **{"Last-Event-ID": "gone-2"}))[1][1]["seq"] == 1


async def test_a_poll_waits_for_what_is_new():
    async with visit() as (here, page):
        await page.poll(wait=2)
        polling = asyncio.ensure_future(page.poll(after=1, epoch=here.hub.epoch, wait=10))
        await asyncio.sleep(0.1)
        assert not polling.done()
        await page.post({"id": "a1", "text": "Ja"})
        _, log = await polling
        assert log["entries"][0]["own"] == "Ja"


async def test_a_known_person_is_told_where_they_stand_after_a_restart():
    async with visit() as (here, page):
        address = here.conversation(page).address
        here.bot.known.add(address)
        ws = await page.ws(after=7, epoch="gone")
        assert (await ws.until("text"))["text"] == "answer to repeat"
        here.hub.wipe(address)
        assert await ws.until("never") == ("closed", 4401)
        await page.poll(wait=2)
        assert [msg.text for msg in here.bot.stored] == ["repeat", "repeat"], "the second one is not taken for a repeat"


async def test_form_post_without_script_waits_for_the_reply():
    async with visit() as (here, page):
        assert (await page.form({"csrf": page.csrf, "id": "f1", "choice": "p.lamps.no", "text": "draft"}))[0] == 303
        assert (await page.form({"csrf": page.csrf, "id": "f1", "choice": "p.lamps.no", "text": "draft"}))[0] == 303
        entries = here.hub.chat(here.conversation(page).address).after(0)
        assert [entry.own or (entry.msg and entry.msg.text) for entry in entries] == [
            "answer to /start park",
            "Nein",
            "answer to p.lamps.no",
        ]


async def test_a_page_without_script_says_what_went_wrong():
    async with visit() as (_, page):
        status, text = await page.form({"csrf": page.csrf, "id": "f1", "text": "x" * 4001})
        assert (status, text) == (413, "[] web.error.too_long. [] web.error.too_long_text.")


async def test_open_lines_keep_their_conversation_in_memory(monkeypatch):
    monkeypatch.setattr("adapters.web.hub.MOST_CHATS", 2)
    hub = WebHub()
    watched = hub.chat("watched")
    watched.watch(lambda: None)
    for number in range(5):
        hub.chat(f"other {number}")
    assert hub.chat("watched") is watched
    assert not hub.is_known("other 0")


async def test_a_stopping_server_lets_go_of_everybody():
    async with visit() as (here, page):
        ws = await page.ws()
        await ws.until("text")
        polling = asyncio.ensure_future(page.poll(after=1, epoch=here.hub.epoch, wait=25))
        await asyncio.sleep(0.1)
        async with asyncio.timeout(PATIENCE):
            await asyncio.gather(here.server.close(), ws.until("never"), polling, return_exceptions=True)
        assert ws.raw.close_code == 1012


async def test_only_repeated_messages_are_shared_in_memory():
    hub = WebHub()
    for number, text in enumerate(["Frage 1", "Frage 1", "Frage 1", "Quittung A", "Quittung B"]):
        hub.chat(str(number))
        await hub.send(Outgoing(number, str(number), MsgOut("".join(text))))
    logs = [hub.chat(str(number)).entries[0].msg for number in range(5)]
    assert logs[1] is logs[2]
    assert [msg.text for msg in hub._common] == ["Frage 1"]
