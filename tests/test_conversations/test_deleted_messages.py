"""A deleted message is always answered while there are answers it may have held."""

from __future__ import annotations

import pytest

from storage.core.store import Store
from tests.support.app import consultation, publish, rows, running, say


@pytest.fixture
def store(store: Store) -> Store:
    publish(store, consultation())
    return store


def answers(store: Store) -> dict[str, str]:
    return dict(rows(store, "SELECT question_key, value FROM answers"))


async def test_the_newest_answer_goes(store: Store):
    async with running(store) as (app, channel):
        for text in ("/start park", "Deutsch"):
            await say(app, channel.msg("anna", text))
        given = channel.msg("anna", "ja")
        await say(app, given)
        await say(app, channel.msg("anna", taken_back=given.external_id))
        assert "gelöscht" in channel.last("anna").text
        assert answers(store) == {}


@pytest.mark.parametrize(("end", "shown"), [("absenden", "Licht im Park?"), ("stopp", "Willkommen zurück")])
async def test_after_the_end_it_is_said_that_the_answers_stay(store: Store, end: str, shown: str):
    async with running(store) as (app, channel):
        given = channel.msg("anna", "Bänke")
        for msg in (*(channel.msg("anna", text) for text in ("/start park", "Deutsch", "ja")), given):
            await say(app, msg)
        await say(app, channel.msg("anna", end))
        before = answers(store)
        await say(app, channel.msg("anna", taken_back=given.external_id))
        assert "Welche Antwort darin stand, ist nicht mehr zu erkennen" in channel.last("anna").text
        assert answers(store) == before != {}
        await say(app, channel.msg("anna", "ändern"))
        assert shown in channel.last("anna").text


async def test_who_answered_nothing_hears_nothing(store: Store):
    async with running(store) as (app, channel):
        hello = channel.msg("anna", "Hallo")
        await say(app, channel.msg("ben", taken_back="never said"))
        await say(app, hello)
        before = len(channel.sent)
        await say(app, channel.msg("anna", taken_back=hello.external_id))
        assert (len(channel.sent), answers(store)) == (before, {})
