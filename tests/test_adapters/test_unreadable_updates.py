"""Unreadable updates of Telegram between valid ones: those are answered, in order, and the queue moves."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from adapters.telegram import transport
from adapters.telegram.channel import SECRET_HEADER
from tests import botapi
from tests.botapi import BotApi
from tests.botapi.limits import FREE
from tests.support.app import consultation, publish
from tests.support.telegram import answers_of, telegram
from tests.test_adapters.test_telegram_troubles import receiving, until
from tests.test_adapters.test_telegram_webhook import NEW, Door, door

__all__ = ["door"]


@pytest.fixture
async def api() -> AsyncIterator[BotApi]:
    async with botapi.running(FREE) as started:
        yield started


DEEP = b"[" * 5000 + b"]" * 5000
TAP = (
    b'{"id": "9", "from": {"id": 7, "is_bot": false, "first_name": "M"}, "chat_instance": "x", "data": "a\xff\xfeb",'
    b' "message": {"message_id": 1, "date": 1, "chat": {"id": 7, "type": "private", "first_name": "M"}}}'
)
MESSAGE = b'{"message_id": %d, "date": 1764000000, "chat": {"id": 7, "type": "private"}, "from": {"id": 7}, %s}'


def message(number: int, content: bytes) -> bytes:
    return b'"message": ' + MESSAGE % (number, content)


UNREADABLE = {
    "bytes in a tap": b'"callback_query": ' + TAP,
    "too deep": b'"message": ' + DEEP,
    "too deep beside": message(9, b'"entities": ' + DEEP),
    "too many digits": message(9, b'"forward_date": ' + b"9" * 5000),
    "chat without a number": b'"message": {"message_id": 1, "date": 1, "chat": {"id": [], "type": "private"}}',
    "no number at all": b'"message": {"message_id": 1, "date": 1, "chat": {"id": NaN, "type": "private"}}',
    "chat of another type": b'"message": {"chat": "?"}',
    "message of another type": b'"message": [1]',
    "tap without a sender": b'"callback_query": {"id": "1", "data": "x", "message": {"chat": {"type": "private"}}}',
    "text of another type": message(9, b'"text": {"a": 1}'),
    "date out of the world": b'"message": {"message_id": 1, "date": 1e300, "chat": {"id": 7, "type": "private"}}',
    "place nowhere": message(9, b'"location": {"latitude": NaN, "longitude": "x"}'),
    "photo of another type": message(9, b'"photo": [[]]'),
    "member without status": b'"my_chat_member": {"chat": {"id": 7, "type": "private"}}',
    "nothing": b'"message": null',
}
MENDED = {
    "byte in a text": (message(10, b'"text": "Gr\xfcn"'), "Gr\ufffdn"),
    "half of a pair": (message(11, b'"text": "Ja \\ud83d"'), "Ja \ufffd"),
    "half in a name": (message(12, b'"text": "Name", "caption": "\\ude00"'), "Name"),
    "pair": (message(13, b'"text": "\\ud83d\\ude00"'), "😀"),
    "word for half": (message(14, b'"text": "\\\\ud83d"'), "\\ud83d"),
}


class Raw:
    """Puts updates into the stand-in as bytes, as a server writes what a client sent."""

    def __init__(self, api: BotApi) -> None:
        self.state, self.bodies = api.state, dict[int, bytes]()

    def add(self, content: bytes) -> int:
        number = self.state.add_update("message", {"raw": len(self.bodies)})
        self.bodies[number] = b'{"update_id": %d, %s}' % (number, content)
        return number

    def dumps(self, answer: Any) -> bytes:
        result = answer.get("result")
        if not isinstance(result, list) or not all(isinstance(one, dict) and "update_id" in one for one in result):
            return json.dumps(answer).encode()
        updates = [self.bodies.get(one["update_id"]) or json.dumps(one).encode() for one in result]
        return b'{"ok": true, "result": [' + b", ".join(updates) + b"]}"


@pytest.fixture
def raw(api, monkeypatch) -> Raw:
    made = Raw(api)
    monkeypatch.setattr("tests.botapi.server.encode", made.dumps)
    return made


async def test_a_queue_mixed_with_what_nobody_can_read(api, raw):
    resident = api.resident()
    for number, unreadable in enumerate(UNREADABLE.values()):
        resident.say(str(number))
        raw.add(unreadable)
    resident.say("zuletzt")
    async with receiving(api) as (channel, inbox):
        await until(lambda: "zuletzt" in inbox.texts)
        await until(lambda: not api.state.queue)
        assert channel.trouble() == ""
    said = [text for text in inbox.texts if text.isdecimal() or text == "zuletzt"]
    assert said == [*map(str, range(len(UNREADABLE))), "zuletzt"]


async def test_what_can_be_mended_is_read(api, raw):
    for content, _ in MENDED.values():
        raw.add(content)
    async with receiving(api) as (_, inbox):
        await inbox.holds(len(MENDED))
    assert inbox.texts == [text for _, text in MENDED.values()]


async def test_an_update_larger_than_any_answer_is_left_behind(api, monkeypatch):
    monkeypatch.setattr(transport, "LARGEST_ANSWER", 20_000)
    resident = api.resident()
    resident.say("davor")
    resident.say("x" * 50_000)
    resident.say("danach")
    async with receiving(api, pace=0.001) as (channel, inbox):
        await inbox.holds(2)
        await until(lambda: not api.state.queue)
        assert channel.trouble() == ""
    assert inbox.texts == ["davor", "danach"]


async def test_numbers_that_are_none_stop_nobody(api, raw):
    for number in (b'"7"', b"null", b"1.5", b"true", b"9" * 40):
        raw.bodies[raw.add(b'"message": null')] = b'{"update_id": ' + number + b', "message": {}}'
    api.resident().say("zuletzt")
    async with receiving(api) as (channel, inbox):
        await until(lambda: not api.state.queue)
        assert channel.trouble() == ""
    assert inbox.texts == ["zuletzt"]


async def test_a_whole_house_answers_the_others_in_order(store, api, raw):
    publish(store, consultation())
    async with telegram(store, api):
        resident, other = api.resident(), api.resident()
        for person in (resident, other):
            raw.add(UNREADABLE["bytes in a tap"])
            person.start("park")
            await person.hears()
            raw.add(UNREADABLE["too deep"])
            person.tap("Deutsch")
            await person.hears(2)
        raw.add(message(15, b'"text": "/start \\ud83d"'))
        resident.tap("Nein")
        await resident.hears()
        where = b'"chat": {"id": %d, "type": "private"}, "from": {"id": %d}' % (resident.number, resident.number)
        raw.add(b'"message": {"message_id": 999, "date": 1764000000, %s, "text": "B\xe4ume \\ud83d\\u0000"}' % where)
        await resident.hears()
        await until(lambda: not api.state.queue)
    assert answers_of(store) == {"lamps": '"no"', "wish": '"B\ufffdume \ufffd"'}


# The webhook


async def called(door: Door, body: bytes, secret: bytes = NEW.encode()) -> int:
    """A call written by hand: clients refuse to send such a header."""
    server = door.client.server
    reader, writer = await asyncio.open_connection(server.host, server.port)
    head = b"POST /hook HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\n"
    writer.write(
        head
        + SECRET_HEADER.encode()
        + b": "
        + secret
        + b"\r\nContent-Length: "
        + str(len(body)).encode()
        + b"\r\n\r\n"
        + body
    )
    line = await reader.readline()
    writer.close()
    return int(line.split()[1])


@pytest.mark.parametrize("secret", [b"\xff\xfe", b"\xed\xa0\xbd", NEW.encode() + b"\xff", b"\xc3\xbc"])
async def test_a_secret_that_is_no_utf_8_is_only_wrong(door, secret):
    assert await called(door, b"{}", secret) == 403


@pytest.mark.parametrize("body", [*UNREADABLE.values()], ids=UNREADABLE)
async def test_a_call_that_nobody_can_read_is_not_made_again(door, body):
    assert await called(door, b'{"update_id": 5, ' + body + b"}") == 200


@pytest.mark.parametrize("body", [b"\xff\xfe\xfd", b"<html>", b"[[1]", DEEP, b"x" * 2_000_000], ids=range(5))
async def test_a_call_that_is_no_update_is_not_made_again(door, body):
    assert await called(door, body) == (400 if body == b"[[1]" else 200)
    assert door.taken == []


async def test_a_call_that_can_be_mended_is_read(door):
    for content, _ in MENDED.values():
        assert await called(door, b'{"update_id": 5, ' + content + b"}") == 200
    assert [msg.text for msg in door.taken] == [text for _, text in MENDED.values()]
