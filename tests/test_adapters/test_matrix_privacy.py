"""Who can read along in a room of Matrix: answers are taken in direct rooms, `web_only` asked in confidential ones."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from adapters.base import Outgoing, Refused, Sent
from adapters.matrix.rooms import room_of
from flows.definition import Consultation
from flows.messages import MsgOut, Room
from tests.support.app import consultation
from tests.support.databases import Database
from tests.support.matrix_client import resident
from tests.support.synapse import Synapse
from tests.support.timeouts import PATIENCE
from tests.test_adapters.matrix_app import answers, listening, person, publish_to, running

OPEN, DIRECT, CONFIDENTIAL = Room(False, False), Room(True, False), Room(True, True)
MEGOLM = {"algorithm": "m.megolm.v1.aes-sha2"}


def state(kind: str, **content: Any) -> dict[str, Any]:
    return {"type": f"m.room.{kind}", "state_key": "", "content": content}


ENCRYPTED = state("encryption", **MEGOLM)


@pytest.mark.parametrize(
    ("events", "wanted"),
    [
        ([], DIRECT),
        ([ENCRYPTED], CONFIDENTIAL),
        ([ENCRYPTED, state("join_rules", join_rule="invite")], CONFIDENTIAL),
        ([ENCRYPTED, state("join_rules", join_rule="knock")], CONFIDENTIAL),
        ([ENCRYPTED, state("join_rules", join_rule="public")], OPEN),
        ([ENCRYPTED, state("join_rules", join_rule="restricted")], OPEN),
        ([ENCRYPTED, state("join_rules", join_rule="knock_restricted")], OPEN),
        ([ENCRYPTED, state("join_rules", join_rule=7)], OPEN),
        ([ENCRYPTED, state("join_rules", join_rule=["invite"])], OPEN),
        ([ENCRYPTED, state("history_visibility", history_visibility="world_readable")], OPEN),
        ([ENCRYPTED, state("history_visibility", history_visibility="joined")], CONFIDENTIAL),
        ([state("encryption", algorithm="rot13")], DIRECT),
        ([state("encryption")], DIRECT),
        ([state("encryption", **MEGOLM) | {"state_key": "other"}], DIRECT),
        ([{"type": "m.room.join_rules", "content": 7}, {"content": {}}], DIRECT),
    ],
)
def test_what_the_state_of_a_room_says(events: list[dict[str, Any]], wanted: Room):
    assert room_of(events) == wanted


def test_what_we_would_send_in_clear_is_not_confidential():
    assert room_of([ENCRYPTED], is_encrypted=False) == DIRECT


def survey() -> Consultation:
    questions: list[dict[str, Any]] = [
        {"key": "wish", "type": "text", "text": {"de": "Was fehlt?", "en": "What is missing?"}},
        {"key": "secret", "type": "text", "web_only": True, "text": {"de": "Geheim?", "en": "Secret?"}},
        {"key": "last", "type": "text", "text": {"de": "Noch etwas?", "en": "Anything else?"}},
    ]
    return consultation(questions=questions)


PUBLIC = [
    {"preset": "public_chat"},
    {"initial_state": [state("join_rules", join_rule="public")]},
    {"initial_state": [state("history_visibility", history_visibility="world_readable")]},
]


@pytest.mark.parametrize("more", PUBLIC, ids=["public", "join rule", "history"])
async def test_a_room_that_others_can_enter_or_read_is_no_direct_chat(
    homeserver: Synapse, tmp_path: Path, database: Database, more: dict[str, Any]
):
    publish_to(database, survey())
    bot, anna = await homeserver.user("bot"), await person(homeserver)
    async with running(homeserver, bot, tmp_path, database) as app:
        room = await anna.room(bot, **more)
        await anna.say(room, "/start park")
        await until(anna, room, "nur im privaten Chat")
        await anna.say(room, "Mehr Bänke")
        await app.outbox.drained()
        assert not any("Was fehlt?" in body for body in await bodies(anna, room))
    assert answers(database) == []


async def test_unencrypted_room_gets_no_confidential_questions(homeserver: Synapse, tmp_path: Path, database: Database):
    publish_to(database, survey())
    bot, anna = await homeserver.user("bot"), await person(homeserver)
    async with running(homeserver, bot, tmp_path, database):
        room = await anna.room(bot)
        await anna.say(room, "/start park")
        await until(anna, room, "Welche Sprache")
        await anna.say(room, "Deutsch")
        await until(anna, room, "nicht Ende-zu-Ende verschlüsselt")
        await until(anna, room, "Was fehlt?")
        await anna.say(room, "Mehr Bänke")
        await until(anna, room, "Noch etwas?")
        said = await bodies(anna, room)
        assert not any("Geheim?" in body for body in said)
        assert any("weil andere mitlesen können" in body for body in said)


async def test_in_an_encrypted_chat_they_are_asked(homeserver: Synapse, tmp_path: Path, database: Database):
    publish_to(database, survey())
    bot = await homeserver.user("bot")
    async with resident(homeserver) as anna, running(homeserver, bot, tmp_path, database):
        await anna.invite(bot.user_id)
        for words, answer in (("/start park", "Welche Sprache"), ("Deutsch", "Was fehlt?"), ("Bänke", "Geheim?")):
            await anna.say(words)
            await anna.until(answer)
        assert not any("nicht Ende-zu-Ende" in body for body in anna.read())


async def test_room_privacy_is_rechecked_on_change_and_restart(homeserver: Synapse, tmp_path: Path):
    bot, anna = await homeserver.user("bot"), await person(homeserver)
    async with listening(homeserver, bot, tmp_path) as listener:
        room = await anna.room(bot)
        await anna.say(room, "eins")
        await listener.until(lambda: len(listener.heard) == 1)
        await anna.ask("PUT", f"/rooms/{quote(room)}/state/m.room.join_rules", {"join_rule": "public"})
        await anna.say(room, "zwei")
        await listener.until(lambda: len(listener.heard) == 2)
        delivery = await listener.channel.send(Outgoing(1, anna.user.user_id, MsgOut("Vertrauliches")))
        assert isinstance(delivery, Refused)
    async with listening(homeserver, bot, tmp_path) as again:
        await anna.say(room, "drei")
        await again.until(lambda: len(again.heard) == 1)
        await anna.ask("PUT", f"/rooms/{quote(room)}/state/m.room.join_rules", {"join_rule": "invite"})
        await anna.say(room, "vier")
        await again.until(lambda: len(again.heard) == 2)
        assert isinstance(await again.channel.send(Outgoing(2, anna.user.user_id, MsgOut("Wieder"))), Sent)
    found = [(msg.room, msg.is_group) for msg in (*listener.heard, *again.heard)]
    assert found == [(DIRECT, False), (OPEN, True), (OPEN, True), (DIRECT, False)]


async def bodies(anna: Any, room: str) -> list[str]:
    return [str(event["content"].get("body", "")) for event in await anna.read(room)]


async def until(anna: Any, room: str, words: str) -> None:
    end = time.monotonic() + PATIENCE
    while not any(words in body for body in await bodies(anna, room)):
        assert time.monotonic() < end, await bodies(anna, room)
        await asyncio.sleep(0.1)
