"""In a group others read along: the bot invites to a private chat, and nothing of the group stays."""

from __future__ import annotations

import pytest

from storage.core.store import Store
from tests.support.app import consultation, publish, running, say


def rows(store: Store, table: str) -> int:
    with store.reading() as connection:
        return int(connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar_one())


async def test_a_group_is_invited_and_forgotten(store):
    publish(store, consultation("park"), consultation("platz"))
    async with running(store) as (app, channel):
        calls = [channel.msg("-7", word, is_group=True) for word in ("/start park", "/help", "Licht!")]
        await say(app, *calls, channel.msg("anna", "park"))
        await say(app, channel.msg("-7", "nur geplaudert", is_group=True))
        (invitation,) = [sent.msg for sent in channel.sent if sent.address == "-7"]
        assert [reply.label for reply in invitation.quick_replies] == ["Beispiel park", "Beispiel platz"]
        assert [reply.token.rpartition(".")[2] for reply in invitation.quick_replies] == ["park", "platz"]
        assert "privaten Chat" in invitation.text
    assert rows(store, "contacts") == rows(store, "addresses") == 1  # Anna
    assert rows(store, "sessions") == 1
    assert rows(store, "outbox") == 0


async def test_a_group_calls_again_before_it_was_answered(store):
    publish(store, consultation())
    async with running(store) as (app, channel):
        await app.conversations.receive([channel.msg("-7", "/start", is_group=True)])
        await app.conversations.receive([channel.msg("-7", "/start", is_group=True)])
        await app.outbox.drained()
        assert len(channel.sent) == 2
    assert rows(store, "addresses") == 0


async def test_whoever_is_erased_leaves_no_address_behind(store):
    publish(store, consultation())
    async with running(store) as (app, channel):
        await say(app, channel.msg("anna", "park"))
        await say(app, channel.msg("anna", "/delete"))
        await say(app, channel.msg("anna", "alles löschen"))
        assert channel.texts("anna")[-1]
    assert rows(store, "addresses") == rows(store, "contacts") == 0


@pytest.mark.parametrize(
    "text", ["!wetter berlin", "! Achtung Baustelle", "!!!", "/shrug", "siehe https://x.example/!"]
)
async def test_commands_of_other_bots_are_left_alone(store, text):
    publish(store, consultation())
    async with running(store) as (app, channel):
        await say(app, channel.msg("-7", text, is_group=True))
        assert channel.sent == []


@pytest.mark.parametrize("text", ["!", "!start", "/start park", "!hilfe", "/yardım", "!datenschutz"])
async def test_own_commands_in_any_language_are_calls(store, text):
    publish(store, consultation())
    async with running(store) as (app, channel):
        await say(app, channel.msg("-7", text, is_group=True))
        assert len(channel.sent) == 1
