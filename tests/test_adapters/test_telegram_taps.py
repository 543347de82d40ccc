"""Taps on Telegram: several on one button count once; calls beside the queue obey "too fast"."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from telegram.error import NetworkError, RetryAfter

from adapters.base import Outgoing
from adapters.telegram.optional_calls import OptionalCalls
from flows.messages import MsgOut, QuickReply
from tests import botapi
from tests.botapi import BotApi
from tests.botapi.faults import Fault
from tests.botapi.limits import FREE
from tests.support.app import consultation, publish
from tests.support.telegram import answers_of, telegram
from tests.test_adapters.test_telegram_troubles import receiving, until


@pytest.fixture
async def api() -> AsyncIterator[BotApi]:
    async with botapi.running(FREE) as started:
        yield started


async def test_five_taps_on_one_button_are_answered_once(api, store):
    publish(store, consultation())
    async with telegram(store, api):
        anna = api.resident()
        anna.start("park")
        await anna.hears()
        anna.tap("Deutsch")
        _, lamps = await anna.hears(2)
        (yes,) = [button["callback_data"] for row in lamps.keyboard for button in row if button["text"] == "Ja"]
        taps = [anna.tap_data(lamps, yes) for _ in range(3)]
        await anna.hears()
        taps += [anna.tap_data(lamps, yes) for _ in range(2)]
        await until(lambda: set(taps) <= set(api.ledger.answered_taps))
        anna.say("Bänke")
        (summary,) = await anna.hears()
        assert "Bänke" in summary.text
        assert not [sent for sent in anna.messages() if "schon beantwortet" in sent.text]
    assert answers_of(store) == {"lamps": '"yes"', "wish": '"Bänke"'}


async def test_each_tap_counts_where_a_message_is_changed_in_place(api):
    resident = api.resident()
    async with receiving(api) as (channel, inbox):
        question = MsgOut("Punkte?", (QuickReply("c.many.more", "+1"),), expects="amounts")
        await channel.send(Outgoing(1, str(resident.chat_id), question))
        for _ in range(3):
            resident.tap("+1")
        await inbox.holds(3)


async def test_a_refused_change_is_made_up_for(api, store):
    """The buttons of an answered message are taken away, when Telegram allows it."""
    publish(store, consultation())
    words = "Too Many Requests: retry after 1"
    async with telegram(store, api):
        anna = api.resident()
        anna.start("park")
        (which,) = await anna.hears()
        for method in ("editMessageText", "editMessageReplyMarkup"):
            api.faults.append(Fault("error", method, status=429, description=words, retry_after=1))
        anna.tap("Deutsch")
        await anna.until(lambda: not which.keyboard)
        assert [fault.times for fault in api.faults].count(0) == 1


async def test_no_call_is_sent_before_the_time_is_over():
    calls, made = OptionalCalls(), []

    async def refused():
        made.append("refused")
        raise RetryAfter(60)

    async def other():
        made.append("other")
        raise NetworkError("away")

    calls.run(other)
    await until(lambda: made == ["other"])
    calls.run(refused)
    await until(lambda: made == ["other", "refused"])
    calls.run(other)
    calls.run(other, can_wait=False)
    await asyncio.sleep(0.05)
    await calls.close()
    assert made == ["other", "refused"]
