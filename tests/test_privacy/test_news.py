"""Subscriptions: only subscribers get messages, and none outlasts "stop" or "delete"."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import text

from adapters.base import Limits
from bot.common.i18n import phrase_catalogues
from flows.commands.subscriptions import parse_subscription
from flows.commands.words import CommandMatcher
from flows.events import SubscriptionChange
from flows.messages import Room
from flows.understanding.text import fold
from storage.core.store import Store
from tests.support.app import Recorder, consultation, publish, running, say


@pytest.fixture
def store(store):
    publish(store, consultation(), consultation("trees"))
    return store


def wishes(store: Store) -> list[tuple[Any, ...]]:
    with store.reading() as connection:
        query = "SELECT about, subject, language FROM opt_ins ORDER BY 1, 2"
        return [tuple(row) for row in connection.execute(text(query))]


def button(channel: Recorder, label: str) -> str:
    return next(reply.token for reply in channel.last("a").quick_replies if label in reply.label)


async def test_after_submitting_one_can_ask_what_comes_of_it(store):
    async with running(store) as (app, channel):
        for line in ("/start park", "Deutsch", "ja", "Bänke", "absenden"):
            await say(app, channel.msg("a", line))
        await say(app, channel.msg("a", choice=button(channel, "Laufenden")))
        await say(app, channel.msg("a", choice=button(channel, "Was daraus wird: Beispiel park")))
        assert wishes(store) == [("outcome", "park", "de")]
        assert "Notiert: Was daraus wird: Beispiel park." in channel.last("a").text
        assert "Stopp" in channel.last("a").text


async def test_words_and_taps_say_the_same_and_twice_is_once(store):
    async with running(store) as (app, channel):
        words = ("Deutsch", "neuigkeiten alle", "Neuigkeiten Mitte", "news Inclusive urban design", "news all")
        await say(app, *(channel.msg("a", line) for line in words))
        await say(app, channel.msg("a", choice="lobby..news.topic.inclusion"))
        assert wishes(store) == [("all", "", "de"), ("district", "01", "de"), ("topic", "inclusion", "de")]
        await say(app, channel.msg("a", choice="lobby..news.district.01.no"), channel.msg("a", "neuigkeiten keine"))
        assert wishes(store) == []


async def test_stop_and_delete_end_subscriptions_until_renewed(store):
    async with running(store) as (app, channel):
        await say(app, channel.msg("a", "neuigkeiten alle"), channel.msg("b", "neuigkeiten alle"))
        await say(app, channel.msg("a", "stopp"), channel.msg("b", "alles löschen"))
        assert wishes(store) == []
        await say(app, channel.msg("a", "neuigkeiten alle"), channel.msg("a", "meinedaten"))
        assert "Nachrichten gewünscht: Alle neuen Befragungen" in channel.last("a").text
        with store.reading() as connection:
            assert connection.execute(text("SELECT stopped_at FROM contacts WHERE language IS NULL")).all() == [(None,)]


async def test_where_nobody_can_be_written_to_nothing_is_offered(store):
    web = Recorder("test", Limits(is_proactive=False))
    async with running(store, {"test": web}) as (app, _):
        for line in ("/start park", "Deutsch", "ja", "Bänke", "absenden"):
            await say(app, web.msg("a", line))
        assert not [it for it in web.last("a").quick_replies if it.parsed.command == "news"]
        await say(app, web.msg("a", "neuigkeiten alle"))
        assert "Messenger" in web.last("a").text
        assert wishes(store) == []


@pytest.mark.parametrize("is_proactive", [True, False])
async def test_whether_news_are_offered_depends_on_the_chat(store, is_proactive):
    room = Room(is_direct=True, is_confidential=True, is_proactive=is_proactive)
    channel = Recorder("test", Limits(is_proactive=not is_proactive))
    async with running(store, {"test": channel}) as (app, _):
        await say(app, channel.msg("a", "Deutsch", room=room), channel.msg("a", "neuigkeiten alle", room=room))
        assert ("Messenger" in channel.last("a").text) is not is_proactive
        assert bool(wishes(store)) is is_proactive


async def test_within_a_question_only_the_whole_word_counts(store):
    async with running(store) as (app, channel):
        await say(app, *(channel.msg("a", line) for line in ("/start park", "Deutsch", "ja", "Neues aus dem Kiez")))
        with store.reading() as connection:
            query = text("SELECT value FROM answers WHERE question_key = 'wish'")
            assert connection.execute(query).scalar() in {'"Neues aus dem Kiez"', "Neues aus dem Kiez"}


@pytest.mark.parametrize(
    "argument",
    [
        "religion",
        "topic.religion",
        "topic",
        "district.13",
        "district",
        "all.x",
        "outcome",
        "topic.economy.x",
        "..",
        "no",
    ],
)
def test_what_was_never_offered_is_not_taken(argument):
    assert parse_subscription(argument) is None


@pytest.mark.parametrize("tag", phrase_catalogues.catalogue_languages())
def test_what_the_offer_tells_to_type_is_understood(tag):
    said = phrase_catalogues.load_phrases(tag)
    for words in said.text("news.how", "sie").partition(": ")[2].split(" · "):
        spoken = CommandMatcher([said]).find(fold(words))
        assert spoken, words
        assert (spoken.command, spoken.argument) in {("news", "all"), ("news", "district.01")}


def test_what_is_offered_is_read():
    assert parse_subscription("") == SubscriptionChange()
    assert parse_subscription("all.no") == SubscriptionChange("all", withdrawn=True)
    assert parse_subscription("outcome.park") == SubscriptionChange("outcome", "park")
    assert parse_subscription("topic.economy.no") == SubscriptionChange("topic", "economy", withdrawn=True)
