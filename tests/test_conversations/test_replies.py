"""A reply to an earlier message is no answer to the question that is open."""

from __future__ import annotations

import pytest

from storage.core.store import Store
from tests.support.app import Recorder, consultation, publish, rows, running, say

LAMPS, WISH = "Licht im Park?", "Was fehlt?"


@pytest.fixture
def store(store: Store) -> Store:
    publish(store, consultation())
    return store


def answers(store: Store) -> dict[str, str]:
    return dict(rows(store, "SELECT question_key, value FROM answers"))


async def asked(app, channel: Recorder) -> None:
    for text in ("/start park", "Deutsch", "ja"):
        await say(app, channel.msg("anna", text))
    assert WISH in channel.last("anna").text


async def test_to_an_earlier_question_its_answer_is_explained(store: Store):
    async with running(store) as (app, channel):
        await asked(app, channel)
        await say(app, channel.msg("anna", "nein", replies_to=f"Frage 1 von 2: {LAMPS}\n\n✓ Ja"))
        said = channel.last("anna")
        assert "schon beantwortet: Ja" in said.text
        assert WISH in said.text
        change = next(reply for reply in said.quick_replies if reply.token.endswith("change.1"))
        assert answers(store) == {"lamps": '"yes"'}
        await say(app, channel.msg("anna", choice=change.token))
        await say(app, channel.msg("anna", "nein"))
        assert answers(store) == {"lamps": '"no"'}


@pytest.mark.parametrize("earlier", ["…", "Guten Tag!", "mein eigener Satz", "?", "Etwas fehlten"])
async def test_to_something_else_it_is_asked_again(store: Store, earlier: str):
    async with running(store) as (app, channel):
        await asked(app, channel)
        await say(app, channel.msg("anna", "Ja, genau", replies_to=earlier))
        assert channel.last("anna").text.startswith("Das ist die Antwort auf eine frühere Nachricht.")
        assert WISH in channel.last("anna").text
        assert answers(store) == {"lamps": '"yes"'}


async def test_to_the_open_question_it_is_the_answer(store: Store):
    async with running(store) as (app, channel):
        await asked(app, channel)
        await say(app, channel.msg("anna", "Bänke", replies_to=channel.last("anna").text))
        assert answers(store) == {"lamps": '"yes"', "wish": '"Bänke"'}


async def test_words_and_buttons_mean_what_they_always_do(store: Store):
    async with running(store) as (app, channel):
        await asked(app, channel)
        await say(app, channel.msg("anna", "zurück", replies_to="…"))
        assert LAMPS in channel.last("anna").text
        await say(app, channel.msg("anna", "stopp", replies_to="…"))
        assert "Start park" in channel.last("anna").text
