"""Rooms of the Matrix channel: messages from a downtime, permitted inviters, groups, upgrades, odd events."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from adapters.base import Outgoing, Refused, RetryAfter, Sent, Unreachable
from adapters.matrix import reading
from flows.messages import MsgOut
from tests.support.synapse import Synapse
from tests.support.synapse import running as running_synapse
from tests.test_adapters.matrix_app import listening, person

HALLO = MsgOut("Hallo")


async def test_messages_sent_while_offline_arrive_once_in_order(homeserver: Synapse, tmp_path: Path):
    """More than a sync brings at once; and again, when it could not be stored the first time."""
    anna, bot = await person(homeserver), await homeserver.user("bot")
    said = [f"Nachricht {number}" for number in range(130)]
    async with listening(homeserver, bot, tmp_path) as listener:
        room = await anna.room(bot)
        await anna.say(room, "vorher")
        await listener.until(lambda: listener.texts() == ["vorher"])
    for words in said:
        await anna.say(room, words)
    async with listening(homeserver, bot, tmp_path, fails=True) as listener:
        await listener.until(lambda: len(listener.heard) >= 130)
        first = listener.heard[:130]
    async with listening(homeserver, bot, tmp_path) as listener:
        await listener.until(lambda: len(listener.heard) >= 130)
        await asyncio.sleep(0.2)
        assert listener.texts() == said
        assert [msg.external_id for msg in listener.heard] == [msg.external_id for msg in first]
    async with listening(homeserver, bot, tmp_path) as listener:
        await anna.say(room, "danach")
        await listener.until(lambda: len(listener.heard) >= 1)
        assert listener.texts() == ["danach"]


async def test_messages_from_before_the_invitation_are_ignored(homeserver: Synapse, tmp_path: Path):
    anna, bot = await person(homeserver), await homeserver.user("bot")
    async with listening(homeserver, bot, tmp_path) as listener:
        room = await anna.room(
            initial_state=[{"type": "m.room.history_visibility", "content": {"history_visibility": "shared"}}]
        )
        await anna.say(room, "unter uns")
        await anna.ask("POST", f"/rooms/{quote(room)}/invite", {"user_id": bot.user_id})
        await anna.say(room, "Hallo")
        if not listener.heard:  # an invitation that does not say "direct" counts from people of its own server
            await listener.until(lambda: len(listener.heard) >= 1)
        assert listener.texts() == ["Hallo"]


async def test_among_others_it_answers_only_when_it_is_spoken_to(homeserver: Synapse, tmp_path: Path):
    anna, ben, bot = await person(homeserver), await person(homeserver, "ben"), await homeserver.user("bot")
    async with listening(homeserver, bot, tmp_path) as listener:
        room = await anna.room(bot, ben.user, is_direct=False)
        await ben.ask("POST", f"/join/{quote(room)}", {})
        await listener.until(lambda: room in getattr(listener.channel._client, "rooms", {}))
        await ben.say(room, "nicht für dich")
        root = await anna.say(room, "Worum geht es?")
        relation = {"m.relates_to": {"rel_type": "m.thread", "event_id": root}}
        await ben.say(room, "!start park", **relation)
        await anna.say(room, "Und du?", **{"m.mentions": {"user_ids": [bot.user_id]}})
        await listener.until(lambda: len(listener.heard) >= 2)
        assert [(msg.text, msg.is_group) for msg in listener.heard] == [("!start park", True), ("!", True)]
        assert [msg.address for msg in listener.heard] == [f"{room} {ben.user.user_id}", f"{room} {anna.user.user_id}"]
        await listener.channel.send(Outgoing(1, listener.heard[0].address, HALLO))
        await listener.channel.send(Outgoing(2, listener.heard[1].address, HALLO))
        in_thread, plain = (await ben.read(room))[-2:]
        assert in_thread["content"]["m.relates_to"]["event_id"] == root
        assert "m.relates_to" not in plain["content"]
        # none of them has a direct room with the bot
        assert await listener.channel.send(Outgoing(3, ben.user.user_id, HALLO)) == Unreachable(
            "shares no room with the bot"
        )


async def test_a_private_answer_is_not_given_where_others_have_joined(homeserver: Synapse, tmp_path: Path):
    anna, ben, bot = await person(homeserver), await person(homeserver, "ben"), await homeserver.user("bot")
    async with listening(homeserver, bot, tmp_path) as listener:
        room = await anna.room(bot)
        await anna.say(room, "Hallo")
        await listener.until(lambda: listener.texts() == ["Hallo"])
        await anna.ask("POST", f"/rooms/{quote(room)}/invite", {"user_id": ben.user.user_id})
        await ben.ask("POST", f"/join/{quote(room)}", {})
        await anna.say(room, "!hilfe")
        await listener.until(lambda: len(listener.heard) == 2)
        assert listener.heard[-1].is_group
        assert isinstance(await listener.channel.send(Outgoing(1, anna.user.user_id, HALLO)), Refused)


async def test_it_leaves_empty_rooms_and_says_who_cannot_be_reached(homeserver: Synapse, tmp_path: Path):
    anna, bot = await person(homeserver), await homeserver.user("bot")
    async with listening(homeserver, bot, tmp_path) as listener:
        room = await anna.room(bot)
        await anna.say(room, "Hallo")
        await listener.until(lambda: listener.texts() == ["Hallo"])
        assert isinstance(await listener.channel.send(Outgoing(1, anna.user.user_id, HALLO)), Sent)
        await anna.ask("POST", f"/rooms/{quote(room)}/leave", {})
        assert listener.channel._state is not None
        await listener.until(lambda: not listener.channel._state.room_of(anna.user.user_id))  # type: ignore[union-attr]
        assert isinstance(await listener.channel.send(Outgoing(2, anna.user.user_id, HALLO)), Unreachable)
        kicked = await anna.room(bot)
        await anna.say(kicked, "Wieder da")  # the same person, in another room
        await listener.until(lambda: listener.texts() == ["Hallo", "Wieder da"])
        assert {msg.address for msg in listener.heard} == {anna.user.user_id}
        await anna.ask("POST", f"/rooms/{quote(kicked)}/kick", {"user_id": bot.user_id})
        assert isinstance(await listener.channel.send(Outgoing(3, anna.user.user_id, HALLO)), Unreachable)


async def test_rooms_of_servers_that_may_not_invite_are_declined(homeserver: Synapse, tmp_path: Path):
    anna, bot = await person(homeserver), await homeserver.user("bot")
    async with listening(homeserver, bot, tmp_path, allowed_servers=["elsewhere.test"]) as listener:
        room = await anna.room(bot)
        await anna.say(room, "Hallo")
        for _ in range(100):
            members = [event for event in await anna.read(room) if event.get("state_key") == bot.user_id]
            if members[-1]["content"]["membership"] == "leave":
                break
            await asyncio.sleep(0.05)
        assert [event["content"]["membership"] for event in members] == ["invite", "leave"]
        assert listener.heard == []


async def test_an_upgraded_room_is_followed_as_soon_as_it_is_invited(homeserver: Synapse, tmp_path: Path):
    anna, bot = await person(homeserver), await homeserver.user("bot")
    async with listening(homeserver, bot, tmp_path) as listener:
        old = await anna.room(bot, room_version="10")
        await anna.say(old, "Hallo")
        await listener.until(lambda: listener.texts() == ["Hallo"])
        new = (await anna.ask("POST", f"/rooms/{quote(old)}/upgrade", {"new_version": "12"}))["replacement_room"]
        assert ":" not in new  # a room id that cannot be taken apart
        state = listener.channel._state
        assert state is not None
        await listener.until(lambda: state.is_moving(old) and not state.rooms_to_join())
        waiting = await listener.channel.send(Outgoing(1, anna.user.user_id, HALLO))
        assert isinstance(waiting, Sent | RetryAfter)  # Synapse lets it speak in the old room or not; it is not lost
        await anna.ask("POST", f"/rooms/{quote(new)}/invite", {"user_id": bot.user_id})
        await listener.until(lambda: state.room_of(anna.user.user_id) == new)
        assert isinstance(await listener.channel.send(Outgoing(2, anna.user.user_id, MsgOut("hier"))), Sent)
        assert (await anna.read(new))[-1]["content"]["body"] == "hier"


async def test_odd_events_are_harmless_and_block_nothing(homeserver: Synapse, tmp_path: Path):
    anna, bot = await person(homeserver), await homeserver.user("bot")
    odd: list[tuple[str, dict[str, Any]]] = [
        ("m.room.message", {"msgtype": "m.new", "body": "?", "url": 5}),
        ("m.room.message", {"msgtype": "m.text", "body": "x", "m.relates_to": "nothing"}),
        ("m.room.encrypted", {"algorithm": "org.example.none"}),
        ("m.room.encrypted", {}),
        ("m.reaction", {"m.relates_to": {"rel_type": "m.annotation", "key": "1️⃣"}}),
        ("m.sticker", {"body": 1, "url": {}}),
        ("m.call.invite", {"call_id": 1}),
        ("org.example.new", {"deep": {"deeper": [1, None]}}),
        ("m.poll.response", {"m.selections": [{}]}),
    ]
    async with listening(homeserver, bot, tmp_path) as listener:
        room = await anna.room(bot)
        for kind, content in odd:
            await anna.send(room, kind, content)
        for kind in ("org.example.state", "m.space.child"):
            await anna.ask("PUT", f"/rooms/{quote(room)}/state/{kind}/x", {"odd": [1]})
        await anna.say(room, "Hallo")
        await anna.send(room, "m.room.message", {"msgtype": "m.notice", "body": "von einem Bot"})
        await anna.say(room, "Danke")
        await listener.until(lambda: listener.texts()[-1:] == ["Danke"])
        said = [(msg.text, msg.media) for msg in listener.heard]
        assert said == [("", "other"), ("x", ""), ("", "sticker"), ("Hallo", ""), ("Danke", "")]
        assert listener.channel.trouble() == ""


async def test_who_cannot_be_understood_is_told_once(
    homeserver: Synapse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """And what can be read after all counts, unless the person has written again meanwhile."""
    monkeypatch.setattr(reading, "GRACE_SECONDS", 0.5)
    anna, bot = await person(homeserver), await homeserver.user("bot")
    secret = {
        "algorithm": "m.megolm.v1.aes-sha2",
        "ciphertext": "AwgAEnACgAkLmt6qF84IK",
        "sender_key": "x",
        "session_id": "y",
        "device_id": "z",
    }
    async with listening(homeserver, bot, tmp_path) as listener:
        room = await anna.room(bot)
        lost = await anna.send(room, "m.room.encrypted", secret)
        await anna.send(room, "m.room.encrypted", secret)
        await listener.until(lambda: len(listener.heard) == 1)
    async with listening(homeserver, bot, tmp_path) as listener:  # who was told stays told
        opened = {"type": "m.room.message", "event_id": lost, "content": {"msgtype": "m.text", "body": "zu spät"}}
        await anna.say(room, "noch einmal")
        await listener.until(lambda: len(listener.heard) == 1)
        reader = listener.channel._syncer._reader  # type: ignore[union-attr]
        state = listener.channel._state
        assert state is not None
        assert not state.has_untold()
        third = await anna.send(room, "m.room.encrypted", secret)
        await listener.until(state.has_untold)
        monkeypatch.setattr(reader, "decrypt", lambda *_: opened | {"event_id": third})
        await anna.send(room, "m.reaction", {})
        await listener.until(lambda: len(listener.heard) == 2)
        assert listener.texts() == ["noch einmal", "zu spät"]
        assert listener.heard[-1].external_id == third


async def test_default_limits_are_an_answer_not_a_nap(tmp_path: Path):
    """Synapse as it comes: ten messages, then one every five seconds."""
    with running_synapse(tmp_path, has_default_limits=True) as server:
        anna, bot = await person(server), await server.user("bot")
        async with listening(server, bot, tmp_path / "bot") as listener:
            room = await anna.room(bot)
            await anna.say(room, "Hallo")
            await listener.until(lambda: listener.texts() == ["Hallo"])
            began = time.monotonic()
            said = [await listener.channel.send(Outgoing(n, anna.user.user_id, HALLO)) for n in range(1, 14)]
            assert time.monotonic() - began < 10  # one pause it had slept would already be five
            limited = [delivery for delivery in said if isinstance(delivery, RetryAfter)]
            assert 1 <= len(limited) <= 8
            assert all(0 < delivery.seconds <= 15 and delivery.is_overall for delivery in limited)
            await server.lift_limits(bot.user_id)
            assert isinstance(await listener.channel.send(Outgoing(13, anna.user.user_id, HALLO)), Sent)
