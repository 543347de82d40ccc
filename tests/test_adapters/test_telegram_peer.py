"""Our stand-in of Telegram is kept honest by a client that is not ours."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path

from tests import botapi
from tests.botapi import Rates
from tests.botapi.ledger import Sent
from tests.peers.needed import python_of_peers

CLIENT = Path(__file__).parents[1] / "peers" / "aiogram_client.py"


async def test_aiogram_understands_all_of_it():
    python = python_of_peers()
    async with botapi.running(Rates(overall=30, chat=2)) as api:
        resident, blocked, member = api.resident(), api.resident(), api.resident(group=-55)
        first = resident.start("park")
        resident.edit(first, "/start platz")
        resident.voice(b"OggS")
        resident.photo(caption="Hier")
        resident.sticker()
        resident.location(52.5, 13.4)
        member.add_bot()
        member.say("/help")
        blocked.block()
        api.migrate(-55)
        keyboard = [[{"text": "Ja", "callback_data": "c.k.yes"}]]
        resident.tap_data(Sent(resident.number, 99, "Licht?", keyboard, api.state.now()), "c.k.yes")
        words = [api.url, api.token, *map(str, (resident.number, blocked.number, -55))]
        client = await asyncio.create_subprocess_exec(
            python, CLIENT, *words, stdout=asyncio.subprocess.PIPE, env=os.environ | {"PYTHONPATH": ""}
        )
        said, _ = await client.communicate()
        assert client.returncode == 0
        seen = json.loads(said)
        assert not api.state.queue
    assert seen["me"] == "MitspracheTestBot"
    assert seen["sent"] == ["Licht?", "Ja"]
    assert seen["edited"] == ["Licht im Park?", True]
    assert seen["voice"] == "OggS"
    assert seen["updates"] == [
        ["message", "text", "private"],
        ["edited", "/start platz"],
        ["message", "voice", "private"],
        ["message", "photo", "private"],
        ["message", "sticker", "private"],
        ["message", "location", "private"],
        ["member", "left", "member"],
        ["message", "text", "supergroup"],
        ["member", "member", "kicked"],
        ["tap", "c.k.yes"],
    ]
    assert seen["errors"] == [
        "TelegramForbiddenError",
        "TelegramMigrateToChat",
        "TelegramBadRequest",
        "TelegramBadRequest",
        "TelegramBadRequest",
        "TelegramRetryAfter",
    ]
