"""Telegram from end to end: an app, its Telegram channel, and a strict Bot API with residents."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

import pytest

from adapters.base import TOO_LARGE, Refused, Replies, RetryAfter
from flows.messages import MsgIn
from tests import botapi
from tests.botapi import BotApi, Fault, Rates
from tests.support.app import consultation, publish
from tests.support.telegram import answers_of, channel_to, telegram

FREE = Rates(0, 0, 0)
YES_NO = [{"value": value, "label": {"de": label, "en": label}} for value, label in (("yes", "Ja"), ("no", "Nein"))]
MANY = {"key": "wishes", "type": "choices", "text": {"de": "Was fehlt?", "en": "What?"}, "options": YES_NO}


@pytest.fixture
async def api() -> AsyncIterator[BotApi]:
    async with botapi.running(FREE) as started:
        yield started


async def test_a_resident_takes_part(api, store):
    publish(store, consultation())
    async with telegram(store, api):
        resident = api.resident()
        resident.start("park")
        (which,) = await resident.hears()
        assert "Deutsch" in which.labels
        resident.tap("Deutsch")
        _, first = await resident.hears(2)
        assert first.labels[:2] == ["Ja", "Nein"]
        resident.tap("Ja")
        (second,) = await resident.hears()
        assert "Was fehlt?" in second.text
        await resident.until(lambda: not first.keyboard)
        assert first.text.endswith("✓ Ja")  # the buttons are gone, the answer stays
        resident.say("Bäume")
        (summary,) = await resident.hears()
        assert "Bäume" in summary.text
        resident.tap(summary.labels[0])
        await resident.hears()
        assert len(api.ledger.answered_taps) == 3
    assert answers_of(store) == {"lamps": '"yes"', "wish": '"Bäume"'}
    assert not api.state.queue
    assert not [refusal for refusal in api.ledger.refused if refusal[0] == "sendmessage"]


@pytest.mark.parametrize(
    ("language", "words"),
    [("Deutsch", "Diese Art von Nachricht geht hier nicht."), ("English", "This kind of message does not work here.")],
)
async def test_a_poll_somebody_sends_is_answered_in_their_language(api, store, language, words):
    publish(store, consultation())
    async with telegram(store, api):
        resident = api.resident("tr")
        resident.start("park")
        await resident.hears()
        resident.tap(language)
        await resident.hears(2)
        resident.poll("Wohin mit dem Fest?", ["Ja", "Nein"], forwarded_from="Kiezrunde")
        (hint,) = await resident.hears()
        assert hint.text.startswith(words)
        resident.tap(hint.labels[0])
        await resident.hears()
        resident.poll("Was fehlt?", ["Bänke", "Bäume"])
        (hint,) = await resident.hears()
        assert hint.text.startswith(words)
    assert answers_of(store) == {"lamps": '"yes"'}


async def test_a_file_is_read_to_its_end_or_told_why_not(api):
    channel = channel_to(api)
    await channel.start(nobody)
    try:
        api.state.files |= {"large": bytes(range(256)) * 30_000, "too_large": bytes(20 * 1024 * 1024 + 1)}
        assert await channel.fetch("large") == api.state.files["large"]  # seven megabytes come in many pieces
        assert await channel.fetch("too_large") == Refused(TOO_LARGE)
        assert isinstance(await channel.fetch("gone"), RetryAfter)  # the words for "not now" are the same
        api.faults.append(Fault("error", "getFile", status=400, description="Bad Request: invalid file_id"))
        assert await channel.fetch("large") == Refused("Invalid file_id")
    finally:
        await channel.stop()
        await channel.close()


async def nobody(messages: Sequence[MsgIn]) -> Sequence[Replies]:
    """Nothing is received."""
    return [()] * len(messages)
