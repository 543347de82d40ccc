"""Unreadable events of Matrix between valid ones: those are read, in order, and the sync continues."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from adapters.matrix import channel as matrix_channel
from adapters.matrix import reading
from adapters.matrix.reading import TimelineReader
from flows.messages import Room
from tests.support.synapse import NotTaken, Synapse
from tests.test_adapters.between import between
from tests.test_adapters.matrix_app import listening, person

MANGLED = {
    b'"BYTES"': b'"Gr\xfcn"',
    b'"HALF"': b'"Ja \\ud83d"',
    b'"NUL"': b'"N\\u0000"',
    b'"DEEP"': b"[" * 5000 + b"]" * 5000,
    b'"DEEPER"': b'"tief", "m.mentions": ' + b'{"a":' * 300 + b"1" + b"}" * 300,
    b'"DIGITS"': b'"Zahl", "n": ' + b"9" * 5000,
    b'"NUMBER"': b"NaN",
}
ODD: list[dict[str, Any]] = [
    {"msgtype": 7, "body": ["x"]},
    {"body": "no type"},
    {},
    {"msgtype": "m.text"},
    {"msgtype": "m.text", "body": "x", "m.relates_to": []},
    {"msgtype": "m.text", "body": {"a": 1}, "m.relates_to": {"rel_type": "m.replace", "event_id": 7}},
    {"msgtype": "m.image", "body": "x", "file": 7, "info": []},
    {"msgtype": "m.location", "body": "x", "geo_uri": "geo:..,..", "org.matrix.msc3488.location": 7},
]


async def test_a_room_mixed_with_what_nobody_can_read(
    homeserver: Synapse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(matrix_channel, "FIRST_PAUSE_SECONDS", 0.05)
    bot, anna = await homeserver.user("bot"), await person(homeserver)
    async with between(homeserver) as (url, middle):
        middle.mangled = MANGLED
        async with listening(homeserver, bot, tmp_path, homeserver=url) as listener:
            room = await anna.room(bot)
            for number, odd in enumerate(ODD):
                await anna.say(room, str(number))
                for kind in ("m.room.message", "m.room.encrypted", "m.sticker", "m.reaction", "m.poll.response"):
                    with suppress(NotTaken):  # this homeserver itself looks at some of it; others do not
                        await anna.send(room, kind, odd)
            for words in MANGLED:
                await anna.say(room, words.decode().strip('"'))
            await anna.say(room, "x" * 60_000)
            await anna.say(room, "zuletzt")
            await listener.until(lambda: "zuletzt" in listener.texts())
            assert listener.channel.trouble() == ""
    said = [text for text in listener.texts() if text.isdecimal()]
    assert said == [*map(str, range(len(ODD)))]
    assert {"Gr\ufffdn", "Ja \ufffd", "N\0", "tief", "Zahl"} <= set(listener.texts())


async def test_a_fault_of_ours_about_one_event_stops_no_other(
    homeserver: Synapse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    real = TimelineReader._message

    def brittle(self: TimelineReader, address: str, event: reading.Raw, room: Room, **more: Any) -> Any:
        if event["content"].get("body") == "fatal":
            raise RecursionError
        return real(self, address, event, room, **more)

    monkeypatch.setattr(TimelineReader, "_message", brittle)
    bot, anna = await homeserver.user("bot"), await person(homeserver)
    async with listening(homeserver, bot, tmp_path) as listener:
        room = await anna.room(bot)
        for words in ("davor", "fatal", "danach"):
            await anna.say(room, words)
        await listener.until(lambda: listener.texts() == ["davor", "danach"])
        assert listener.channel.trouble() == ""
