"""Our stand-in of Telegram is kept honest by a client that is not ours."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests import botapi
from tests.botapi import Rates
from tests.botapi.ledger import Sent
from tests.botapi.limits import FREE
from tests.interop.needed import python_of_peers

PEERS = Path(__file__).parents[1] / "interop"


@asynccontextmanager
async def aiogram(script: str, api: botapi.BotApi, *numbers: int) -> AsyncIterator[asyncio.subprocess.Process]:
    """One of our scripts for aiogram at work."""
    words = [str(PEERS / script), api.url, api.token, *map(str, numbers)]
    client = await asyncio.create_subprocess_exec(
        python_of_peers(), *words, stdout=asyncio.subprocess.PIPE, env=os.environ | {"PYTHONPATH": ""}
    )
    try:
        yield client
    finally:
        if client.returncode is None:
            client.kill()
            await client.wait()


async def what_it_saw(client: asyncio.subprocess.Process) -> Any:
    said, _ = await client.communicate()
    assert client.returncode == 0
    return json.loads(said)


async def test_aiogram_understands_all_of_it():
    async with botapi.running(Rates(overall=30, chat=2)) as api:
        resident, blocked, member = api.resident(), api.resident(), api.resident(group=-55)
        first = resident.start("park")
        resident.edit(first, "/start platz")
        resident.voice(b"OggS")
        resident.photo(caption="Hier")
        resident.sticker()
        resident.location(52.5, 13.4)
        resident.poll("Wohin?", ["Ans Wasser", "In den Wald"], forwarded_from="Kiezrunde")
        member.add_bot()
        member.say("/help")
        blocked.block()
        api.migrate(-55)
        keyboard = [[{"text": "Ja", "callback_data": "c.k.yes"}]]
        resident.tap_data(Sent(resident.number, 99, "Licht?", keyboard, api.state.now()), "c.k.yes")
        async with aiogram("aiogram_client.py", api, resident.number, blocked.number, -55) as client:
            seen = await what_it_saw(client)
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
        ["message", "poll", "private"],
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


async def test_aiogram_understands_polls_and_votes():
    async with botapi.running(FREE) as api:
        anna, berta = api.resident(), api.resident()
        async with aiogram("aiogram_polls.py", api, anna.number) as client:
            wishes, quiz = await anna.hears(2)
            anna.say("Was ist das?")  # no one requested messages
            anna.vote(wishes, "Licht", "Bänke")
            berta.vote(wishes, "Bäume")
            berta.vote(wishes, "Bäume")
            anna.vote(wishes)
            anna.vote(quiz, "10")
            with pytest.raises(ValueError, match="cannot be changed"):
                anna.vote(quiz, "100")
            with pytest.raises(ValueError, match="one answer"):
                berta.vote(quiz, "10", "100")
            api.state.age += 600  # the first poll was to be open for ten minutes
            berta.vote(quiz, "100")
            seen = await what_it_saw(client)
            with pytest.raises(ValueError, match="closed"):
                berta.vote(wishes, "Licht")
        assert not api.state.queue
    assert seen["sent"] == ["poll", "poll"]
    assert seen["wishes"] == {"is_anonymous": False, "allows_revoting": True, "type": "regular", "open_period": 600}
    assert seen["quiz"] == {
        "is_anonymous": True, "allows_revoting": False, "type": "quiz", "correct_option_ids": [1],
    }  # fmt: skip
    assert seen["updates"] == [
        ["answer", anna.number, [0, 2]],
        ["votes", 1, 0, 1],
        ["answer", berta.number, [1]],
        ["votes", 1, 1, 1],
        ["answer", anna.number, []],
        ["votes", 0, 1, 0],
        ["votes", 1, 0],
        ["closed", "Was fehlt?"],
        ["votes", 1, 1],
        ["closed", "Wie alt?"],
    ]
    assert seen["stopped"] == [True, [1, 1]]
    assert quiz.labels == []  # stopped without a keyboard
    assert seen["errors"] == [
        "Bad Request: poll has already been closed",
        "Bad Request: message with poll to stop not found",
        "Bad Request: there is no text in the message to edit",
        "Bad Request: poll question length must not exceed 300",
        "Bad Request: poll must have at least one answer option",
        "Bad Request: poll can't have more than 12 options",
    ]
