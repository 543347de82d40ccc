"""Unreadable input over each transport of the web page: refused with an explanation, and the rest continues in
order.
"""

from __future__ import annotations

import json

import pytest

from tests.test_adapters.pages import visit

BAD = {
    "bytes": b'{"id": "x1", "text": "Gr\xfcn"}',
    "cut off": b'{"id": "x1", "text": "Gr',
    "too deep": b'{"id": "x1", "text": ' + b"[" * 5000 + b"]" * 5000 + b"}",
    "too many digits": b'{"id": "x1", "text": ' + b"9" * 5000 + b"}",
    "another type": b'{"id": "x1", "text": {"a": 1}}',
    "no id": b'{"text": "Ja"}',
    "id of another type": b'{"id": 7, "text": "Ja"}',
    "half in the id": b'{"id": "x\\ud83d", "text": "Ja"}',
    "a list": b"[1]",
    "nothing": b"",
    "too much": b'{"id": "x1", "text": "' + b"x" * 100_000 + b'"}',
}
MENDED = '{"id": "m1", "text": "Ja \\ud83d", "shown": "\\ude00"}'


async def test_json():
    async with visit() as (here, page):
        for number, body in enumerate(BAD.values()):
            assert (await page.post({"id": f"a{number}", "text": str(number)}))[0] == 200
            status, answer = await page.post(body)
            assert 400 <= status < 500
            assert answer["text"]
        assert (await page.post(MENDED))[0] == 200
        assert here.bot.said() == [*map(str, range(len(BAD))), "Ja \ufffd"]


@pytest.mark.parametrize("name", sorted(BAD.keys() - {"bytes", "nothing", "too much"}))
async def test_a_web_socket_goes_on_behind_it(name: str):
    async with visit() as (here, page):
        line = await page.ws()
        await line.say("a1", "davor")
        await line.until("ack")
        await line.raw.send_str(BAD[name].decode())
        assert (await line.until("error"))["text"]
        await line.raw.send_str(MENDED)
        assert (await line.until("ack"))["ack"] == "m1"
        assert here.bot.said() == ["davor", "Ja \ufffd"]


async def test_a_frame_that_is_no_text_ends_that_line_only():
    """So the protocol has it (RFC 6455): the page comes again."""
    async with visit() as (here, page):
        line, other = await page.ws(), await page.ws()
        await line.raw._writer.send_frame(BAD["bytes"], 1)
        assert (await line.until("closed"))[0] == "closed"
        await other.say("a1", "weiter")
        await other.until("ack")
        again = await page.ws()
        await again.say("a2", "wieder da")
        await again.until("ack")
        assert here.bot.said() == ["weiter", "wieder da"]


async def test_a_form():
    async with visit() as (here, page):
        url, headers = page.url / "say", {"Origin": page.origin, "Content-Type": "application/x-www-form-urlencoded"}
        fields = f"csrf={page.csrf}&id="
        statuses = []
        for body in (
            b"a1&text=Gr%FCn",
            b"a2&text=\xff",
            b"a3&text=%ED%A0%BD",
            b"a4&text=" + b"x" * 200_000,
            b"a5&text=Ja",
        ):
            async with page.http.post(
                url, data=fields.encode() + body, headers=headers, allow_redirects=False
            ) as answer:
                statuses.append(answer.status)
        assert statuses == [303, 400, 303, 413, 303]
        assert here.bot.said() == ["Gr\ufffdn", "\ufffd" * 3, "Ja"]


async def test_the_language_of_a_browser_that_sends_bytes():
    async with visit() as (here, page):
        status, _ = await page.post(json.dumps({"id": "a1", "text": "Ja"}), **{"Accept-Language": "d\udcff"})
        assert status == 200
        assert here.bot.said() == ["Ja"]
