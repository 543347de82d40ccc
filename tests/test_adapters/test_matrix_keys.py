"""Keys on their way to the bot: malformed events of other users do not make messages unreadable."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from tests.support.matrix_client import resident
from tests.support.synapse import Synapse, User
from tests.support.timeouts import PATIENCE
from tests.test_adapters.between import between
from tests.test_adapters.matrix_app import CLIENT, Listener, claim, device_of, listening

KEYS_OF_A_DEVICE = 50
OLM = "m.olm.v1.curve25519-aes-sha2"
_numbers = count(1)


async def send_to_device(server: Synapse, sender: User, bot: User, device: str, content: dict[str, Any]) -> None:
    """What brings keys, or pretends to."""
    where = f"{CLIENT}/sendToDevice/m.room.encrypted/k{next(_numbers)}"
    await server.call("PUT", where, {"messages": {bot.user_id: {device: content}}}, token=sender.token)


def curve_of(listener: Listener) -> str:
    """The public data of the bot's device."""
    client = listener.channel._client
    assert client
    assert client.olm
    return str(client.olm.account.identity_keys["curve25519"])


async def test_more_write_for_the_first_time_than_keys_are_left(homeserver: Synapse, tmp_path: Path):
    """The bot is away and leaves fifty keys: who comes after that many is understood, and there are new ones then."""
    bot, crowd = await homeserver.user("bot"), await homeserver.user("crowd")
    async with resident(homeserver) as anna:
        async with listening(homeserver, bot, tmp_path) as listener:
            await anna.invite(bot.user_id)
            device = device_of(listener)
        for _ in range(KEYS_OF_A_DEVICE):
            assert "fallback" not in await claim(homeserver, crowd, bot, device)
        await anna.say("Die Einundfünfzigste")
        assert (await claim(homeserver, crowd, bot, device))["fallback"] is True
        async with listening(homeserver, bot, tmp_path) as listener:
            await listener.until(lambda: listener.texts() == ["Die Einundfünfzigste"])
            assert "fallback" not in await claim(homeserver, crowd, bot, device)
            for _ in range(3 * KEYS_OF_A_DEVICE):  # faster than the bot can look
                await claim(homeserver, crowd, bot, device)
            await anna.say("Danke")
            await listener.until(lambda: listener.texts()[-1] == "Danke")
            async with asyncio.timeout(PATIENCE):
                while "fallback" in await claim(homeserver, crowd, bot, device):
                    await asyncio.sleep(0.1)


@pytest.mark.parametrize("ciphertext", [{"type": 0, "body": ""}, {"type": 1, "body": 7}, 7])
async def test_nonsense_to_the_device_takes_nobodys_keys(homeserver: Synapse, tmp_path: Path, ciphertext: Any):
    """What nio falls over arrives in one answer with the key of a person who does no harm."""
    bot, mallory = await homeserver.user("bot"), await homeserver.user("mallory")
    async with resident(homeserver) as anna:
        async with listening(homeserver, bot, tmp_path) as listener:
            await anna.invite(bot.user_id)
            device, curve = device_of(listener), curve_of(listener)
        nonsense = {"algorithm": OLM, "sender_key": curve, "ciphertext": {curve: ciphertext}}
        await send_to_device(homeserver, mallory, bot, device, nonsense)
        await anna.say("Hallo")
        async with listening(homeserver, bot, tmp_path) as listener:
            await listener.until(lambda: bool(listener.heard))
            assert listener.texts() == ["Hallo"]


async def test_all_keys_come_before_what_they_open(homeserver: Synapse, tmp_path: Path):
    """More keys wait than one answer brings, and the person of the last one has written more than is put aside."""
    bot, crowd = await homeserver.user("bot"), await homeserver.user("crowd")
    said = [f"Nachricht {number}" for number in range(30)]
    async with resident(homeserver) as anna:
        async with listening(homeserver, bot, tmp_path) as listener:
            await anna.invite(bot.user_id)
            device = device_of(listener)
        for _ in range(120):
            await send_to_device(
                homeserver, crowd, bot, device, {"algorithm": OLM, "sender_key": "x", "ciphertext": {}}
            )
        for words in said:
            await anna.say(words)
        async with listening(homeserver, bot, tmp_path) as listener:
            await listener.until(lambda: len(listener.heard) >= len(said))
            assert listener.texts() == said


async def test_a_key_that_is_late_changes_no_order_and_loses_nothing(homeserver: Synapse, tmp_path: Path):
    """It comes together with the next message, and then the database is not there."""
    bot = await homeserver.user("bot")
    async with between(homeserver) as (url, middle), resident(replace(homeserver, url=url)) as anna:
        async with listening(homeserver, bot, tmp_path) as listener:
            await anna.invite(bot.user_id)
            middle.held = "/sendToDevice/"
            await anna.say("eins")
            state = listener.channel._state
            assert state
            await listener.until(state.has_untold)
        await middle.let_go()
        await anna.say("zwei")
        async with listening(homeserver, bot, tmp_path, fails=True) as listener:
            await listener.until(lambda: len(listener.heard) >= 2)
            assert listener.texts()[:2] == ["eins", "zwei"]
        async with listening(homeserver, bot, tmp_path) as listener:
            await listener.until(lambda: len(listener.heard) >= 2)
            assert listener.texts() == ["eins", "zwei"]
        async with listening(homeserver, bot, tmp_path) as listener:
            await anna.say("drei")
            await listener.until(lambda: bool(listener.heard))
            assert listener.texts() == ["drei"]
