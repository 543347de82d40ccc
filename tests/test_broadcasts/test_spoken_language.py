"""What the bot speaks with people who chose no language is remembered, and they are written to in it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from bot.broadcasts import service
from bot.broadcasts.service import BroadcastDraft
from storage.core.store import Store
from storage.tables.broadcasts import insert_broadcasts
from tests.support.app import consultation, publish, rows, running, say
from tests.test_broadcasts.test_broadcasts import AWAKE, counted, pushing

NEWS = "haberler hepsi"


@pytest.fixture
def store(store: Store) -> Store:
    spoken: dict[str, Any] = {"languages": {"de": {}, "tr": {}}}
    text = {"de": "Was fehlt?", "tr": "Ne eksik?"}
    questions = [{"key": "wish", "type": "text", "text": text}]
    publish(store, *(consultation(slug, questions=questions, **everything(spoken)) for slug in ("park", "wiese")))
    return store


def everything(more: dict[str, Any]) -> dict[str, Any]:
    sentence = {"de": "Ein Satz.", "tr": "Bir cümle."}
    texts = dict.fromkeys(("asks", "why", "readers", "decides", "feedback", "audience"), sentence)
    return {
        "title": {"de": "Beispiel", "tr": "Örnek"},
        "retention": {"days": 30, "remains": sentence},
        "contact": {"name": sentence, "hours": sentence, "email": "park@example.org"},
        **texts,
        **more,
    }


def languages(store: Store) -> list[tuple[str | None, str | None]]:
    return [(chosen, spoken) for chosen, spoken in rows(store, "SELECT language, spoken_language FROM contacts")]


async def test_who_is_spoken_to_in_turkish_is_pushed_to_in_turkish(store: Store):
    async with running(store, settings=AWAKE) as (app, channel):
        for words in ("merhaba", NEWS):
            await say(app, channel.msg("ayşe", words, language_hint="tr"))
        assert languages(store) == [(None, "tr")]
        count, _ = counted(store, BroadcastDraft("wiese", "language=tr"))
        assert count == {("test", "tr"): 1}
        assert counted(store, BroadcastDraft("wiese", "not language=tr")) == ({}, {})
        now = datetime.now(UTC)
        with store.begin() as connection:
            work = pushing()
            push = service.create_draft(work, connection, BroadcastDraft("wiese", "everybody"), now)
            insert_broadcasts(connection, [push])
            service.start_broadcast(work, connection, push, now)
        for _ in range(3):
            await app.broadcaster.step(now)
        await app.outbox.drained()
        assert channel.last("ayşe").language == "tr"
        assert "Örnek" in channel.last("ayşe").text


async def test_what_was_chosen_counts_more(store: Store):
    async with running(store) as (app, channel):
        for words in ("/start park", "Deutsch", "/news all"):
            await say(app, channel.msg("ayşe", words, language_hint="tr"))
        assert languages(store) == [("de", "tr")]
        assert counted(store, BroadcastDraft("wiese", "everybody"))[0] == {("test", "de"): 1}


@pytest.mark.parametrize(
    ("hints", "spoken"),
    [
        (["tr-TR"], "tr"),
        (["fr"], "de"),
        ([""], "de"),
        (["tr", "de"], "de"),
        (["tr", ""], "de"),
        (["zh-Hans", "pl"], "pl"),
    ],
)
async def test_what_a_channel_lets_us_guess(store: Store, hints: list[str], spoken: str):
    async with running(store) as (app, channel):
        for number, hint in enumerate(hints):
            await say(app, channel.msg("ayşe", f"hallo {number}", language_hint=hint))
    assert languages(store) == [(None, spoken)]


async def test_a_consultation_in_one_language_only_changes_nothing(store: Store):
    """As with what is chosen there for want of better: it does not count elsewhere."""
    publish(store, consultation("trees", **everything({"languages": {"de": {}}})))
    async with running(store) as (app, channel):
        await say(app, channel.msg("ayşe", "/start trees", language_hint="tr"))
        assert languages(store) == [(None, "tr")]
