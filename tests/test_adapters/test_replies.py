"""Replies in Telegram and Matrix: to an earlier message they are no answer to the open question."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from adapters.telegram.updates import UpdateReader
from tests import botapi
from tests.botapi import BotApi
from tests.botapi.limits import FREE
from tests.support.app import consultation, publish
from tests.support.databases import Database
from tests.support.synapse import Synapse
from tests.support.telegram import answers_of, telegram
from tests.support.timeouts import PATIENCE
from tests.test_adapters.matrix_app import Person, answers, person, publish_to, running

LAMPS, WISH, EARLIER = "Licht im Park?", "Was fehlt?", "Antwort auf eine frühere Nachricht"


@pytest.fixture
async def api() -> AsyncIterator[BotApi]:
    async with botapi.running(FREE) as started:
        yield started


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({}, ""),
        ({"reply_to_message": {"text": LAMPS}}, LAMPS),
        ({"reply_to_message": {"caption": "Der Platz", "photo": []}}, "Der Platz"),
        ({"reply_to_message": {"voice": {}}}, "…"),
        ({"reply_to_message": {"forum_topic_created": {"name": "Park"}}}, ""),
        ({"external_reply": {"origin": {}}}, "…"),
        ({"reply_to_message": "?"}, ""),
        ({"quote": {"text": "Park"}, "reply_to_message": {"text": LAMPS}}, LAMPS),
    ],
)
def test_what_an_update_replies_to(more: dict[str, Any], said: str):
    message = {"message_id": 1, "date": 1, "chat": {"id": 7, "type": "private"}, "from": {"id": 7}, "text": "Ja"}
    read = UpdateReader("town", "secret").read({"update_id": 1, "message": message | more})
    assert read
    assert read.replies_to == said


async def test_telegram(store, api):
    publish(store, consultation())
    async with telegram(store, api):
        anna = api.resident()
        anna.start("park")
        await anna.hears()
        anna.tap("Deutsch")
        greeting, lamps = await anna.hears(2)
        anna.tap("Ja")
        (wish,) = await anna.hears()
        anna.reply(lamps, "Nein, doch nicht")
        (said,) = await anna.hears()
        assert "schon beantwortet: Ja" in said.text
        assert "Ändern" in said.labels
        anna.reply(greeting, "2")
        (said,) = await anna.hears()
        assert EARLIER in said.text
        anna.reply(wish, "Bänke")
        (said,) = await anna.hears()
        assert "Bänke" in said.text
    assert answers_of(store) == {"lamps": '"yes"', "wish": '"Bänke"'}


async def test_matrix(homeserver: Synapse, tmp_path: Path, database: Database):
    publish_to(database, consultation())
    bot, anna = await homeserver.user("bot"), await person(homeserver)
    async with running(homeserver, bot, tmp_path, database):
        room = await anna.room(bot)
        await says(anna, room, "/start park", "Welche Sprache")
        lamps = await says(anna, room, "Deutsch", LAMPS)
        wish = await says(anna, room, "ja", WISH)
        await says(anna, room, "Nein, doch nicht", "schon beantwortet: Ja", reply_to=lamps)
        mine = await anna.say(room, "/help")
        await says(anna, room, "2", EARLIER, reply_to=mine)
        assert answers(database) == [("lamps", '"yes"', "de")]
    async with running(homeserver, bot, tmp_path, database):  # what was asked before is not known any more
        again = await says(anna, room, "Nein", EARLIER, reply_to=wish)
        await says(anna, room, "Bänke", "Ihre Antworten", reply_to=again)
    assert answers(database) == [("lamps", '"yes"', "de"), ("wish", '"Bänke"', "de")]


async def says(anna: Person, room: str, words: str, answer: str, *, reply_to: str = "") -> str:
    """Says something, as a reply or not; gives the event with which the bot answers."""
    more = {"m.relates_to": {"m.in_reply_to": {"event_id": reply_to}}} if reply_to else {}
    own = await anna.say(room, words, **more)
    until = time.monotonic() + PATIENCE
    while True:
        found = await anna.read(room)
        since = [event["event_id"] for event in found].index(own)
        for event in found[since + 1 :]:
            if event["sender"] != anna.user.user_id and answer in event["content"].get("body", ""):
                return str(event["event_id"])
        assert time.monotonic() < until, [event["content"].get("body") for event in found[since:]]
        await asyncio.sleep(0.1)
