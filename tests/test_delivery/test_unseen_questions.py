"""A question that never arrived is asked again before an answer to it is taken."""

from __future__ import annotations

import asyncio

import pytest

from adapters.base import Delivery, Refused, RetryAfter, Sent, Unknown, Unreachable
from bot.app import App
from storage.core.store import Store
from tests.support.app import Recorder, consultation, publish, rows, running, say
from tests.support.databases import Database

AGAIN = "Diese Frage kam vorhin nicht an."


async def in_the_park(app: App, channel: Recorder, name: str = "anna") -> None:
    await say(app, channel.msg(name, "/start park"))
    await say(app, channel.msg(name, "Deutsch"))


def answers(store: Store) -> list[tuple[str, str]]:
    return [(key, value) for key, value in rows(store, "SELECT question_key, value FROM answers ORDER BY 1")]


@pytest.mark.parametrize("outcome", [Refused("no"), Unreachable("forbidden")])
async def test_what_was_refused_is_asked_again(store: Store, outcome: Delivery):
    publish(store, consultation())
    async with running(store) as (app, channel):
        await in_the_park(app, channel)
        channel.answers = [outcome]
        await say(app, channel.msg("anna", "ja"))
        await say(app, channel.msg("anna", "2"))
        assert channel.last("anna").text.startswith(AGAIN)
        assert "Was fehlt?" in channel.last("anna").text
        assert answers(store) == [("lamps", '"yes"')]
        await say(app, channel.msg("anna", "Bänke"))
        assert answers(store) == [("lamps", '"yes"'), ("wish", '"Bänke"')]


async def test_also_after_a_restart(database: Database):
    store = Store(database.url)
    publish(store, consultation())
    async with running(store) as (app, channel):
        await in_the_park(app, channel)
        channel.answers = [Refused("no")]
        await say(app, channel.msg("anna", "ja"))
    store = Store(database.url)
    async with running(store) as (app, channel):
        await say(app, channel.msg("anna", "2", external_id="later"))
        assert channel.last("anna").text.startswith(AGAIN)
        assert answers(store) == [("lamps", '"yes"')]


@pytest.mark.parametrize("is_overall", [False, True])
async def test_what_was_put_off_is_answered_only_when_it_was_seen(store: Store, is_overall: bool):
    publish(store, consultation())
    async with running(store) as (app, channel):
        await in_the_park(app, channel)
        await in_the_park(app, channel, "bert")
        channel.answers = [RetryAfter(1.5, "too fast", is_overall=is_overall)]
        await app.conversations.receive([channel.msg("anna", "ja")])
        await asyncio.sleep(0.2)
        await app.conversations.receive([channel.msg("anna", "2"), channel.msg("bert", "nein")])
        assert [key for key, _ in answers(store)] == ["lamps", "lamps"]
        for _ in range(100):
            if any(text.startswith(AGAIN) for text in channel.texts("anna")):
                break
            await asyncio.sleep(0.1)
        await app.outbox.drained()
        await say(app, channel.msg("anna", "Bänke"))
        assert ("wish", '"Bänke"') in answers(store)


@pytest.mark.parametrize("outcome", [Sent(), Unknown("nothing heard")])
async def test_what_may_have_arrived_is_not_asked_again(store: Store, outcome: Delivery):
    publish(store, consultation())
    async with running(store) as (app, channel):
        await in_the_park(app, channel)
        channel.answers = [outcome]
        await say(app, channel.msg("anna", "ja"))
        await say(app, channel.msg("anna", "Bänke"))
        assert ("wish", '"Bänke"') in answers(store)


async def test_chat_words_are_obeyed_all_the_same(store: Store):
    publish(store, consultation())
    async with running(store) as (app, channel):
        await in_the_park(app, channel)
        channel.answers = [Refused("no")]
        await say(app, channel.msg("anna", "ja"))
        await say(app, channel.msg("anna", "/back"))
        assert "Licht im Park?" in channel.last("anna").text
        await say(app, channel.msg("anna", "nein"))  # that one was seen
        assert answers(store) == [("lamps", '"no"')]


async def test_a_push_that_was_refused_is_no_question(store: Store):
    """Only what was asked counts: who is pushed to has the question of before."""
    publish(store, consultation())
    async with running(store) as (app, channel):
        await in_the_park(app, channel)
        channel.answers = [Sent(), Refused("no")]
        await say(app, channel.msg("anna", "/privacy"))
        await say(app, channel.msg("anna", "/mydata"))
        await say(app, channel.msg("anna", "ja"))
        assert answers(store) == [("lamps", '"yes"')]
