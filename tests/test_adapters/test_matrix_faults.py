"""A homeserver that refuses a single request at the wrong moment: nothing becomes unreadable, nothing is lost."""

from __future__ import annotations

from pathlib import Path

import pytest

from adapters.base import Outgoing, RetryAfter, Sent
from adapters.matrix import channel as matrix_channel
from adapters.matrix import sending
from flows.messages import MsgOut
from tests.support.matrix_client import resident
from tests.support.synapse import Synapse
from tests.test_adapters.between import between
from tests.test_adapters.matrix_app import listening, person


@pytest.mark.parametrize("refused", ["/sendToDevice/", "/keys/claim", "/members", "/send/m.room.encrypted/"])
async def test_a_message_never_goes_out_without_its_key(
    homeserver: Synapse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refused: str
):
    monkeypatch.setattr(matrix_channel, "FIRST_PAUSE_SECONDS", 0.05)
    bot = await homeserver.user("bot")
    async with resident(homeserver) as anna, between(homeserver) as (url, middle):
        async with listening(homeserver, bot, tmp_path, homeserver=url) as listener:
            await anna.invite(bot.user_id)
            await anna.say("Hallo")
            await listener.until(lambda: listener.texts() == ["Hallo"])
        async with listening(homeserver, bot, tmp_path, homeserver=url) as listener:
            if refused == "/keys/claim":  # as with a device the bot has never written to
                listener.channel._client.olm.session_store._entries.clear()  # type: ignore[union-attr]
            middle.refused = {refused: 1}
            delivery = await listener.channel.send(Outgoing(5, anna.user.user_id, MsgOut("mit Schlüssel")))
            assert middle.refused == {refused: 0}
            assert isinstance(delivery, RetryAfter)
            assert delivery.is_overall
            assert isinstance(
                await listener.channel.send(Outgoing(5, anna.user.user_id, MsgOut("mit Schlüssel"))), Sent
            )
            await anna.until("mit Schlüssel")
        assert not [event for event in anna.events if event["unreadable"]]
        assert anna.read() == ["mit Schlüssel"]


async def test_a_device_that_had_no_key_gets_it_later(
    homeserver: Synapse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Its homeserver was away when the bot asked for a key: with a later message it is asked again."""
    monkeypatch.setattr(sending, "CLAIM_AGAIN_SECONDS", 0.0)
    bot = await homeserver.user("bot")
    async with resident(homeserver) as anna, between(homeserver) as (url, middle):
        async with listening(homeserver, bot, tmp_path, homeserver=url) as listener:
            await anna.invite(bot.user_id)
            await anna.say("Hallo")
            await listener.until(lambda: listener.texts() == ["Hallo"])
            listener.channel._client.olm.session_store._entries.clear()  # type: ignore[union-attr]
            middle.refused, middle.answer = {"/keys/claim": 1}, (200, '{"one_time_keys": {}, "failures": {}}')
            who = anna.user.user_id
            assert isinstance(await listener.channel.send(Outgoing(5, who, MsgOut("ohne Schlüssel"))), Sent)
            assert middle.refused == {"/keys/claim": 0}
            await anna.find(lambda event: event["unreadable"], "a message without a key")
            assert isinstance(await listener.channel.send(Outgoing(6, who, MsgOut("mit Schlüssel"))), Sent)
            await anna.until("mit Schlüssel")
        assert anna.read() == ["mit Schlüssel"]


async def test_nobody_waits_for_a_room_that_cannot_be_joined(homeserver: Synapse, tmp_path: Path):
    """As with a room on a server that is gone: it is tried again, and others are joined meanwhile."""
    bot = await homeserver.user("bot")
    mallory, anna = await person(homeserver, "mallory"), await person(homeserver)
    async with between(homeserver) as (url, middle), listening(homeserver, bot, tmp_path, homeserver=url) as listener:
        middle.refused, middle.answer = {"/join/": 1}, (504, '{"errcode": "M_UNKNOWN"}')
        dead = await mallory.room(bot)
        await listener.until(lambda: not middle.refused["/join/"])
        room = await anna.room(bot)
        await anna.say(room, "Hallo")
        await listener.until(lambda: listener.texts() == ["Hallo"])
        assert bot.user_id not in await mallory.members(dead)
        await mallory.say(dead, "Doch noch")
        await listener.until(lambda: listener.texts() == ["Hallo", "Doch noch"])
