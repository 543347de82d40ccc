"""How strict the stand-in is with polls, so that a bot that sends them learns of its mistakes."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from tests import botapi
from tests.botapi import BotApi
from tests.botapi.limits import FREE

GOOD = {"question": "Was fehlt?", "options": ["Bänke", {"text": "Licht"}]}
QUIZ = GOOD | {"type": "quiz"}


@pytest.fixture
async def api() -> AsyncIterator[BotApi]:
    async with botapi.running(FREE) as started:
        yield started


async def call(api: BotApi, method: str, **given: Any) -> dict[str, Any]:
    """The answer of a bot's call."""
    async with aiohttp.ClientSession() as bot, bot.post(f"{api.url}/bot{api.token}/{method}", json=given) as answer:
        said: dict[str, Any] = await answer.json()
        return said


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (GOOD | {"question": " "}, "text must be non-empty"),
        (GOOD | {"question": "?" * 301}, "poll question length must not exceed 300"),
        (GOOD | {"options": None}, "poll must have at least one answer option"),
        (GOOD | {"options": "["}, "can't parse options JSON object"),
        (GOOD | {"options": {"text": "Bänke"}}, "expected an Array of InputPollOption"),
        (GOOD | {"options": ["Bänke", 7]}, "can't parse InputPollOption: Expected InputPollOption to be an Object"),
        (GOOD | {"options": ["x"] * 13}, "poll can't have more than 12 options"),
        (GOOD | {"options": ["Bänke", ""]}, "text must be non-empty"),
        (GOOD | {"options": ["Bänke", "x" * 101]}, "poll options length must not exceed 100"),
        (GOOD | {"type": "survey"}, "unsupported poll type specified"),
        (GOOD | {"open_period": 4}, "a poll is open for 5 to 2628000 seconds"),
        (GOOD | {"open_period": 2_628_001}, "a poll is open for 5 to 2628000 seconds"),
        (GOOD | {"close_date": 1}, "a poll is open for 5 to 2628000 seconds"),
        (GOOD | {"open_period": 5, "close_date": 1}, "open_period and close_date can't be used together"),
        (GOOD | {"correct_option_id": 0}, "only a quiz has an answer that is right"),
        (GOOD | {"shuffle": True}, "this server knows no shuffle"),
        (QUIZ, "correct quiz option list must be non-empty"),
        (QUIZ | {"correct_option_ids": [1, 0]}, "correct quiz option list must be increasing"),
        (QUIZ | {"correct_option_ids": ["0"]}, "correct option identifier must be of type Number"),
        (QUIZ | {"correct_option_id": 2}, "wrong quiz correct_option_id"),
        (
            QUIZ | {"correct_option_id": 0, "explanation": "x" * 201},
            "quiz explanation must have at most 200 characters",
        ),
        (
            QUIZ | {"correct_option_id": 0, "explanation": "1\n2\n3\n4"},
            "quiz explanation must have at most 2 line feeds",
        ),
    ],
)
async def test_a_poll_that_is_refused(api, given, words):
    resident = api.resident()
    answer = await call(api, "sendPoll", chat_id=resident.number, **given)
    assert answer == {"ok": False, "error_code": 400, "description": f"Bad Request: {words}"}
    assert resident.messages() == []


async def test_a_poll_at_the_limits(api):
    resident = api.resident()
    given = {"question": "?" * 300, "options": ["x" * 100] * 12, "close_date": int(time.time()) + 60}
    answer = await call(api, "sendPoll", chat_id=resident.number, **given)
    assert answer["result"]["poll"]["is_anonymous"] is True
    assert answer["result"]["poll"]["open_period"] in (59, 60)
    (sent,) = resident.messages()
    resident.vote(sent, "x" * 100)
    [(_, update)] = api.state.queue.values()
    assert "poll_answer" not in update  # the voter stays unknown
    assert update["poll"]["total_voter_count"] == 1


async def test_stopping(api):
    resident, blocked = api.resident(), api.resident()
    stop = {"chat_id": resident.number}
    sent = (await call(api, "sendPoll", **stop, **GOOD))["result"]["message_id"]
    text = (await call(api, "sendMessage", **stop, text="Guten Tag"))["result"]["message_id"]
    blocked.block()
    refusals = [
        await call(api, "stopPoll", message_id=sent),
        await call(api, "stopPoll", **stop),
        await call(api, "stopPoll", **stop, message_id=sent + 1000),
        await call(api, "stopPoll", **stop, message_id=text),
        await call(api, "stopPoll", **stop, message_id=resident.say("Hallo")),
        await call(api, "stopPoll", **stop, message_id=resident.poll("Wohin?", ["Ans Wasser"])),
        await call(api, "stopPoll", chat_id=blocked.number, message_id=sent),
    ]
    assert [refusal["description"] for refusal in refusals] == [
        "Bad Request: chat_id is empty",
        "Bad Request: message with poll to stop not found",
        "Bad Request: message with poll to stop not found",
        "Bad Request: message is not a poll",
        "Bad Request: message is not a poll",
        "Bad Request: poll can't be stopped",
        "Forbidden: bot was blocked by the user",
    ]
    assert (await call(api, "stopPoll", **stop, message_id=sent))["result"]["is_closed"] is True
    again = await call(api, "stopPoll", **stop, message_id=sent)
    assert again["description"] == "Bad Request: poll has already been closed"
